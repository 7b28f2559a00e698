"""Access tokens: made in the browser by a security administrator, shown once, ended at once, never stored readable."""

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from web_api import ORDER, Program, program
from web_desk import Desk, signed_in

from core import clock
from core.accounts import tokens
from core.accounts.channels import Channel
from core.accounts.models import AccessToken, ServiceAccount
from core.db import Database
from core.ledger.models import LedgerEntry
from core.permissions import Role
from web.api import door

Serve = Callable[[], Desk]
TOKEN = re.compile(r"hl12345_\w{12}_[\w-]{43}")


@pytest.fixture
async def admin(db: Database, serve: Serve) -> Desk:
    return await signed_in(db, serve(), "zhouan", Role.SECURITY_ADMIN)


async def actions(db: Database, *, about: UUID) -> list[str]:
    async with db.session() as session:
        mine = select(LedgerEntry.action).where(LedgerEntry.subject_id == str(about)).order_by(LedgerEntry.id)
        return list(await session.scalars(mine))


async def test_from_registration_to_revocation(db: Database, serve: Serve, admin: Desk) -> None:
    response = await admin.post("/programs", {"name": "政务大厅综合窗口", "channel": "counter"})
    path = response.headers["Location"]
    account_id = UUID(path.rsplit("/", 1)[1])
    form = {"scopes": ["order.submit"], "days": "90", "networks": "127.0.0.0/8，10.20.3.4"}
    page = await (await admin.post(f"{path}/tokens", form)).text()
    token = TOKEN.search(page)
    assert token
    again = await (await admin.get(path)).text()
    assert token[0] not in again
    assert token[0].split("_")[1] in again
    async with db.session() as session:
        row = (await session.scalars(select(AccessToken))).one()
        everything = (
            await session.execute(text("SELECT access_tokens::text, ledger::text FROM access_tokens, ledger"))
        ).all()
    assert row.networks == ["127.0.0.0/8", "10.20.3.4/32"]
    assert token[0][21:] not in str(everything)
    counter = Program(serve(), account_id, token[0])
    assert (await counter.post("/api/v1/orders", ORDER))[0] == 201
    status, refused = await counter.get("/api/v1/orders")
    assert (status, refused["id"]) == (403, "not-permitted")
    assert "127.0.0.1" in await (await admin.get(path)).text()
    response = await admin.post(f"/tokens/{row.id}/revoke", {"reason": "系统更换"})
    assert response.status == 303
    assert (await counter.post("/api/v1/orders", ORDER | {"reference": "CK-2"}))[0] == 401
    assert (await admin.post(f"/tokens/{row.id}/revoke", {"reason": "再次撤销"})).status == 409
    assert await actions(db, about=account_id) == ["account.create", "token.create", "token.revoke", "token.refused"]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"days": "90"}, "权限"),
        ({"scopes": ["order.view-unit"], "days": "90"}, "权限"),
        ({"scopes": ["user.admin"], "days": "90"}, "选项"),
        ({"scopes": ["order.submit"], "days": "367"}, "不能大于"),
        ({"scopes": ["order.submit"], "days": "0"}, "不能小于"),
        ({"scopes": ["order.submit"], "days": "90", "networks": "10.0.0.1/8"}, "网段"),
        ({"scopes": ["order.submit"], "days": "90", "networks": "<script>"}, "网段"),
        ({"scopes": ["order.submit"], "days": "90", "networks": " ".join(f"10.0.0.{n}" for n in range(11))}, "最多"),
    ],
)
async def test_a_bad_token_form_makes_none(
    db: Database, serve: Serve, admin: Desk, form: dict[str, str], field: str
) -> None:
    counter = await program(db, serve)
    response = await admin.post(f"/programs/{counter.account_id}/tokens", form, headers={"Accept": "application/json"})
    assert response.status == 422
    assert field in await response.text()
    async with db.session() as session:
        assert len((await session.scalars(select(AccessToken))).all()) == 1


@pytest.mark.parametrize("role", sorted({*Role} - {Role.SECURITY_ADMIN, Role.UNIT_CLERK, Role.SECRECY_REVIEWER}))
async def test_nobody_else_makes_or_sees_tokens(db: Database, serve: Serve, role: Role) -> None:
    counter = await program(db, serve)
    desk = await signed_in(db, serve(), "someone", role)
    assert (await desk.get("/programs")).status == 403
    assert (await desk.get(f"/programs/{counter.account_id}")).status == 403
    form = {"scopes": ["order.submit"], "days": "90"}
    assert (await desk.post(f"/programs/{counter.account_id}/tokens", form)).status == 403


