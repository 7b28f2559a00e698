"""A unit's own system at the API: the acts, guards and sentences of the desks, each once, one winner at a time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select
from web_api import Program, program, unit
from web_desk import Desk

from core import clock
from core.accounts.channels import Channel
from core.actor import SYSTEM
from core.db import Database, new_id
from core.permissions import SCOPES
from crm.tickets.dispatch import Order, dispatch
from crm.tickets.input import Correction
from crm.tickets.models import Reply, TicketEvent
from crm.tickets.service import Opening, open_draft
from crm.tickets.table import BY_ACT
from web.routes import TABLE

Serve = Callable[[], Desk]


@dataclass
class Handling:
    """An order with its lead unit's own system."""

    own: Program
    path: str
    version: int


@pytest.fixture
async def handling(db: Database, serve: Serve) -> Handling:
    lead = await unit(db)
    own = await program(db, serve, Channel.UNIT, name="城管局办公系统", unit_id=lead)
    told = {"occurred": "每晚", "address": "不详", "subject": "夜市", "demand": "要求整治"}
    words = {"category": "complaint", "title": "夜市油烟扰民", "content": "每晚油烟呛人，要求整治。"}
    given = Correction.model_validate(words | told)
    async with db.session() as session:
        ticket = await open_draft(session, Opening("phone", new_id(), "+8613807931234", given=given))
        await dispatch(session, SYSTEM, ticket.id, ticket.version, Order(lead_unit_id=lead, basis="测试派发"))
    return Handling(own, f"/api/v1/orders/{ticket.id}", ticket.version)


def test_every_act_that_a_unit_may_do_is_a_route() -> None:
    acts = {act.value for act, lines in BY_ACT.items() if any(line.permission in SCOPES for line in lines)}
    assert {"sign", "submit", "co-reply"} <= acts
    told = {route.path.rsplit("/", 1)[1] for route in TABLE if route.path.startswith("/api/v1/orders/{id}/")}
    assert told == acts | {"attachments"}


async def test_from_signing_to_the_reply(db: Database, handling: Handling) -> None:
    own, path = handling.own, handling.path
    _, order = await own.get(path)
    assert (order["state"], [one["act"] for one in order["acts"]]) == ("dispatched", ["sign"])
    status, signed = await own.post(f"{path}/sign", {"version": order["version"]})
    assert (status, signed["state"], signed["version"]) == (200, "handling", order["version"] + 1)
    reply: dict[str, Any] = {"text": "已约谈摊主并责令限期整改。", "contact_method": "phone", "contact_person": "李某"}
    reply |= {"solved": True, "evidence": "责令改正通知书一份"}
    status, refused = await own.post(f"{path}/submit", {"version": signed["version"]} | reply)
    assert (status, list(refused["fields"])) == (422, ["contact_at"])
    reply["contact_at"] = clock.now().isoformat()
    status, done = await own.post(f"{path}/submit", {"version": signed["version"]} | reply)
    assert (status, done["state"]) == (200, "checking")
    async with db.session() as session:
        assert (await session.scalars(select(Reply.text))).one() == reply["text"]
        events = (await session.scalars(select(TicketEvent).order_by(TicketEvent.seq))).all()
    assert [(one.act, one.origin) for one in events[-2:]] == [("sign", "api"), ("submit", "api")]
    assert (events[-1].actor_name, events[-1].address) == ("城管局办公系统", "127.0.0.1")


async def test_an_act_repeated_under_its_key_happens_once(db: Database, handling: Handling) -> None:
    first = await handling.own.post(f"{handling.path}/sign", {"version": handling.version}, key='"sign"')
    again = await handling.own.post(f"{handling.path}/sign", {"version": handling.version}, key='"sign"')
    assert first == again
    status, refused = await handling.own.post(
        f"{handling.path}/acknowledge", {"version": handling.version}, key='"sign"'
    )
    assert (status, refused["id"]) == (422, "idempotency-key-reused")
    async with db.session() as session:
        signed = await session.scalars(select(TicketEvent).where(TicketEvent.act == "sign"))
        assert len(signed.all()) == 1


async def test_of_two_at_once_one_wins(handling: Handling) -> None:
    acts = (handling.own.post(f"{handling.path}/sign", {"version": handling.version}) for _ in range(5))
    answers = await asyncio.gather(*acts)
    assert sorted(status for status, _ in answers) == [200, 409, 409, 409, 409]
    assert {told["id"] for status, told in answers if status == 409} == {"order-changed"}


@pytest.mark.parametrize(
    ("act", "body", "status", "id"),
    [
        ("sign", {"version": 1}, 409, "order-changed"),
        ("sign", {"version": 2**31}, 409, "order-changed"),
        ("sign", {}, 422, "invalid-input"),
        ("sign", {"version": "two"}, 422, "invalid-input"),
        ("sign", {"version": None, "by": "me"}, 422, "invalid-input"),
        ("submit", {"text": "已处理完毕。"}, 409, "wrong-state"),
        ("submit", {"text": "短"}, 422, "invalid-input"),
        ("co-reply", {"text": "长" * 4001}, 422, "invalid-input"),
        ("co-reply", {"text": "已处理完毕。"}, 403, "not-your-part"),
        ("dispatch", {"version": 2}, 404, "no-such-page"),
        ("void", {"version": 2, "reason": "x"}, 404, "no-such-page"),
    ],
)
async def test_what_the_table_refuses_is_refused_here(
    db: Database, handling: Handling, act: str, body: dict[str, Any], status: int, id: str
) -> None:
    if "version" not in body and act != "sign":
        body = body | {"version": handling.version}
    got, told = await handling.own.post(f"{handling.path}/{act}", body)
    assert (got, told["id"]) == (status, id), told
    _, order = await handling.own.get(handling.path)
    assert (order["state"], order["version"]) == ("dispatched", handling.version)


async def test_a_channel_does_nothing_to_what_it_opened(db: Database, serve: Serve, handling: Handling) -> None:
    counter = await program(db, serve)
    status, refused = await counter.post(f"{handling.path}/sign", {"version": handling.version})
    assert (status, refused["id"]) == (403, "not-permitted")
