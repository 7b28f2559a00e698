"""Returns and extensions in numbers, by unit and period (第十二条(三), 第十五条): every rate with its two counts.

Of returns, what is counted are the lead units' parts that were dispatched in the period, and whatever became of them
until now; of extensions, the applications of the period.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from core.actor import Actor
from core.clock import midnight
from core.identity.models import Unit
from core.permissions import Permission
from core.rates import per_cent
from crm.queries.behind import Page, behind
from crm.tickets.models import Assignment, Extension, ReturnRequest, Ticket
from crm.tickets.states import By

Part = aliased(Assignment)
"""The part that was returned or extended; whether an order is visible is asked of assignments apart from it."""
WAITING = ("open", "forwarded", "disputed")


@dataclass(frozen=True)
class Period:
    """Days in Shanghai, both included."""

    first: date
    last: date

    @property
    def since(self) -> datetime:
        """Its first instant."""
        return midnight(self.first)

    @property
    def until(self) -> datetime:
        """The first instant after it."""
        return midnight(self.last + timedelta(days=1))


@dataclass(frozen=True)
class Rate:
    """A share with its counts; of nothing there is none."""

    part: int
    whole: int

    def __str__(self) -> str:
        return per_cent(self.part, self.whole)


@dataclass(frozen=True)
class Returned:
    """退回 of one unit, or of all."""

    dispatched: int = 0
    """Parts of lead units, also those that were returned."""
    parts: int = 0
    """Those with an application."""
    asked: int = 0
    accepted: int = 0
    refused: int = 0
    waiting: int = 0
    late: int = 0
    """超时退单: after the window, let through by the bureau (D8)."""

    @property
    def applied_rate(self) -> Rate:
        """申请率."""
        return Rate(self.parts, self.dispatched)

    @property
    def accepted_rate(self) -> Rate:
        """同意率."""
        return Rate(self.accepted, self.asked)

    @property
    def improper_rate(self) -> Rate:
        """不当退单率."""
        return Rate(self.refused, self.dispatched)


@dataclass(frozen=True)
class Extended:
    """延期 of one unit, or of all."""

    dispatched: int = 0
    asked: int = 0
    granted: int = 0
    """延期次数."""
    refused: int = 0
    waiting: int = 0
    exceptional: int = 0
    """特批, among the granted."""
    days: int = 0
    """Working days granted."""

    @property
    def granted_rate(self) -> Rate:
        """同意率."""
        return Rate(self.granted, self.asked)

    @property
    def extended_rate(self) -> Rate:
        """延期率: granted ones to dispatched parts."""
        return Rate(self.granted, self.dispatched)


Counts = TypeVar("Counts", Returned, Extended)


@dataclass(frozen=True)
class Line:
    """One unit's numbers."""

    unit_id: UUID
    unit: str
    counts: Any


async def returns(session: AsyncSession, actor: Actor, period: Period) -> list[Line]:
    """F12.3-4: the units with dispatches in the period, the most applications first; a unit's people read their own."""
    of = ReturnRequest
    asked = (
        select(
            of.assignment_id,
            func.count().label("asked"),
            _count(of.state == "accepted").label("accepted"),
            _count(of.state == "refused").label("refused"),
            _count(of.state.in_(WAITING)).label("waiting"),
            _count(of.late.is_(True)).label("late"),
        )
        .where(of.requested_at >= period.since)
        .group_by(of.assignment_id)
        .subquery()
    )
    sums = [func.coalesce(func.sum(asked.c[name]), 0) for name in ("asked", "accepted", "refused", "waiting", "late")]
    wanted = (
        select(Assignment.unit_id, func.count(), func.count(asked.c.assignment_id), *sums)
        .outerjoin(asked, asked.c.assignment_id == Assignment.id)
        .where(*_dispatched(actor, period))
        .group_by(Assignment.unit_id)
    )
    found = {row[0]: Returned(*(int(one) for one in row[1:])) for row in await session.execute(wanted)}
    return await _lines(session, found)


async def extensions(session: AsyncSession, actor: Actor, period: Period) -> list[Line]:
    """F15-4: the units with dispatches or applications in the period, the most applications first."""
    of = Extension
    granted = of.state == "granted"
    wanted = (
        select(
            Assignment.unit_id,
            func.count(),
            _count(granted),
            _count(of.state == "refused"),
            _count(of.state.in_(WAITING)),
            _count(granted & of.exceptional.is_(True)),
            func.coalesce(func.sum(of.days).filter(granted), 0),
        )
        .join(Assignment, Assignment.id == of.assignment_id)
        .where(of.applied_at >= period.since, of.applied_at < period.until, *_own(actor))
        .group_by(Assignment.unit_id)
    )
    asked = {row[0]: tuple(int(one) for one in row[1:]) for row in await session.execute(wanted)}
    parts = select(Assignment.unit_id, func.count()).where(*_dispatched(actor, period)).group_by(Assignment.unit_id)
    dispatched = {row[0]: int(row[1]) for row in await session.execute(parts)}
    units = {*asked, *dispatched}
    found = {unit: Extended(dispatched.get(unit, 0), *asked.get(unit, ())) for unit in units}
    return await _lines(session, found)


def total(lines: Sequence[Line], kind: type[Counts]) -> Counts:
    """All units together."""
    names = [field.name for field in fields(kind)]
    return kind(**{name: sum(getattr(line.counts, name) for line in lines) for name in names})


async def returned_orders(
    session: AsyncSession, actor: Actor, period: Period, unit: UUID, page: Page
) -> Sequence[tuple[ReturnRequest, Ticket]]:
    """The applications behind one unit's line, as far as this actor may know of the orders."""
    wanted = (
        select(ReturnRequest, Ticket)
        .join(Part, Part.id == ReturnRequest.assignment_id)
        .join(Ticket, Ticket.id == ReturnRequest.ticket_id)
        .where(*_dispatched(actor, period, Part), Part.unit_id == unit)
    )
    return await behind(session, actor, wanted, ReturnRequest.requested_at, ReturnRequest.id, page)


async def extended_orders(
    session: AsyncSession, actor: Actor, period: Period, unit: UUID, page: Page
) -> Sequence[tuple[Extension, Ticket]]:
    """The applications behind one unit's line, as far as this actor may know of the orders."""
    wanted = (
        select(Extension, Ticket)
        .join(Part, Part.id == Extension.assignment_id)
        .join(Ticket, Ticket.id == Extension.ticket_id)
        .where(Extension.applied_at >= period.since, Extension.applied_at < period.until)
        .where(Part.unit_id == unit, *_own(actor, Part))
    )
    return await behind(session, actor, wanted, Extension.applied_at, Extension.id, page)


def _count(condition: ColumnElement[bool]) -> Any:
    return func.count().filter(condition)


def _own(actor: Actor, part: Any = Assignment) -> tuple[ColumnElement[bool], ...]:
    return () if actor.may(Permission.ORDER_VIEW) else (part.unit_id == actor.unit_id,)


def _dispatched(actor: Actor, period: Period, part: Any = Assignment) -> tuple[ColumnElement[bool], ...]:
    inside = (part.dispatched_at >= period.since, part.dispatched_at < period.until)
    return (part.role == By.LEAD, *inside, *_own(actor, part))


async def _lines(session: AsyncSession, found: dict[UUID, Any]) -> list[Line]:
    names = {row.id: row.name for row in await session.execute(select(Unit.id, Unit.name))}
    lines = [Line(unit, names.get(unit, ""), counts) for unit, counts in found.items()]
    return sorted(lines, key=lambda line: (-line.counts.asked, -line.counts.dispatched, line.unit))
