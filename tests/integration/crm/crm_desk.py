"""One order and the people around it: every act through `perform`, at a moment of one's choice."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select

from core import clock
from core.actor import Actor
from core.clock import SHANGHAI
from core.db import Base, Database, new_id
from crm.tickets.case import rows_of
from crm.tickets.input import Correction
from crm.tickets.models import Assignment, Round, Ticket, TicketEvent
from crm.tickets.perform import Done, perform
from crm.tickets.service import Opening, correct, open_draft
from crm.tickets.states import Act, State

MOBILE = "+8613800001234"
DECISION = "经研究由主办单位牵头（第十九条）"
T = TypeVar("T", bound=Base)
ELEMENTS = {"occurred": "每天傍晚", "address": "胜利路", "subject": "流动摊贩", "demand": "请劝离"}
"""What a 投诉 must tell (第九条)."""
ANSWER: Mapping[str, Any] = {
    "text": "已派员到现场清理，占道摊贩已全部劝离。",
    "contact_method": "phone",
    "contact_person": "李某",
    "solved": True,
    "evidence": "现场照片2张，编号0302-1、0302-2",
}


def at(text: str) -> datetime:
    """`2026-03-02 10:00` in Asia/Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


class Desk:
    """An order; acts go to its present version unless one is given."""

    def __init__(self, db: Database, office: Any, when: str = "2026-03-02 10:00") -> None:
        self.db, self.office, self.now = db, office, at(when)
        self.id: UUID = UUID(int=0)

    async def open(self, **fields: Any) -> "Desk":
        """A draft with its fields."""
        given = {"category": "complaint", "matter": "CX01", "title": "路边摊占道", "content": "每天傍晚占道"} | ELEMENTS
        given |= fields
        phone = given.pop("phone", MOBILE)
        with clock.frozen(self.now):
            async with self.db.session() as session:
                opening = Opening("phone", new_id(), phone, agent_id=self.office.agent.user_id)
                ticket = await open_draft(session, opening)
                await correct(session, self.office.agent, ticket.id, 1, Correction.model_validate(given))
        self.id = ticket.id
        return self

    async def act(self, who: Actor, act: Act, /, *, version: int | None = None, when: str = "", **given: Any) -> Done:
        """Do it, a minute after the last act or at `when`."""
        self.now = at(when) if when else self.now + timedelta(minutes=1)
        with clock.frozen(self.now):
            async with self.db.session() as session:
                seen = version if version is not None else (await session.get_one(Ticket, self.id)).version
                return await perform(session, who, self.id, seen, act, given)

    async def dispatch(self, lead: str = "cgj", *assist: str, when: str = "", **given: Any) -> Done:
        """The agent sends it to its units; several by the centre's decision, where nothing else is given."""
        units = self.office.units
        order = {"lead_unit_id": units[lead], "assist_unit_ids": tuple(units[code] for code in assist)}
        order |= ({"basis": DECISION} if assist else {}) | given
        return await self.act(self.office.agent, Act.DISPATCH, when=when, **order)

    async def submit(self, who: Actor, *, when: str = "", **given: Any) -> Done:
        """The lead's answer; told by phone a minute before."""
        told = (at(when) if when else self.now) - timedelta(seconds=30)
        return await self.act(who, Act.SUBMIT, when=when, **{**ANSWER, "contact_at": max(told, self.now), **given})

    async def handled(self) -> "Desk":
        """Signed, answered, passed: it waits for its follow-up."""
        await self.act(self.office.clerk, Act.SIGN)
        await self.submit(self.office.clerk)
        await self.act(self.office.checker, Act.PASS)
        return self

    async def ticket(self) -> Ticket:
        """As it is now."""
        async with self.db.session() as session:
            return await session.get_one(Ticket, self.id)

    async def state(self) -> State:
        """Its state now."""
        return State((await self.ticket()).state)

    async def rows(self, kind: type[T]) -> list[T]:
        """Its rows of a table, oldest first."""
        async with self.db.session() as session:
            return await rows_of(session, self.id, kind)

    async def round(self) -> Round:
        """The present round."""
        return (await self.rows(Round))[-1]

    async def part(self, code: str) -> Assignment:
        """The newest part of a unit."""
        return [one for one in await self.rows(Assignment) if one.unit_id == self.office.units[code]][-1]

    async def events(self) -> list[TicketEvent]:
        """Its history."""
        async with self.db.session() as session:
            wanted = select(TicketEvent).where(TicketEvent.ticket_id == self.id).order_by(TicketEvent.seq)
            return list(await session.scalars(wanted))
