"""From call events and words to a draft, and from the demo seed to believable orders."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from callflow.events import CallConnected, MessageLeft
from callflow.models import Call
from core import clock
from core.clock import now
from core.db import Database, new_id
from core.events import publish
from core.jobs import run_pending
from crm.county.load import County
from crm.demo import seed_people
from crm.demo_orders import seed_orders
from crm.drafts import subscribers
from crm.installed import Installation
from crm.sms.console import ConsoleGateway
from crm.sms.models import Sms
from crm.sms.outlet import SmsOutlet
from crm.tickets.input import Correction
from crm.tickets.models import Ticket, TicketEvent
from crm.tickets.service import correct, of_call
from recordings.events import TranscriptGrew
from recordings.models import Side, Source, TranscriptSegment

assert subscribers


async def call(db: Database, **more: Any) -> Call:
    given = {"node": "node1", "linkedid": str(new_id()), "caller": "+8613800001234", "dialled": "12315"}
    times = {"arrived_at": now(), "answered_at": now(), "connected_at": now()}
    async with db.session() as session:
        made = Call(**{**given, **times, "original_hotline": "市场监管投诉举报热线", **more})
        session.add(made)
    return made


async def say(db: Database, made: Call, at: float, text: str, side: Side = Side.CITIZEN) -> None:
    words = [{"w": word, "start": at + n, "end": at + n + 1, "conf": 0.9} for n, word in enumerate(text.split())]
    async with db.session() as session:
        session.add(
            TranscriptSegment(
                call_id=made.id,
                side=side,
                start_s=at,
                end_s=at + len(words),
                text=text,
                words=words,
                source=Source.LIVE,
            )
        )
        await publish(session, TranscriptGrew(call_id=made.id))
    await run_pending(db)


async def draft(db: Database, made: Call) -> Ticket:
    async with db.session() as session:
        ticket = await of_call(session, made.id)
    assert ticket
    return ticket


@pytest.mark.proves("F16-1", "A06-2")
async def test_a_connected_call_opens_a_draft_that_grows_with_its_words(db: Database, office: Any) -> None:
    made = await call(db, agent_id=office.agent.user_id)
    async with db.session() as session:
        await publish(session, CallConnected(call_id=made.id))
        await publish(session, CallConnected(call_id=made.id))
    await run_pending(db)
    ticket = await draft(db, made)
    assert (ticket.state, ticket.caller_phone, ticket.original_hotline) == ("draft", made.caller, made.original_hotline)
    assert ticket.opened_by == office.agent.user_id
    await say(db, made, 0.0, "您好 请讲", Side.OTHER)
    await say(db, made, 3.0, "我 要 投诉 桃园 小区 门口 占道 经营")
    ticket = await draft(db, made)
    assert (ticket.category, ticket.matter, ticket.address, ticket.area) == (
        "complaint",
        "CX01",
        "桃源小区门口",
        "taoyuan",
    )
    assert ticket.proposals["units"]["value"] == "cgj"
    source = ticket.proposals["matter"]["sources"][0]
    assert (source["text"], source["start"], source["end"]) == ("占道经营", 9.0, 11.0)
    async with db.session() as session:
        ticket = await correct(session, office.agent, ticket.id, ticket.version, Correction(category="consultation"))
    await say(db, made, 20.0, "我 要 举报 他们")
    ticket = await draft(db, made)
    assert ticket.category == "consultation"
    assert not ticket.sealed


async def test_a_message_is_a_draft_also_without_words(db: Database, office: Any) -> None:
    made = await call(db, connected_at=None, outcome="message", ended_at=now(), message_seconds=8)
    async with db.session() as session:
        await publish(session, MessageLeft(call_id=made.id))
    await run_pending(db)
    assert (await draft(db, made)).source == "message"
    await say(db, made, 0.0, "漆工镇 老瓦山 停水 了 请 派人 来 修")
    ticket = await draft(db, made)
    assert (ticket.category, ticket.matter, ticket.area) == ("help", "GY01", "qigong")
    async with db.session() as session:
        assert await session.scalar(select(func.count()).select_from(TicketEvent)) == 1


async def test_outbound_and_abandoned_calls_make_no_draft(db: Database, office: Any) -> None:
    for more in ({"direction": "outbound"}, {"connected_at": None, "outcome": "abandoned"}):
        made = await call(db, **more)
        async with db.session() as session:
            await publish(session, TranscriptGrew(call_id=made.id))
        await run_pending(db)
        async with db.session() as session:
            assert await of_call(session, made.id) is None


async def test_seeding_twice_makes_one_county_of_orders(db: Database, installation: Installation) -> None:
    county: County = installation.county
    present = datetime(2026, 11, 24, 10, tzinfo=UTC)
    async with db.session() as session:
        made = await seed_people(session, county)
        assert {user.login for user, _ in made} == {user.login for user in county.staff}
        # who has a password alone must change it; one is shared by all people of the units
        alone = {user.login for user, password in made if [one for _, one in made].count(password) == 1}
        assert {user.login for user, _ in made if user.must_change_password} == alone
        assert "agent1" in alone and "cgj1" not in alone
        with clock.frozen(present):
            count = await seed_orders(session)
    assert count > 60
    async with db.session() as session:
        assert await seed_people(session, county) == []
        assert await seed_orders(session) == 0
        assert await session.scalar(select(func.count()).select_from(Ticket)) == count
        states = dict((await session.execute(select(Ticket.state, func.count()).group_by(Ticket.state))).all())
        lived = {"handling", "closed", "verifying", "rated", "archived", "confirmed", "draft"}
        assert lived <= states.keys() and states["archived"] > states["dispatched"], states
        latest = await session.scalar(select(func.max(Ticket.opened_at)))
        assert latest <= present
    await run_pending(db, services={SmsOutlet: SmsOutlet(ConsoleGateway())})
    async with db.session() as session:
        messages = [(sms.state, sms.attempts) for sms in await session.scalars(select(Sms))]
        assert len(messages) > 20
        assert set(messages) == {("not-applicable", 0)}, "no gateway was asked for an example, nor by its notices"
