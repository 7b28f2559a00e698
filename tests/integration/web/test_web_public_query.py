"""F22-4: what anybody may learn of an order, and how little that is."""

import re
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from web_api import ORDER, program
from web_desk import Desk

from core import clock
from core.db import Database
from crm.installed import installed
from crm.policy import OrdersPolicy
from crm.tickets.models import Ticket
from crm.tickets.spoken import spoken_state
from crm.tickets.wrong_codes import WrongCodes
from web import doors
from web.api import door, query

Serve = Callable[[], Desk]


@pytest.fixture
async def made(db: Database, serve: Serve) -> dict[str, str]:
    _, order = await (await program(db, serve)).post("/api/v1/orders", ORDER)
    return {"number": order["number"], "code": order["query_code"]}


async def ask(desk: Desk, **body: str) -> tuple[int, dict[str, str]]:
    async with desk.client.post("/api/v1/query", json=body) as response:
        assert not response.headers.getall("Set-Cookie", [])
        told = await response.json(content_type=None)
        return response.status, told | ({"request_id": ""} if "request_id" in told else {})


@pytest.mark.proves("F22-4")
async def test_the_state_and_nothing_else(serve: Serve, made: dict[str, str]) -> None:
    assert await ask(serve(), **made) == (200, {"number": made["number"], "state": "正在受理"})
    typed = re.sub(r"\D", "", made["number"])
    assert await ask(serve(), number=typed, code=made["code"]) == (200, {"number": made["number"], "state": "正在受理"})


@pytest.mark.proves("F22-4")
async def test_the_page_needs_no_cookie_and_shows_the_state_alone(serve: Serve, made: dict[str, str]) -> None:
    desk = serve()
    for response in (await desk.get("/query"), await desk.client.post("/query", data=made)):
        page = await response.text()
        assert response.status == 200
        assert not response.headers.getall("Set-Cookie", [])
        assert "<script" not in page
    assert "正在受理" in page
    for secret in ("张三", "7931234", ORDER["title"], ORDER["content"], "投诉", "城市管理"):
        assert secret not in page
    wrong = await desk.client.post("/query", data=made | {"code": "x"})
    assert (wrong.status, query.SENTENCE in await wrong.text()) == (404, True)


@pytest.mark.proves("F22-4")
async def test_unknown_number_and_wrong_code_are_told_alike(db: Database, serve: Serve, made: dict[str, str]) -> None:
    desk = serve()
    async with db.session() as session:
        (await session.scalars(select(Ticket))).one().sealed = True
    sealed = await ask(desk, **made)
    async with db.session() as session:
        (await session.scalars(select(Ticket))).one().sealed = False
    took = {}
    answers = [sealed]
    for name, body in {
        "unknown": {"number": "YY20200101-00001", "code": made["code"]},
        "no number": {"number": "<b>", "code": made["code"]},
        "wrong": {"number": made["number"], "code": "0" * len(made["code"])},
    }.items():
        started = time.monotonic()
        answers.append(await ask(desk, **body))
        took[name] = time.monotonic() - started
    assert all(one == answers[0] for one in answers)
    assert (answers[0][0], answers[0][1]["id"]) == (404, "no-match")
    assert min(took.values()) >= query.ANSWERED_AFTER_S


@pytest.mark.proves("F22-4")
async def test_who_guesses_is_silenced_and_the_citizen_is_not(db: Database, serve: Serve, made: dict[str, str]) -> None:
    most = installed().policy[OrdersPolicy].query_failures_per_day
    desk = serve()
    wrong = "0" * len(made["code"]) if made["code"] != "0" * len(made["code"]) else "1" * len(made["code"])
    for _ in range(most):
        assert (await ask(desk, number=made["number"], code=wrong))[0] == 404
    assert (await ask(desk, **made))[0] == 404
    async with db.session() as session:
        phone = await spoken_state(session, made["number"], made["code"], asker="+8613900000000", wrong=WrongCodes())
        assert phone is not None
        row = (await session.scalars(select(Ticket))).one()
        assert row.query_failures == most, "counted with those of the telephone"
    app, tomorrow = desk.client.app, clock.now() + timedelta(hours=25)
    assert [app[door.WRONG_CODES].of(row.id, "127.0.0.1", at) for at in (clock.now(), tomorrow)] == [most, 0]


@pytest.mark.parametrize(
    ("address", "asker"),
    [("203.0.113.7", "203.0.113.7"), ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"), ("", ""), ("socket", "socket")],
)
def test_an_asker_is_an_address_or_a_whole_network(address: str, asker: str) -> None:
    assert doors.network(address) == asker


@pytest.mark.proves("F22-4")
async def test_an_address_may_ask_so_often(serve: Serve) -> None:
    desk = serve()
    desk.client.app[door.QUERIES]._limit = 2
    body = {"number": "YY20200101-00001", "code": "123456"}
    assert [(await ask(desk, **body))[0] for _ in range(3)] == [404, 404, 429]
    page = await desk.client.post("/query", data=body)
    assert (page.status, page.headers["Retry-After"]) == (429, "60")
    assert "频繁" in await page.text()
