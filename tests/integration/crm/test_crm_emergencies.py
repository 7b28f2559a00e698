"""Emergencies on a real database: from words of calls to one event with its orders, and one answer to all callers."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from crm_desk import Desk, at
from sqlalchemy import select

from callflow.models import Call
from core import clock
from core.actor import Actor
from core.clock import now
from core.db import Database, new_id
from core.errors import Conflict, Denied, Invalid, NotFound
from core.events import publish
from core.jobs import run_pending
from core.ledger.models import LedgerEntry
from crm.county.categories import Category
from crm.drafts import subscribers as drafts
from crm.emergencies import queries, service, subscribers
from crm.emergencies.models import EmergencyEvent, EmergencyOrder, EmergencySign
from crm.emergencies.proposals import look, place_of
from crm.emergencies.queries import Member, Wanted
from crm.emergencies.rules import Standing
from crm.sms.models import Sms
from crm.tickets.input import Correction
from crm.tickets.models import Ticket, TicketEvent
from crm.tickets.service import Opening, correct, of_call, open_draft
from recordings.events import TranscriptGrew
from recordings.models import Side, Source, TranscriptSegment

assert drafts and subscribers
BEGAN = at("2026-03-02 19:00")
DARK = "我们桃花社区停水了一滴水都没有"


async def call_in(db: Database, office: Any, text: str, number: int, when: Any = BEGAN) -> UUID:
    """A caller's words, as they come from the line -> the order."""
    with clock.frozen(when):
        async with db.session() as session:
            made = Call(
                node="node1", linkedid=str(new_id()), caller=f"+861380000{number:04d}", dialled="12345",
                arrived_at=when, answered_at=when, connected_at=when, agent_id=office.agent.user_id,
            )  # fmt: skip
            session.add(made)
            await session.flush()
            session.add(
                TranscriptSegment(
                    call_id=made.id, side=Side.CITIZEN, start_s=1.0, end_s=5.0, text=text, words=[], source=Source.LIVE
                )
            )  # fmt: skip
            await publish(session, TranscriptGrew(call_id=made.id))
        await run_pending(db)
    async with db.session() as session:
        ticket = await of_call(session, made.id)
        assert ticket is not None
        return ticket.id


async def all_of(db: Database, kind: Any) -> list[Any]:
    async with db.session() as session:
        return list(await session.scalars(select(kind)))


async def members(db: Database, actor: Actor) -> list[Member]:
    async with db.session() as session:
        event = (await session.scalars(select(EmergencyEvent))).one()
        return list(await queries.members(session, actor, event))


async def sign_of(db: Database, ticket_id: UUID, kind: str) -> EmergencySign:
    async with db.session() as session:
        wanted = select(EmergencySign).where(EmergencySign.ticket_id == ticket_id, EmergencySign.kind == kind)
        return (await session.scalars(wanted)).one()


async def decide(db: Database, what: Any, actor: Actor, *given: Any) -> Any:
    async with db.session() as session:
        return await what(session, actor, *given)


@pytest.mark.proves("A14-1", "F14-1")
async def test_twelve_calls_on_one_water_outage_are_one_event_with_twelve_orders(db: Database, office: Any) -> None:
    for n in range(12):
        await call_in(db, office, DARK, n, BEGAN + timedelta(seconds=100 * n))
        assert len(await all_of(db, EmergencyEvent)) == (1 if n >= 2 else 0)
    [event] = await all_of(db, EmergencyEvent)
    assert (event.kind, event.state, event.number) == ("outage", "suggested", "TF20260302-001")
    assert "桃花社区" in event.place and event.area
    linked = await all_of(db, EmergencyOrder)
    assert len(linked) == 12 and {one.state for one in linked} == {"suggested"}
    assert not any(ticket.emergency for ticket in await all_of(db, Ticket))

    confirmed = await decide(db, service.confirm_event, office.agent, event.id)
    assert confirmed.state == "open"
    assert {one.state for one in await all_of(db, EmergencyOrder)} == {"linked"}
    assert all(ticket.emergency and ticket.version == 1 for ticket in await all_of(db, Ticket))

    await call_in(db, office, DARK, 12, BEGAN + timedelta(hours=2))
    assert [one.row.state for one in await members(db, office.agent)] == ["linked"] * 12 + ["suggested"]