async def test_what_opens_nothing_is_refused_alike(db: Database, serve: Serve) -> None:
    counter = await program(db, serve)
    prefix = counter.token.split("_")[1]
    wrong = ["", "x", f"hl12345_{prefix}_{'A' * 43}", tokens.make().text, counter.token[:-1], counter.token + "x" * 300]
    answers = set()
    for token in wrong:
        status, refused = await Program(counter.desk, counter.account_id, token).get("/api/v1/orders")
        answers.add((status, refused["id"], refused["title"]))
    async with counter.desk.client.get("/api/v1/orders") as response:
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="hotline"'
        answers.add((response.status, *[(await response.json(content_type=None))[name] for name in ("id", "title")]))
    with clock.frozen(clock.now() + timedelta(days=30)):
        async with db.session() as session:
            row = (await session.scalars(select(AccessToken))).one()
            assert row.over(clock.now())
            row.expires_at = clock.now() - timedelta(days=60)
    status, refused = await counter.get("/api/v1/orders")
    answers.add((status, refused["id"], refused["title"]))
    assert answers == {(401, "bad-token", "访问令牌缺失、无效、已过期或已撤销。")}


async def test_a_session_cookie_opens_no_api_and_a_token_no_desk(db: Database, serve: Serve, agent: Desk) -> None:
    assert (await agent.client.get("/api/v1/orders")).status == 401
    counter = await program(db, serve)
    async with counter.desk.client.get("/orders", headers=counter.headers(), allow_redirects=False) as response:
        assert response.status == 401


async def test_a_switched_off_program_is_refused_at_once(db: Database, serve: Serve, admin: Desk) -> None:
    counter = await program(db, serve)
    path = f"/programs/{counter.account_id}/active"
    assert (await counter.get("/api/v1/orders"))[0] == 200
    assert (await admin.post(path, {"active": "false", "version": "1", "reason": "系统停用"})).status == 303
    assert (await counter.get("/api/v1/orders"))[0] == 401
    assert (await admin.post(path, {"active": "true", "version": "1", "reason": "看错了"})).status == 409
    assert (await admin.post(path, {"active": "true", "version": "2", "reason": "恢复"})).status == 303
    assert (await counter.get("/api/v1/orders"))[0] == 200


async def test_a_token_for_another_network_is_refused_and_on_record(db: Database, serve: Serve) -> None:
    counter = await program(db, serve, networks=["10.20.0.0/16"])
    status, refused = await counter.get("/api/v1/orders")
    assert (status, refused["id"]) == (403, "foreign-network")
    assert (await actions(db, about=counter.account_id))[-1] == "token.refused"


async def test_each_token_has_its_own_rate(db: Database, serve: Serve) -> None:
    counter = await program(db, serve)
    site = await program(db, serve, Channel.WEB)
    counter.desk.client.app[door.CALLS]._limit = 3
    assert [(await counter.get("/api/v1/orders"))[0] for _ in range(4)] == [200, 200, 200, 429]
    assert (await site.get("/api/v1/orders"))[0] == 200
    async with counter.desk.client.get("/api/v1/orders", headers=counter.headers()) as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "60")


async def test_guessing_tokens_is_stopped_by_address(db: Database, serve: Serve) -> None:
    desk = serve()
    tried = [
        await Program(desk, UUID(int=1), tokens.make().text).get("/api/v1/orders") for _ in range(door.FAILURE_RATE + 1)
    ]
    assert [status for status, _ in tried] == [401] * door.FAILURE_RATE + [429]


async def test_a_units_program_belongs_to_a_unit(db: Database, serve: Serve, admin: Desk) -> None:
    form = {"name": "城管局办公系统", "channel": "unit"}
    response = await admin.post("/programs", form, headers={"Accept": "application/json"})
    assert (response.status, (await response.json(content_type=None))["fields"]["unit_id"]) == (
        422,
        "请选择在用的单位。",
    )
    async with db.session() as session:
        assert (await session.scalars(select(ServiceAccount))).all() == []
