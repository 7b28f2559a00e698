"""What makes notices: acts and timers, each told by one job."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import among
from core.events import subscriber
from crm.notices.matrix import ON_ACT, ON_TIMER, Row, Which
from crm.notices.tell import Telling, tell
from crm.tickets.events import TicketActed
from crm.tickets.models import Assignment, ReturnRequest, Round, Ticket, TicketEvent
from crm.tickets.states import By, Stage
from crm.timers.events import TimersFired
from crm.timers.models import TimerFiring

QUEUE = "notices"


@subscriber(TicketActed, "crm.notify-of-act", queue=QUEUE)
async def acted(session: AsyncSession, events: Sequence[TicketActed]) -> None:
    """Whoever the matrix names for an act."""
    tellings = []
    for event in events:
        rows = ON_ACT.get(event.act, ())
        if not rows:
            continue
        story = await _story(session, event.ticket_id, event.seq)
        ticket = await session.get_one(Ticket, event.ticket_id)
        for row in rows:
            if _applies(row, story):
                units = await _units(session, ticket.id, row.which)
                told = tuple((part.unit_id, part.due_at) for part in units)
                said = story.after.get("held_to") or story.after.get("due_at")
                due = datetime.fromisoformat(said) if said else ticket.due_at
                tellings.append(Telling(f"{ticket.id}:{event.seq}", ticket.id, row, told, due))
    if tellings:
        await tell(session, tellings)


@subscriber(TimersFired, "crm.notify-of-timer", queue=QUEUE)
async def fired(session: AsyncSession, events: Sequence[TimersFired]) -> None:
    """Whoever the matrix names for a timer."""
    for event in events:
        rows = ON_TIMER.get(event.timer, ())
        firings = list(await session.scalars(select(TimerFiring).where(TimerFiring.batch == event.batch)))
        subjects = select(Assignment).where(among(Assignment.id, {one.subject_id for one in firings}))
        parts = {part.id: part for part in await session.scalars(subjects)}
        tellings = []
        for one in firings:
            key = f"{one.subject_id}:{one.timer}:{one.due_at.isoformat()}"
            for row in rows:
                units: tuple[UUID, ...] = ()
                if row.which is Which.SUBJECT:
                    units = (parts[one.subject_id].unit_id,)
                elif row.which is Which.ABOVE:
                    units = await _above(session, parts[one.subject_id])
                elif row.which in (Which.LEAD, Which.COPIED):
                    units = tuple(part.unit_id for part in await _units(session, one.ticket_id, row.which))
                told = tuple((unit, one.due_at) for unit in units)
                tellings.append(Telling(key, one.ticket_id, row, told, one.due_at))
        if tellings:
            await tell(session, tellings)


def _applies(row: Row, story: TicketEvent) -> bool:
    """Whether the act led to the row's state, and moved the due where the row is about that."""
    return row.state in (None, story.after.get("state")) and (not row.moved or "due_at" in story.after)


async def _story(session: AsyncSession, ticket_id: UUID, seq: int) -> TicketEvent:
    wanted = select(TicketEvent).where(TicketEvent.ticket_id == ticket_id, TicketEvent.seq == seq)
    return (await session.scalars(wanted)).one()


async def _above(session: AsyncSession, part: Assignment) -> tuple[UUID, ...]:
    """The unit that handed this part on."""
    above = await session.get(Assignment, part.parent_id) if part.parent_id else None
    return (above.unit_id,) if above else ()


async def _units(session: AsyncSession, ticket_id: UUID, which: Which) -> list[Assignment]:
    parts = select(Assignment).where(Assignment.ticket_id == ticket_id).order_by(Assignment.id.desc())
    if which is Which.NEW:
        wanted = parts.where(Assignment.closed_at.is_(None), Assignment.stage == Stage.TO_SIGN)
        return list(await session.scalars(wanted.where(Assignment.role != By.SUB)))
    if which is Which.BELOW:
        wanted = parts.where(Assignment.closed_at.is_(None), Assignment.stage == Stage.TO_SIGN)
        return list(await session.scalars(wanted.where(Assignment.role == By.SUB)))
    if which is Which.COPIED:
        newest = select(func.max(Round.n)).where(Round.ticket_id == ticket_id).scalar_subquery()
        wanted = parts.join(Round, Round.id == Assignment.round_id).where(Round.n == newest)
        return list(await session.scalars(wanted.where(Assignment.role == By.COPY)))
    if which is Which.READERS:
        return list(await session.scalars(parts.where(Assignment.role == By.READER)))
    if which is Which.LEAD:
        return list(await session.scalars(parts.where(Assignment.role == By.LEAD).limit(1)))
    if which is Which.ASKED:
        asked = select(ReturnRequest.assignment_id).where(ReturnRequest.ticket_id == ticket_id)
        asked = asked.order_by(ReturnRequest.decided_at.desc().nulls_last(), ReturnRequest.id.desc()).limit(1)
        return list(await session.scalars(parts.where(Assignment.id.in_(asked))))
    if which is Which.PARTIES:
        returned = select(ReturnRequest.assignment_id).where(ReturnRequest.ticket_id == ticket_id)
        leading = and_(Assignment.role == By.LEAD, Assignment.closed_at.is_(None))
        found = await session.scalars(parts.where(or_(Assignment.id.in_(returned), leading)))
        return list({part.unit_id: part for part in found}.values())
    return []
