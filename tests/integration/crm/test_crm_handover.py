"""Handovers: open matters go on until closed, a 突发 order without anybody refuses the handover, two people sign."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from callflow.models import Call
from core.actor import Actor
from core.clock import now
from core.db import Database
from core.errors import Conflict, Denied, HotlineError, Invalid
from core.identity.models import User
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm.handover import service as log
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, open_draft
from crm.tickets.states import State


async def lead(db: Database, login: str, name: str) -> Actor:
    async with db.session() as session:
        user = User(login=login, name=name, roles=["shift-lead"], password_hash="-")
        session.add(user)
        await session.flush()
        return Actor(user.id, name, frozenset({Role.SHIFT_LEAD}))


async def emergency(db: Database) -> str:
    async with db.session() as session:
        ticket = await open_draft(session, Opening("counter", None, "+8613812345678"))
        ticket.emergency = True
        return ticket.number


@pytest.mark.proves("A07-1", "F07-1")
async def test_an_emergency_without_anybody_refuses_the_handover(db: Database) -> None:
    boss = await lead(db, "lead1", "李建国")
    number = await emergency(db)
    other = await emergency(db)
    async with db.session() as session:
        with pytest.raises(Invalid, match="emergencies-unassigned") as refused:
            await log.hand_over(session, boss, "早班", "正常")
        assert number in refused.value.message and other in refused.value.message
        assert boss.user_id
        with pytest.raises(Invalid, match="no-such-order"):
            await log.add_matter(session, boss, "盯办", boss.user_id, "YY20000101-00001")
        await log.add_matter(session, boss, "水管爆裂，盯供水公司到场", boss.user_id, number.lower())
    async with db.session() as session:
        with pytest.raises(Invalid, match="1 张突发工单"):
            await log.hand_over(session, boss, "早班", "正常")
        row = await session.scalar(select(Ticket).where(Ticket.number == other))
        assert row
        row.state = State.DISPATCHED  # a unit has it
        await session.flush()
        made = await log.hand_over(session, boss, "早班", "正常")
        assert len(made.matters) == 1 and made.figures["emergencies"] == 1


@pytest.mark.proves("F07-1")
async def test_matters_are_carried_until_closed_and_two_people_sign(db: Database) -> None:
    day, night = await lead(db, "lead1", "李建国"), await lead(db, "lead2", "周安")
    assert day.user_id and night.user_id
    async with db.session() as session:
        for n, outcome in enumerate(("answered", "abandoned", "message")):
            call = Call(node="n", linkedid=f"1.{n}", direction="inbound", arrived_at=now() - timedelta(hours=1))
            call.outcome, call.evidence = outcome, {}
            call.connected_at = call.arrived_at if outcome == "answered" else None
            session.add(call)
    async with db.session() as session:
        matter = await log.add_matter(session, day, "市民王某明早8时再联系", night.user_id)
        with pytest.raises(Invalid, match="no-owner"):
            await log.add_matter(session, day, "无人负责的事", UUID(int=9))
        first = await log.hand_over(session, day, "早班", "停水来电较多")
        assert {name: first.figures[name] for name in ("calls", "connected", "abandoned", "messages")} == {
            "calls": 3,
            "connected": 1,
            "abandoned": 1,
            "messages": 1,
        }
    async with db.session() as session:
        with pytest.raises(Conflict, match="own-handover"):
            await log.receive(session, day, first.id)
    async with db.session() as session:
        await log.receive(session, night, first.id, "已知悉")
        with pytest.raises(Conflict, match="handover-received"):
            await log.receive(session, night, first.id)
    async with db.session() as session:
        second = await log.hand_over(session, night, "夜班", "平稳")
        assert second.since == first.handed_at and second.matters == [str(matter.id)]
        assert second.figures["calls"] == 0
        assert await log.carried(session, await log.open_matters(session)) == {matter.id: 2}
    done = await asyncio.gather(*(close(db, one, matter.id) for one in (day, night)), return_exceptions=True)
    assert [one.id for one in done if isinstance(one, HotlineError)] == ["matter-closed"]
    async with db.session() as session:
        assert not await log.open_matters(session)
        third = await log.hand_over(session, day, "早班", "平稳")
        assert third.matters == []
        said = [one.action for one in await session.scalars(select(LedgerEntry).order_by(LedgerEntry.id))]
        assert said.count("handover.hand") == 3 and said.count("handover.receive") == 1
        agent = Actor(day.user_id, "王丽", frozenset({Role.AGENT}))
        with pytest.raises(Denied):
            await log.hand_over(session, agent, "早班", "不是班长")


async def close(db: Database, who: Actor, matter_id: UUID) -> None:
    async with db.session() as session:
        await log.close_matter(session, who, matter_id, "已联系")