@pytest.mark.proves("F14-1")
async def test_closing_the_event_answers_every_caller_by_sms_and_on_record(db: Database, office: Any) -> None:
    orders = [await call_in(db, office, DARK, n) for n in range(3)]
    [event] = await all_of(db, EmergencyEvent)
    with pytest.raises(Conflict, match="emergency-wrong-state"):
        await decide(db, service.close, office.lead, event.id, 1, "已恢复供水")
    event = await decide(db, service.confirm_event, office.agent, event.id)
    with pytest.raises(Denied, match="只有班长"):
        await decide(db, service.close, office.agent, event.id, event.version, "已恢复供水")
    with pytest.raises(Conflict, match="changed-meanwhile"):
        await decide(db, service.close, office.lead, event.id, 1, "已恢复供水")
    assert await decide(db, service.close, office.lead, event.id, event.version, "21时已恢复供水") == 3
    texts = [sms.text for sms in await all_of(db, Sms)]
    assert len(texts) == 3 and all("21时已恢复供水" in text for text in texts)
    told = [one for one in await all_of(db, TicketEvent) if one.act == "emergency"]
    assert {one.ticket_id for one in told} == set(orders) and all("21时已恢复供水" in one.reason for one in told)
    assert all(one.article == "第十四条" for one in told)
    async with db.session() as session:
        row = (await queries.events(session, Wanted(["桃花"]), None, 10))[0]
        lines = [one.text for one in await queries.entries(session, row.event.id)]
    assert row.event.state == "closed" and row.linked == 3 and lines[0].startswith("已办结，答复 3 件")
    assert {one.action for one in await all_of(db, LedgerEntry)} >= {"emergency.event-confirm", "emergency.close"}


async def test_a_decision_is_asked_for_once_and_overruled_by_the_lead_alone(db: Database, office: Any) -> None:
    order = await call_in(db, office, "楼下着火了好大的烟快来人", 1)
    sign = await sign_of(db, order, "fire")
    assert "着火" in sign.words
    await decide(db, service.dismiss, office.agent, sign.id, "邻居在烧纸")
    await call_in(db, office, "楼下着火了好大的烟快来人", 2)
    assert (await sign_of(db, order, "fire")).state == "dismissed"
    with pytest.raises(Conflict, match="sign-decided"):
        await decide(db, service.dismiss, office.agent, sign.id, "再说一次")
    with pytest.raises(Denied, match="emergency-lead-only"):
        await decide(db, service.confirm, office.agent, sign.id)
    event = await decide(db, service.confirm, office.lead, sign.id)
    async with db.session() as session:
        ticket = await session.get_one(Ticket, order)
    assert ticket.emergency and ticket.category == "help" and event.state == "open"
    with pytest.raises(Denied, match="emergency-lead-only"):
        await decide(db, service.dismiss, office.agent, sign.id, "不是")
    await decide(db, service.dismiss, office.lead, sign.id, "核实为烧纸")
    async with db.session() as session:
        ticket = await session.get_one(Ticket, order)
        [noticed] = await queries.of_order(session, order)
    assert not ticket.emergency and noticed.event is None and noticed.sign.reason == "核实为烧纸"
    with pytest.raises(NotFound):
        await decide(db, service.confirm, office.lead, UUID(int=1))
    with pytest.raises(Denied):
        await decide(db, service.confirm, office.checker, sign.id)


async def test_calls_of_other_places_other_kinds_and_other_hours_are_no_cluster(db: Database, office: Any) -> None:
    await call_in(db, office, DARK, 1, BEGAN)
    await call_in(db, office, DARK, 2, BEGAN + timedelta(minutes=21))
    await call_in(db, office, "我们连胜社区停水了一滴水都没有", 3, BEGAN + timedelta(minutes=22))
    await call_in(db, office, "我们桃花社区着火了", 4, BEGAN + timedelta(minutes=23))
    assert await all_of(db, EmergencyEvent) == []
    await call_in(db, office, DARK, 5, BEGAN + timedelta(minutes=24))
    await call_in(db, office, DARK, 6, BEGAN + timedelta(minutes=25))
    [event] = await all_of(db, EmergencyEvent)
    assert len(await all_of(db, EmergencyOrder)) == 3 and event.kind == "outage"


