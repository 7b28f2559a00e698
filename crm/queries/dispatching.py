"""How good a month's dispatches were (A12.2-3, A19-1): what was suggested against who handled it, returns, citations.

The truth about an order is its last lead that did not return it with consent; an order that every lead returned so far
has none yet, and a suggestion of one of those was wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import ColumnElement, String, and_, cast, exists, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from core.clock import SHANGHAI
from crm.tickets.citing import Cites
from crm.tickets.models import Assignment, Round, Ticket
from crm.tickets.parts import Outcome
from crm.tickets.states import By

MOST_LISTED = 100


@dataclass(frozen=True)
class Quality:
    """Of one matter, or of all: dispatches with a known truth (`settled`), whose first (`first`) or whose first three
    suggestions (`three`) hold it; `suggested`: those of them that had a suggestion at all."""

    matter: str
    dispatched: int
    returned: int
    settled: int
    suggested: int
    first: int
    three: int

    @property
    def top_1(self) -> str:
        """Share of settled dispatches with a suggestion whose first was right."""
        return share(self.first, self.suggested)

    @property
    def top_3(self) -> str:
        """Likewise of the first three."""
        return share(self.three, self.suggested)

    @property
    def accuracy(self) -> str:
        """派单准确率: 1 − accepted returns / dispatches."""
        return share(self.dispatched - self.returned, self.dispatched)


@dataclass(frozen=True)
class Uncited:
    """A dispatch to several units that cites nothing."""

    ticket_id: UUID
    number: str
    at: datetime


@dataclass(frozen=True)
class Month:
    """One month. `cited`: dispatches to several units by what they rest on; `without`: those on nothing; `uncited`: the
    latest of these."""

    first: date
    total: Quality
    matters: Sequence[Quality]
    cited: dict[Cites, int]
    without: int
    uncited: Sequence[Uncited]

    @property
    def several(self) -> int:
        """Dispatches to several units."""
        return sum(self.cited.values()) + self.without


def share(part: int, whole: int) -> str:
    """`95.2%`; a dash where there is nothing to divide (§6)."""
    return f"{100 * part / whole:.1f}%" if whole else "—"


def month_of(first: date) -> tuple[datetime, datetime]:
    """The instants between which the month lies."""
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return datetime.combine(first, time(0), SHANGHAI), datetime.combine(following, time(0), SHANGHAI)


async def month(session: AsyncSession, first: date) -> Month:
    """Everything about the dispatches of the month that begins on `first`; reworks are no choice of a unit."""
    matters = await _by_matter(session, first)
    total = Quality("", *(sum(getattr(one, name) for one in matters) for name in _COUNTS))
    cited, without, uncited = await _citations(session, first)
    return Month(first, total, matters, cited, without, uncited)


_COUNTS = ("dispatched", "returned", "settled", "suggested", "first", "three")
_AWAY = Assignment.outcome.is_not_distinct_from(Outcome.RETURNED)


def _chosen(first: date) -> tuple[ColumnElement[bool], ...]:
    begins, ends = month_of(first)
    within = (Assignment.dispatched_at >= begins, Assignment.dispatched_at < ends)
    return (Assignment.role == By.LEAD, *within, Round.kind != "rework")


async def _by_matter(session: AsyncSession, first: date) -> list[Quality]:
    later = aliased(Assignment)
    truth = (
        select(later.unit_id)
        .where(later.ticket_id == Assignment.ticket_id, later.role == By.LEAD)
        .where(later.outcome.is_distinct_from(Outcome.RETURNED))
        .order_by(later.dispatched_at.desc(), later.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    each = (
        select(
            func.coalesce(Ticket.matter, "").label("matter"),
            _AWAY.label("away"),
            Round.suggested,
            cast(truth, String).label("truth"),
        )
        .join(Round, Round.id == Assignment.round_id)
        .join(Ticket, Ticket.id == Assignment.ticket_id)
        .where(*_chosen(first))
        .subquery()
    )
    some = func.jsonb_array_length(each.c.suggested) > 0
    wrong_already = each.c.truth.is_(None) & each.c.away
    known = each.c.truth.is_not(None) | wrong_already
    holds = each.c.suggested.contains(func.jsonb_build_array(func.jsonb_build_object(literal("unit"), each.c.truth)))
    leads = each.c.suggested[0]["unit"].astext == each.c.truth

    def count(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count().filter(and_(*conditions))

    rows = await session.execute(
        select(
            each.c.matter, func.count(), count(each.c.away), count(known), count(known, some),
            count(some, leads), count(some, holds),
        )
        .group_by(each.c.matter)
        .order_by(func.count().desc(), each.c.matter)
    )  # fmt: skip
    return [Quality(*row) for row in rows]


async def _citations(session: AsyncSession, first: date) -> tuple[dict[Cites, int], int, list[Uncited]]:
    helper = aliased(Assignment)
    several = exists().where(helper.round_id == Round.id, helper.role == By.ASSIST)
    chosen = (*_chosen(first), several)
    counted = await session.execute(
        select(Round.cites, func.count())
        .join(Assignment, Assignment.round_id == Round.id)
        .where(*chosen)
        .group_by(Round.cites)
    )
    found = {row[0]: row[1] for row in counted}
    rows = await session.execute(
        select(Ticket.id, Ticket.number, Assignment.dispatched_at)
        .join(Round, Round.ticket_id == Ticket.id)
        .join(Assignment, Assignment.round_id == Round.id)
        .where(*chosen, Round.cites.is_(None))
        .order_by(Assignment.dispatched_at.desc())
        .limit(MOST_LISTED)
    )
    return {one: found.get(one.value, 0) for one in Cites}, found.get(None, 0), [Uncited(*row) for row in rows]
