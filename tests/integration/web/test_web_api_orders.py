"""A channel at the API: it opens orders like a call does, sees its own and nobody else's, and each act happens once."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from web_api import ORDER, program
from web_desk import Desk

from core import clock
from core.accounts.channels import Channel
from core.db import Database
from core.idempotency import service as idempotency
from core.idempotency.models import KeptAnswer
from crm.channels.models import ChannelOrder
from crm.tickets.models import Ticket, TicketEvent

Serve = Callable[[], Desk]


async def count(db: Database) -> int:
    async with db.session() as session:
        return await session.scalar(select(func.count()).select_from(Ticket)) or 0


@pytest.mark.proves("F09-2")
@pytest.mark.parametrize("channel", [one for one in Channel if one not in (Channel.UNIT, Channel.POLICE)])
async def test_each_channel_opens_an_order_that_waits_like_one_from_a_call(
    db: Database, serve: Serve, agent: Desk, channel: Channel
) -> None:
    status, order = await (await program(db, serve, channel)).post("/api/v1/orders", ORDER)
    assert status == 201
    assert (order["state"], order["state_label"], order["reference"]) == ("draft", "受理中", ORDER["reference"])
    async with db.session() as session:
        ticket = await session.get_one(Ticket, order["id"])
        event = (await session.scalars(select(TicketEvent))).one()
    assert (ticket.source, ticket.content, ticket.caller_phone) == (channel, ORDER["content"], "+8613807931234")
    assert (event.act, event.origin, event.actor_name) == ("open", "api", f"{channel.label}系统")
    assert event.after["caller_name"] != ORDER["caller_name"]
    page = await (await agent.get(f"/orders/{order['id']}")).text()
    assert channel.label in page
    assert ORDER["content"] in page


@pytest.mark.proves("F09-2")
async def test_a_110_transfer_carries_its_incident(db: Database, serve: Serve) -> None:
    police = await program(db, serve, Channel.POLICE)
    status, refused = await police.post("/api/v1/orders", ORDER)
    assert (status, set(refused["fields"])) == (422, {"incident_number", "incident_at"})
    incident = {"incident_number": "3611262611250007", "incident_at": "2026-11-01T07:40:00+08:00"}
    status, order = await police.post("/api/v1/orders", ORDER | incident)
    assert status == 201
    async with db.session() as session:
        row = await session.get_one(ChannelOrder, order["id"])
    assert row.incident_number == incident["incident_number"]
    assert row.incident_at is not None
    assert clock.local(row.incident_at).isoformat() == incident["incident_at"]
    counter = await program(db, serve)
    status, refused = await counter.post("/api/v1/orders", ORDER | incident)
    assert (status, set(refused["fields"])) == (422, {"incident_number"})


async def test_a_channels_number_opens_one_order(db: Database, serve: Serve) -> None:
    counter, site = await program(db, serve), await program(db, serve, Channel.WEB)
    _, first = await counter.post("/api/v1/orders", ORDER)
    status, refused = await counter.post("/api/v1/orders", ORDER)
    assert (status, refused["id"]) == (409, "reference-taken")
    assert first["number"] in refused["title"]
    assert (await site.post("/api/v1/orders", ORDER))[0] == 201
    results = await asyncio.gather(*(counter.post("/api/v1/orders", ORDER | {"reference": "CK-2"}) for _ in range(5)))
    assert sorted(status for status, _ in results) == [201, 409, 409, 409, 409]
    assert await count(db) == 3


async def test_a_channel_sees_its_own_orders_and_no_others(db: Database, serve: Serve) -> None:
    counter, site = await program(db, serve), await program(db, serve, Channel.WEB)
    made = [(await counter.post("/api/v1/orders", ORDER | {"reference": f"CK-{n}"}))[1] for n in range(5)]
    _, foreign = await site.post("/api/v1/orders", ORDER)
    seen: list[str] = []
    path = "/api/v1/orders?limit=2"
    while path:
        status, page = await counter.get(path)
        assert status == 200
        seen += [one["number"] for one in page["orders"]]
        path = f"/api/v1/orders?limit=2&after={page['next'].replace('+', '%2B')}" if page["next"] else ""
    assert seen == [one["number"] for one in reversed(made)]
    status, page = await counter.get("/api/v1/orders?reference=CK-3")
    assert [one["id"] for one in page["orders"]] == [made[3]["id"]]
    assert (await counter.get(f"/api/v1/orders/{made[0]['id']}"))[1]["number"] == made[0]["number"]
    hidden = await counter.get(f"/api/v1/orders/{foreign['id']}")
    absent = await counter.get("/api/v1/orders/00000000-0000-0000-0000-000000000007")
    assert hidden[0] == absent[0] == 404
    assert {**hidden[1], "request_id": ""} == {**absent[1], "request_id": ""}


async def test_no_answer_names_anybody(db: Database, serve: Serve) -> None:
    counter = await program(db, serve)
    _, order = await counter.post("/api/v1/orders", ORDER | {"category": "report"})
    async with db.session() as session:
        assert (await session.get_one(Ticket, order["id"])).sealed
    told = (
        str(order) + str(await counter.get(f"/api/v1/orders/{order['id']}")) + str(await counter.get("/api/v1/orders"))
    )
    for secret in ("张三", "13807931234", "7931234", ORDER["content"], ORDER["title"]):
        assert secret not in told


async def test_the_same_key_and_body_is_answered_as_at_first(db: Database, serve: Serve) -> None:
    counter = await program(db, serve)
    first = await counter.post("/api/v1/orders", ORDER, key='"8e03978e-40d5-43e8-bc93-6894a57f9324"')
    reordered = dict(reversed(list(ORDER.items())))
    async with counter.desk.client.post(
        "/api/v1/orders",
        json=reordered,
        headers=counter.headers(**{"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}),
    ) as response:
        assert response.headers["Idempotency-Replayed"] == "true"
        assert (response.status, await response.json()) == first
    assert await count(db) == 1


async def test_the_same_key_with_another_body_is_refused(db: Database, serve: Serve) -> None:
    counter, site = await program(db, serve), await program(db, serve, Channel.WEB)
    await counter.post("/api/v1/orders", ORDER, key='"one"')
    status, refused = await counter.post("/api/v1/orders", ORDER | {"title": "另一件事"}, key='"one"')
    assert (status, refused["id"]) == (422, "idempotency-key-reused")
    assert await count(db) == 1
    assert (await site.post("/api/v1/orders", ORDER | {"title": "另一件事"}, key='"one"'))[0] == 201


async def test_a_key_is_asked_for(db: Database, serve: Serve) -> None:
    counter = await program(db, serve)
    for key in ("", '""', '"with space"', "x" * 129, '"unfinished\\"', "钥匙".encode().decode("latin-1")):
        headers = counter.headers(**({"Idempotency-Key": key} if key else {}))
        async with counter.desk.client.post("/api/v1/orders", json=ORDER, headers=headers) as response:
            assert response.status == 400, key
            assert (await response.json(content_type=None))["id"] == "idempotency-key-missing"
    assert await count(db) == 0


async def test_twenty_at_once_under_one_key_open_one_order(db: Database, serve: Serve) -> None:
    counter = await program(db, serve)
    answers = await asyncio.gather(*(counter.post("/api/v1/orders", ORDER, key='"at-once"') for _ in range(20)))
    assert {status for status, _ in answers} == {201}
    assert len({order["id"] for _, order in answers}) == 1
    assert await count(db) == 1


async def test_what_is_refused_leaves_its_key_free(db: Database, serve: Serve) -> None:
    counter = await program(db, serve)
    status, _ = await counter.post("/api/v1/orders", ORDER | {"matter": "no-such"}, key='"again"')
    assert status == 422
    status, _ = await counter.post("/api/v1/orders", ORDER, key='"again"')
    assert (status, await count(db)) == (201, 1)


async def test_kept_answers_end(db: Database, serve: Serve) -> None:
    counter = await program(db, serve)
    with clock.frozen(clock.now() - idempotency.KEEP - timedelta(seconds=1)):
        async with db.session() as session:
            await idempotency.claim(session, counter.account_id, "old", "f" * 64)
            await idempotency.keep(session, counter.account_id, "old", 201, "{}")
    await counter.post("/api/v1/orders", ORDER, key='"new"')
    assert await idempotency.expire(db) == 1
    async with db.session() as session:
        assert (await session.scalars(select(KeptAnswer.key))).all() == ["new"]