async def test_an_order_is_linked_by_number_taken_out_and_stays_out(db: Database, office: Any) -> None:
    orders = [await call_in(db, office, DARK, n) for n in range(3)]
    [event] = await all_of(db, EmergencyEvent)
    await decide(db, service.take_out, office.agent, event.id, orders[0], "是水费问题")
    await decide(db, service.confirm_event, office.agent, event.id)
    assert len(await members(db, office.agent)) == 2
    async with db.session() as session:
        out = await session.get_one(Ticket, orders[0])
        assert place_of(out) is not None
    with pytest.raises(Invalid, match="no-such-order"):
        await decide(db, service.link, office.agent, event.id, ["YY20000101-00001"])
    assert await decide(db, service.link, office.agent, event.id, [out.number]) == 1
    assert len(await members(db, office.agent)) == 3
    await decide(db, service.note, office.agent, event.id, "供水公司已到场")
    with pytest.raises(Denied):
        await decide(db, service.dismiss_event, office.agent, event.id, "误报")
    await decide(db, service.dismiss_event, office.lead, event.id, "计划检修，不是突发事件")
    assert not any(ticket.emergency for ticket in await all_of(db, Ticket))
    assert await members(db, office.agent) == []


@pytest.mark.proves("D30")
@pytest.mark.parametrize(
    ("before", "chosen", "after"),
    [
        (None, Category.HELP, "help"),
        (None, Category.REPORT, "report"),
        ("consultation", Category.HELP, "help"),
        ("suggestion", Category.HELP, "help"),
        ("opinion", Category.REPORT, "report"),
        ("complaint", Category.HELP, "help"),
        ("complaint", Category.REPORT, "report"),
        ("help", Category.REPORT, "help"),
        ("report", Category.HELP, "report"),
    ],
)
async def test_an_emergency_is_a_request_for_help_or_a_report(
    db: Database, office: Any, before: str | None, chosen: Category, after: str
) -> None:
    order = await call_in(db, office, "楼下着火了好大的烟快来人", 1)
    async with db.session() as session:
        (await session.get_one(Ticket, order)).category = before
    sign = await sign_of(db, order, "fire")
    await decide(db, service.confirm, office.agent, sign.id, chosen)
    async with db.session() as session:
        ticket = await session.get_one(Ticket, order)
        acts = select(TicketEvent).where(TicketEvent.ticket_id == order).order_by(TicketEvent.seq)
        told = [(one.act, one.before, one.after) for one in await session.scalars(acts)][1:]
    assert ticket.emergency and ticket.category == after and ticket.sealed == (chosen == after == "report")
    assert [act for act, _, _ in told] == (["emergency"] if before == after else ["correct", "emergency"])
    if before != after:
        assert (told[0][1]["category"], told[0][2]["category"]) == (before, after), "on the order's own record"
        assert ticket.accepted["category"]["name"] == office.agent.name


@pytest.mark.proves("D30")
async def test_what_is_dispatched_is_an_emergency_whatever_its_category(db: Database, office: Any) -> None:
    desk = await Desk(db, office).open()
    await desk.dispatch()
    async with db.session() as session:
        await look(session, await session.get_one(Ticket, desk.id), "楼下着火了好大的烟快来人")
    sign = await sign_of(db, desk.id, "fire")
    await decide(db, service.confirm, office.agent, sign.id)
    ticket, [*_, event] = await desk.ticket(), await desk.events()
    assert ticket.emergency and ticket.category == "complaint" and event.act == "emergency"
    assert "类别为投诉，现待签收，类别不变" in event.reason and "改类" in event.reason


@pytest.mark.proves("D30")
async def test_a_written_order_is_read_too_and_its_targets_are_natural_time(db: Database, office: Any) -> None:
    with clock.frozen(BEGAN):
        async with db.session() as session:
            ticket = await open_draft(
                session, Opening("counter", None, "+8613800001234", agent_id=office.agent.user_id)
            )
            words = {"title": "水管爆裂", "content": "胜利路供水主管爆裂，水喷得很高", "category": "help"}
            await correct(session, office.agent, ticket.id, 1, Correction.model_validate(words))
        await run_pending(db)
        sign = await sign_of(db, ticket.id, "burst")
        await decide(db, service.confirm, office.agent, sign.id)
    [one] = await members(db, office.agent)
    assert one.targets.dispatch_by == BEGAN + timedelta(minutes=5) and one.targets.sign_minutes == 30
    assert one.sign_by is None and not one.dispatch_late and not one.sign_late
    async with db.session() as session:
        found = await queries.events(session, Wanted(state=Standing.OPEN, kind="burst"), None, 10)
        assert [row.event.state for row in found] == ["open"]
        assert await queries.events(session, Wanted([ticket.number]), None, 10)
        assert not await queries.events(session, Wanted(first=(now() + timedelta(days=2)).date()), None, 10)
