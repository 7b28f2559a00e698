"""How good a month's dispatches were (A12.2-3, A19-1): what was suggested against who handled it, returns, citations.

The truth about an order is its last lead that did not return it with consent; an order that every lead returned so far
has none yet, and a suggestion of one of those was wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, exists, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from core.actor import Actor
from core.clock import midnight
from core.rates import per_cent
from crm.queries.behind import Page, behind
from crm.tickets.citing import Cites
from crm.tickets.models import Assignment, Round, Ticket
from crm.tickets.parts import Outcome
from crm.tickets.states import By

Part = aliased(Assignment)
"""A lead's part that is listed; whether an order is visible is asked of assignments apart from it."""


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
        return per_cent(self.first, self.suggested)

    @property
    def top_3(self) -> str:
        """Likewise of the first three."""
        return per_cent(self.three, self.suggested)

    @property
    def accuracy(self) -> str:
        """派单准确率: 1 − accepted returns / dispatches."""
        return per_cent(self.dispatched - self.returned, self.dispatched)


@dataclass(frozen=True)
class Month:
    """One month. `cited`: dispatches to several units by what they rest on; `without`: those on nothing."""

    first: date
    total: Quality
    matters: Sequence[Quality]
    cited: dict[Cites, int]
    without: int

    @property
    def several(self) -> int:
        """Dispatches to several units."""
        return sum(self.cited.values()) + self.without


def month_of(first: date) -> tuple[datetime, datetime]:
    """The instants between which the month lies."""
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return midnight(first), midnight(following)


async def month(session: AsyncSession, first: date) -> Month:
    """Everything about the dispatches of the month that begins on `first`; reworks are no choice of a unit."""
    matters = await _by_matter(session, first)
    total = Quality("", *(sum(getattr(one, name) for one in matters) for name in _COUNTS))
    return Month(first, total, matters, *await _citations(session, first))


async def uncited(session: AsyncSession, actor: Actor, first: date, page: Page) -> Sequence[tuple[Assignment, Ticket]]:
    """The month's dispatches to several units that cite nothing, as far as this actor may know of the orders."""
    wanted = (
        select(Part, Ticket)
        .join(Round, Round.id == Part.round_id)
        .join(Ticket, Ticket.id == Part.ticket_id)
        .where(*_to_several(first, Part), Round.cites.is_(None))
    )
    return await behind(session, actor, wanted, Part.dispatched_at, Part.id, page)


_COUNTS = ("dispatched", "returned", "settled", "suggested", "first", "three")
_AWAY = Assignment.outcome.is_not_distinct_from(Outcome.RETURNED)


def _chosen(first: date, part: Any = Assignment) -> tuple[ColumnElement[bool], ...]:
    begins, ends = month_of(first)
    within = (part.dispatched_at >= begins, part.dispatched_at < ends)
    return (part.role == By.LEAD, *within, Round.kind != "rework")


def _to_several(first: date, part: Any = Assignment) -> tuple[ColumnElement[bool], ...]:
    helper = aliased(Assignment)
    return (*_chosen(first, part), exists().where(helper.round_id == Round.id, helper.role == By.ASSIST))


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


async def _citations(session: AsyncSession, first: date) -> tuple[dict[Cites, int], int]:
    counted = await session.execute(
        select(Round.cites, func.count())
        .join(Assignment, Assignment.round_id == Round.id)
        .where(*_to_several(first))
        .group_by(Round.cites)
    )
    found = {row[0]: row[1] for row in counted}
    return {one: found.get(one.value, 0) for one in Cites}, found.get(None, 0)
