"""Open orders after a new calendar (D4): due dates may move later, never earlier; each one that moves is on record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import SYSTEM
from core.calendar import ClockPolicy, Due, WorkCalendar, recounted
from core.db import Database
from core.errors import Unavailable
from core.ledger import record
from core.live import hint
from core.rules import service
from core.rules.kinds import Kind
from crm.clocks import days_as_json
from crm.installed import installed
from crm.tickets.models import Assignment, Round, Ticket

BATCH = 500


@dataclass(frozen=True)
class Recount:
    """What came of it: rounds looked at, and those whose due moved."""

    looked_at: int
    moved: int


async def recount(db: Database) -> Recount:
    """Every open round that was counted by another calendar, some hundred in a transaction.

    Running it again changes nothing: what is done bears the newest calendar's version. Raises Unavailable until this
    process knows the newest.
    """
    looked_at = moved = 0
    while True:
        async with db.session() as session:
            done = await _some(session)
        if not done.looked_at:
            return Recount(looked_at, moved)
        looked_at, moved = looked_at + done.looked_at, moved + done.moved


async def _some(session: AsyncSession) -> Recount:
    newest = (await service.confirmed(session, Kind.CALENDAR))[-1].version
    if installed().calendar.version != newest:
        raise Unavailable("calendar-not-loaded", "新的工作日历正在载入，稍后重新核算。")
    rows = await _batch(session, newest)
    tickets = await _locked(session, [row.ticket_id for row in rows])
    return Recount(len(rows), sum([await _recount(session, tickets[row.ticket_id], row) for row in rows]))


async def _batch(session: AsyncSession, newest: str) -> Sequence[Round]:
    """The next open rounds, oldest first; a closed round is history and keeps its due."""
    rows = (
        select(Round)
        .join(Ticket, Ticket.id == Round.ticket_id)
        .where(Round.calendar_version != newest, Round.closed_at.is_(None), Ticket.closed_at.is_(None))
        .where(Round.due_at.is_not(None))
        .order_by(Round.ticket_id, Round.n)
        .limit(BATCH)
    )
    return (await session.scalars(rows)).all()


async def _locked(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Ticket]:
    """Tickets first, in one order, as every command takes them."""
    rows = select(Ticket).where(Ticket.id.in_(ids)).order_by(Ticket.id).with_for_update()
    return {ticket.id: ticket for ticket in await session.scalars(rows.execution_options(populate_existing=True))}


async def _recount(session: AsyncSession, ticket: Ticket, row: Round) -> bool:
    await session.refresh(row, with_for_update=True)
    before, after = installed().rules.calendar_of(row.calendar_version), installed().calendar
    row.calendar_version = after.version
    if row.due_at is None or row.limit_days is None:
        return False
    was, ends = row.due_at, _ends(row, row.due_at, before, after)
    row.due_at, row.provisional, row.days = ends.at, ends.provisional, days_as_json(ends)
    if ticket.due_at == was:
        ticket.due_at = ends.at
    await _parts(session, row, before, after)
    if ends.at == was:
        return False
    moved = {"before": was.isoformat(), "after": ends.at.isoformat(), "calendar": after.version}
    await record(session, SYSTEM, "order.recount", "order", ticket.id, **moved)
    hint(session, "order", ticket.id)
    hint(session, "orders", ticket.id)
    return True


async def _parts(session: AsyncSession, row: Round, before: WorkCalendar, after: WorkCalendar) -> None:
    """The units' own clocks: signing where nobody signed, answering where nobody answered."""
    parts = select(Assignment).where(Assignment.round_id == row.id, Assignment.closed_at.is_(None))
    for part in await session.scalars(parts.with_for_update()):
        if part.sign_due_at is not None and part.signed_at is None:
            part.sign_due_at = _ends(row, part.sign_due_at, before, after).at
        if part.due_at is not None and part.submitted_at is None:
            part.due_at = _ends(row, part.due_at, before, after).at


def _ends(row: Round, due_at: datetime, before: WorkCalendar, after: WorkCalendar) -> Due:
    policy = installed().rules.policy_of(row.policy_version) or installed().policy
    return recounted(row.dispatched_at, due_at, before, after, policy[ClockPolicy].reading)
