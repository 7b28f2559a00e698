"""Signing in through the pages: password, second factor, first password, lock-out, way back, sign-out."""

from collections.abc import Callable
from functools import partial

import pyotp
import pytest
from web_desk import PASSWORD, Desk, make_user

from core.db import Database
from core.permissions import Role
from web import doors


async def test_an_agent_signs_in_and_out(db: Database, serve: Callable[[], Desk]) -> None:
    await make_user(db, "wangli", Role.AGENT)
    desk = serve()
    first = await desk.get("/account?x=1")
    assert first.status == 303
    assert first.headers["Location"] == "/sign-in?next=/account%3Fx%3D1"
    response = await desk.enter("wangli")
    assert (response.status, response.headers["Location"]) == (303, "/")
    cookie = response.headers["Set-Cookie"]
    assert "__Host-hotline=" in cookie
    assert "HttpOnly" in cookie and "Secure" in cookie and "SameSite=Strict" in cookie
    page = await desk.get("/account")
    assert page.status == 200
    await desk.token("/account")
    out = await desk.post("/sign-out")
    assert (out.status, out.headers["Location"]) == (303, "/sign-in")
    assert (await desk.get("/account")).status == 303


async def test_a_wrong_password_says_so_and_five_lock(db: Database, serve: Callable[[], Desk]) -> None:
    await make_user(db, "wangli", Role.AGENT)
    desk = serve()
    for _ in range(5):
        response = await desk.enter("wangli", "wrong")
        assert response.status == 403
        assert "登录名或密码不正确" in await response.text()
    assert "暂时锁定" in await (await desk.enter("wangli")).text()


async def test_a_privileged_role_binds_and_gives_a_second_factor(db: Database, serve: Callable[[], Desk]) -> None:
    await make_user(db, "chen", Role.ARCHIVIST)
    desk = serve()
    response = await desk.enter("chen")
    assert response.headers["Location"] == "/sign-in/enrol"
    refused = await desk.get("/account")
    assert (refused.status, refused.headers["Location"]) == (303, "/sign-in/enrol")
    page = await (await desk.get("/sign-in/enrol")).text()
    assert "<svg" in page
    secret = page.partition('class="secret">')[2].partition("<")[0]
    await desk.token("/sign-in/enrol")
    code = pyotp.TOTP(secret).now()
    wrong = await desk.post("/sign-in/code", {"code": "000000" if code != "000000" else "111111"})
    assert wrong.status == 422
    assert "动态口令不正确" in await wrong.text()
    half = desk.cookie
    right = await desk.post("/sign-in/code", {"code": code})
    assert (right.status, right.headers["Location"]) == (303, "/")
    assert (await desk.get("/account")).status == 200
    assert desk.cookie != half
    stolen = await serve().get("/account", headers={"Cookie": f"__Host-hotline={half}"})
    assert (stolen.status, stolen.headers["Location"]) == (303, "/sign-in?next=/account")


async def test_signing_in_again_ends_the_session_before(db: Database, serve: Callable[[], Desk]) -> None:
    await make_user(db, "wangli", Role.AGENT)
    desk = serve()
    await desk.enter("wangli")
    first = desk.cookie
    await desk.token("/account")
    assert (await desk.post("/sign-in", {"login": "wangli", "password": PASSWORD})).status == 303
    assert desk.cookie != first
    old = await serve().get("/account", headers={"Cookie": f"__Host-hotline={first}"})
    assert old.status == 303
    assert (await desk.get("/account")).status == 200


async def test_a_first_password_must_be_changed(db: Database, serve: Callable[[], Desk]) -> None:
    from core.actor import SYSTEM
    from core.identity import service

    async with db.session() as session:
        _, first = await service.create_user(session, SYSTEM, login="new", name="新人", roles=frozenset({Role.AGENT}))
    desk = serve()
    assert (await desk.enter("new", first)).headers["Location"] == "/sign-in/password"
    await desk.token("/sign-in/password")
    form = {"present": first, "password": "short", "again": "short"}
    weak = await desk.post("/account/password", form)
    assert weak.status == 422
    assert "密码须为" in await weak.text()
    form = {"present": first, "password": PASSWORD, "again": PASSWORD}
    assert (await desk.post("/account/password", form)).headers["Location"] == "/"
    assert (await desk.get("/account")).status == 200


@pytest.mark.parametrize("bad", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_the_way_back_never_leaves_this_service(db: Database, serve: Callable[[], Desk], bad: str) -> None:
    await make_user(db, "wangli", Role.AGENT)
    desk = serve()
    await desk.token()
    response = await desk.post("/sign-in", {"login": "wangli", "password": PASSWORD, "next": bad})
    assert (response.status, response.headers["Location"]) == (303, "/")


async def test_another_browser_can_be_signed_out(db: Database, serve: Callable[[], Desk], agent: Desk) -> None:
    other = serve()
    await other.enter("wangli")
    page = await (await agent.get("/account")).text()
    place = page.partition('action="/account/sessions/')[2].partition('"')[0]
    response = await agent.post(f"/account/sessions/{place}")
    assert response.status == 303
    assert (await other.get("/account")).status == 303
    assert (await agent.get("/account")).status == 200


async def test_attempts_from_one_address_are_limited(
    db: Database, serve: Callable[[], Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "Attempts", partial(doors.Attempts, window_s=3600))  # however slow the machine is
    desk = serve()
    await desk.token()
    states = [(await desk.post("/sign-in", {"login": "nobody", "password": "x"})).status for _ in range(21)]
    assert states == [403] * 20 + [429]
