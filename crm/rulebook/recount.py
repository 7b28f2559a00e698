"""Open orders after a new calendar (D4): due dates may move later, never earlier; each one that moves is an act of the
system in the order's history, with its row of due changes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import SYSTEM
from core.calendar import Due, Limit, LimitUnit, recounted
from core.db import Database, among
from core.errors import Unavailable
from core.events import publish
from core.rules import service
from core.rules.kinds import Kind
from crm.clocks import Rules, days_as_json, rules_of
from crm.installed import installed
from crm.tickets.case import load
from crm.tickets.dues import held, move, unmark
from crm.tickets.events import TicketActed
from crm.tickets.history import append
from crm.tickets.models import Assignment, Round, StatutoryLimit, Ticket
from crm.tickets.states import Act, By
from crm.tickets.targets import target

BATCH = 500
NOTICE = "工作日历更新，按新的工作日重新核算，只延后不提前（解释口径 D4）"


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
    rows = await _open(session, newest)
    parts = await _parts(session, [made.id for _, made in rows])
    moved = 0
    for ticket, made in rows:
        moved += await _recount(session, ticket, made, parts[made.id], newest)
    return Recount(len(rows), moved)


async def _open(session: AsyncSession, newest: str) -> Sequence[tuple[Ticket, Round]]:
    """The next orders whose lead unit still handles them, locked; what was accepted is history and keeps its due."""
    rows = (
        select(Ticket, Round)
        .join(Assignment, Assignment.ticket_id == Ticket.id)
        .join(Round, Round.id == Assignment.round_id)
        .where(Assignment.role == By.LEAD, Assignment.closed_at.is_(None), Assignment.due_at.is_not(None))
        .where(Round.calendar_version != newest)
        .order_by(Ticket.id)
        .limit(BATCH)
        .with_for_update(of=Ticket, key_share=True)
        .execution_options(populate_existing=True)
    )
    return [(row[0], row[1]) for row in await session.execute(rows)]


async def _parts(session: AsyncSession, rounds: Sequence[UUID]) -> dict[UUID, list[Assignment]]:
    """The units' parts that are not signed yet, by round."""
    found: dict[UUID, list[Assignment]] = defaultdict(list)
    waiting = select(Assignment).where(among(Assignment.round_id, rounds), Assignment.closed_at.is_(None))
    for part in await session.scalars(waiting.where(Assignment.signed_at.is_(None)).order_by(Assignment.id)):
        assert part.round_id is not None  # what is of no round has no clock
        found[part.round_id].append(part)
    return found


async def _recount(session: AsyncSession, ticket: Ticket, made: Round, unsigned: list[Assignment], newest: str) -> bool:
    """Signing, handling and every mark by the newest calendar; True, with its event, where something moved."""
    rules, was = rules_of(made.policy_version), made.due_at
    ends = await _ends(session, rules, made, was) if was else None
    signing = [_move_signing(rules, made, part) for part in unsigned]
    made.calendar_version = newest
    if ends is not None:
        made.provisional, made.days = ends.provisional, days_as_json(ends)
        ticket.provisional = ends.provisional
    later = ends is not None and ends.at != was
    if not later and not any(signing):
        return False
    case = await load(session, SYSTEM, ticket)
    if ends is not None and later:
        await move(session, case, ends, "calendar", NOTICE)
    else:
        await unmark(session, case)
    ticket.state_due_at = target(case)
    ticket.version += 1
    before = {"due_at": was.isoformat() if was else None}
    due_at = made.due_at.isoformat() if made.due_at else None
    after = {"due_at": due_at, "provisional": made.provisional} | held(case)
    what: dict[str, Any] = {"origin": "machine", "article": "第十三条", "reason": NOTICE}
    await append(session, ticket, SYSTEM, Act.RECOUNT, before=before, after=after, **what)
    await publish(session, TicketActed(ticket_id=ticket.id, seq=ticket.version, act=Act.RECOUNT))
    return True


def _move_signing(rules: Rules, made: Round, part: Assignment) -> bool:
    """Whether the unit has longer to sign."""
    before = part.sign_due_at
    if before is not None:
        part.sign_due_at = _same_days(rules, made, before).at
    return part.sign_due_at != before


async def _ends(session: AsyncSession, rules: Rules, made: Round, due_at: datetime) -> Due | None:
    """The due by the newest calendar; None where it has no days to count: a limit of another law in days or months
    whose last day is still a working day."""
    if made.limit_days is not None:
        return _same_days(rules, made, due_at)
    statute = await session.get(StatutoryLimit, made.statutory_limit_id) if made.statutory_limit_id else None
    if statute is None:
        return None
    fresh = rules.due(made.dispatched_at, Limit(statute.n, LimitUnit(statute.unit)))
    return fresh if fresh.at > due_at else None


def _same_days(rules: Rules, made: Round, due_at: datetime) -> Due:
    before = installed().rules.calendar_of(made.calendar_version)
    return recounted(made.dispatched_at, due_at, before, rules.calendar, rules.reading)
