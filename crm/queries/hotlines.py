"""What became of the calls to each hotline (第十六条, A16-1): orders formed and dispatched, and how they were handled.

Counted under the number that was dialled are the orders of calls and messages, those that were split off among them.
Handling is read from the lead units' parts that were dispatched in the period, whatever became of them until now; a
redispatch and a rework are parts of their own.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from core.actor import Actor
from crm.queries.statistics import Period, Rate
from crm.tickets.access import visible_to
from crm.tickets.acts.closing import Grade
from crm.tickets.models import Assignment, Rating, Reply, Ticket
from crm.tickets.parts import Outcome
from crm.tickets.states import By

NOTHING = Rate(0, 0)
FROM_CALLS = ("phone", "message")
"""`Ticket.source` of what came over a hotline."""
NAMED = func.coalesce(Ticket.original_hotline, "")
Part = aliased(Assignment)
"""A lead's part; whether an order is visible is asked of assignments apart from it."""


@dataclass(frozen=True)
class Orders:
    """One hotline's orders in a period."""

    formed: int = 0
    dispatched: int = 0
    """Of those formed in the period."""
    signed: Rate = NOTHING
    """及时签收率: signed for in time, of the parts that are signed for or late; the system never signs in time (D7)."""
    finished: Rate = NOTHING
    """按期办结率: passed and in time (D18), of the parts that passed or are late."""
    returned: Rate = NOTHING
    """退回率: given back with consent, of all parts. These are in neither rate above (D10)."""
    satisfied: Rate = NOTHING
    """满意率: of the ratings of the period that stand; whom nobody reached gave none, and one excluded by 第二十六条
    is counted nowhere (D25)."""
    solved: Rate = NOTHING
    """解决率: of those of them in which the citizen was asked."""


async def by_hotline(session: AsyncSession, actor: Actor, period: Period) -> dict[str, Orders]:
    """Every hotline with an order, a dispatch or a rating in the period, by the name that its orders carry; "" where
    the number had none. As far as the actor may know of the orders."""

    async def counts(wanted: Select[*tuple[Any, ...]], at: Any) -> dict[str, tuple[int, ...]]:
        within = (at >= period.since, at < period.until, Ticket.source.in_(FROM_CALLS), visible_to(actor))
        rows = await session.execute(wanted.where(*within).group_by(NAMED))
        return {row[0]: tuple(row[1:]) for row in rows}

    formed = await counts(_FORMED, Ticket.opened_at)
    handled = await counts(_HANDLED, Part.dispatched_at)
    rated = await counts(_RATED, Rating.at)
    made = {}
    for name in formed.keys() | handled.keys() | rated.keys():
        opened, dispatched = formed.get(name, (0, 0))
        pairs = (*handled.get(name, (0,) * 6), *rated.get(name, (0,) * 4))
        made[name] = Orders(opened, dispatched, *map(Rate, pairs[::2], pairs[1::2]))
    return made


def _count(*conditions: Any) -> ColumnElement[int]:
    return func.count().filter(*conditions)


_STAYED = Part.outcome.is_distinct_from(Outcome.RETURNED)
_FORMED = select(NAMED, func.count(), func.count(Ticket.first_dispatched_at))
_HANDLED = (
    select(
        NAMED,
        _count(_STAYED, Part.signed_at < Part.sign_due_at),
        _count(_STAYED, Part.signed_at.is_not(None) | Part.sign_overdue_at.is_not(None)),
        _count(_STAYED, Reply.in_time),
        _count(_STAYED, Reply.in_time.is_not(None) | Part.overdue_at.is_not(None)),
        _count(~_STAYED),
        func.count(),
    )
    .join(Part, Part.ticket_id == Ticket.id)
    .outerjoin(Reply, (Reply.assignment_id == Part.id) & Reply.in_time.is_not(None))
    .where(Part.role == By.LEAD)
)
_RATED = (
    select(
        NAMED,
        _count(Rating.grade.not_in([one for one in Grade if one.bad])),
        func.count(),
        _count(Rating.solved),
        _count(Rating.solved.is_not(None)),
    )
    .join(Rating, Rating.ticket_id == Ticket.id)
    .where(Rating.superseded_at.is_(None), Rating.excluded.is_(None))
)
