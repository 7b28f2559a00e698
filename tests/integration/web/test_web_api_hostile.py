"""Bad input at every act of the API: a clear Chinese sentence beside the field, and nothing is half-saved."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from web_api import ORDER, Program, program, unit
from web_desk import Desk

from core.accounts.channels import Channel
from core.db import Database
from core.idempotency.models import KeptAnswer
from core.permissions import Permission as P
from crm.channels.models import ChannelOrder
from crm.tickets.models import Ticket, TicketEvent
from web.route import Route
from web.routes import TABLE

Serve = Callable[[], Desk]
GONE = object()
NOBODY = "00000000-0000-0000-0000-000000000007"
FIELDS: dict[str, tuple[str, Any]] = {
    "reference missing": ("reference", GONE),
    "reference null": ("reference", None),
    "reference a number": ("reference", 7),
    "reference with blanks": ("reference", "CK 1"),
    "reference too long": ("reference", "C" * 65),
    "reference a formula": ("reference", "=1+1"),
    "title missing": ("title", GONE),
    "title empty": ("title", ""),
    "title blank": ("title", "   "),
    "title too long": ("title", "长" * 61),
    "title a list": ("title", ["x"]),
    "content missing": ("content", GONE),
    "content too long": ("content", "长" * 4001),
    "content an object": ("content", {"$gt": ""}),
    "category unknown": ("category", "grievance"),
    "category a number": ("category", 1),
    "matter unknown": ("matter", "no-such-matter"),
    "matter too long": ("matter", "m" * 41),
    "area unknown": ("area", "no-such-area"),
    "area a department": ("area", "cgj"),
    "address too long": ("address", "长" * 201),
    "name too long": ("caller_name", "长" * 41),
    "phone of letters": ("caller_phone", "call me"),
    "phone too short": ("caller_phone", "138"[:1]),
    "phone a number": ("caller_phone", 13807931234),
    "confidential a word": ("confidential", "perhaps"),
    "time without a zone": ("received_at", "2026-11-01T08:00:00"),
    "time of nonsense": ("received_at", "yesterday"),
    "time to come": ("received_at", "2999-01-01T00:00:00+08:00"),
    "incident from a counter": ("incident_number", "36112620261125"),
    "attachments a word": ("attachments", "photo.jpg"),
    "attachment half told": ("attachments", [{"name": "photo.jpg"}]),
    "attachment of negative size": (
        "attachments",
        [{"name": "a", "media_type": "image/jpeg", "size": -1, "sha256": "0" * 64}],
    ),
    "too many attachments": (
        "attachments",
        [{"name": "a", "media_type": "image/jpeg", "size": 1, "sha256": "0" * 64}] * 21,
    ),
    "a field that is none": ("is_admin", True),
    "a state of one's own": ("state", "archived"),
    "an id of one's own": ("id", NOBODY),
    "somebody else's account": ("opened_by", NOBODY),
}


async def rows(db: Database) -> list[int]:
    async with db.session() as session:
        kinds = (Ticket, TicketEvent, ChannelOrder, KeptAnswer)
        return [await session.scalar(select(func.count()).select_from(kind)) or 0 for kind in kinds]


@pytest.mark.parametrize("name", list(FIELDS))
async def test_a_bad_field_is_named_and_nothing_is_saved(db: Database, serve: Serve, name: str) -> None:
    field, value = FIELDS[name]
    body = {key: one for key, one in (ORDER | {field: value}).items() if one is not GONE}
    status, refused = await (await program(db, serve)).post("/api/v1/orders", body)
    assert status == 422, refused
    assert list(refused["fields"]) == [field]
    assert any("\u4e00" <= letter <= "\u9fff" for letter in refused["fields"][field])
    assert refused["fields"][field] != "内容不正确。", "say what is wrong"
    assert await rows(db) == [0, 0, 0, 0]


BODIES: dict[str, tuple[bytes, str, int]] = {
    "nothing": (b"", "application/json", 422),
    "a list": (b"[]", "application/json", 422),
    "cut off": (b'{"title":', "application/json", 422),
    "NaN": (b'{"title":NaN}', "application/json", 422),
    "not utf-8": (b'{"title":"\xff"}', "application/json", 422),
    "NUL": (b'{"title":"a\\u0000b"}', "application/json", 422),
    "escape": (b'{"title":"\\u001b[2J"}', "application/json", 422),
    "lone surrogate": (b'{"title":"\\ud800"}', "application/json", 422),
    "control in a name": (b'{"ti\\u0007tle":"x"}', "application/json", 422),
    "nested deep": (b'{"title":' + b"[" * 5000 + b"]" * 5000 + b"}", "application/json", 422),
    "too large": (b'{"title":"' + b"a" * 300_000 + b'"}', "application/json", 413),
    "a form": (b"title=x", "application/x-www-form-urlencoded", 415),
    "multipart": (b"--x--", "multipart/form-data; boundary=x", 415),
    "xml": (b"<!DOCTYPE x>", "application/xml", 415),
}
POSTS = [route for route in TABLE if route.answers and route.method == "POST" and not route.takes]
"""What takes JSON; a file has its own tests."""


async def caller(db: Database, serve: Serve, route: Route[Any]) -> Program:
    """A program that may use this route."""
    if route.who == (P.ORDER_HANDLE,):
        return await program(db, serve, Channel.UNIT, unit_id=await unit(db))
    return await program(db, serve)


@pytest.mark.parametrize("route", POSTS, ids=lambda route: route.path)
@pytest.mark.parametrize("name", list(BODIES))
async def test_a_bad_body_is_a_problem_in_chinese(db: Database, serve: Serve, route: Route[Any], name: str) -> None:
    raw, kind, status = BODIES[name]
    counter = await caller(db, serve, route)
    path = route.path.format(id=NOBODY)
    headers = counter.headers(**{"Content-Type": kind, "Idempotency-Key": '"x"', "Accept": "text/html"})
    async with counter.desk.client.post(path, data=raw, headers=headers) as response:
        told = await response.json(content_type=None)
        assert (response.status, response.content_type) == (status, "application/problem+json"), told
    assert any("\u4e00" <= letter <= "\u9fff" for letter in told["title"])
    for sign in ("Traceback", "sqlalchemy", "pydantic"):
        assert sign not in str(told)
    assert await rows(db) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "title", ["=cmd|'/c calc'!A1", "<script>alert(1)</script>", "'; DROP TABLE tickets;--", "{{7777*7777}}"]
)
async def test_what_looks_like_code_is_kept_as_text(db: Database, serve: Serve, agent: Desk, title: str) -> None:
    status, order = await (await program(db, serve, Channel.WEB)).post("/api/v1/orders", ORDER | {"title": title})
    assert status == 201
    async with db.session() as session:
        assert (await session.get_one(Ticket, order["id"])).title == title
    for path in ("/orders", f"/orders/{order['id']}"):
        page = await (await agent.get(path)).text()
        assert "<script>alert" not in page
        assert str(7777 * 7777) not in page


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/orders/1", 422),
        ("/api/v1/orders/%27%20OR%201=1--", 422),
        ("/api/v1/orders?limit=101", 422),
        ("/api/v1/orders?limit=x", 422),
        ("/api/v1/orders?state=secret", 422),
        ("/api/v1/orders?after=yesterday", 422),
        ("/api/v1/orders?after=2026-11-23T00:00:00~00000000-0000-0000-0000-000000000007", 422),
        ("/api/v1/orders?opened_by=x", 422),
        ("/api/v1/orders?limit=1&limit=2", 422),
        ("/api/v1/nothing", 404),
        ("/api/v2/orders", 404),
    ],
)
async def test_a_bad_address_is_a_problem(db: Database, serve: Serve, path: str, status: int) -> None:
    got, told = await (await program(db, serve)).get(path)
    assert (got, told["status"]) == (status, status)


def test_every_post_of_a_program_happens_once() -> None:
    assert [route.path for route in TABLE if route.answers and route.method == "POST" and not route.once] == [
        "/api/v1/query"
    ]
