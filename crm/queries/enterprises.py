"""主管事项: what enterprises handle, as their competent departments watch it, and what of a month was late (第五条)."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from core.actor import Actor
from core.clock import midnight, now
from core.identity.models import Unit
from core.permissions import Permission
from crm.county.data import UnitKind
from crm.members.names import names_of
from crm.search.filter import OrderFilter
from crm.search.narrow import narrow
from crm.tickets.access import visible_to
from crm.tickets.models import Assignment, Round, Ticket
from crm.tickets.parts import Outcome
from crm.tickets.states import By

PAGE = 50
Copy, Lead = aliased(Assignment), aliased(Assignment)


@dataclass(frozen=True)
class Watched:
    """One order that an enterprise handles; `due_at` is the enterprise's."""

    ticket: Ticket
    copy: Assignment
    part: Assignment | None
    enterprise: str

    @property
    def running(self) -> bool:
        """Whether the enterprise has yet to answer."""
        return self.part is not None and self.part.closed_at is None and self.part.submitted_at is None


async def watched(
    session: AsyncSession,
    actor: Actor,
    *,
    running: bool,
    search: str = "",
    oldest_first: bool = False,
    after: UUID | None = None,
    limit: int = PAGE,
) -> tuple[list[Watched], UUID | None]:
    """F05-2: a page of what was copied to the actor's unit, the newest first, and the key of the next page.

    `search` as in the list of orders. Raises Denied.
    """
    actor.require(Permission.ORDER_VIEW_UNIT)
    part = aliased(Assignment)
    wanted = (
        select(Ticket, Copy, part)
        .join(Copy, Copy.ticket_id == Ticket.id)
        .outerjoin(part, part.id == Copy.parent_id)
        .where(Copy.role == By.COPY, Copy.unit_id == actor.unit_id, visible_to(actor))
    )
    if running:
        wanted = wanted.where(Copy.closed_at.is_(None))
    if search:
        wanted = wanted.where(*(await narrow(actor, OrderFilter(search=search))).everything)
    if after is not None:
        wanted = wanted.where(Copy.id > after if oldest_first else Copy.id < after)
    wanted = wanted.order_by(Copy.id if oldest_first else Copy.id.desc())
    rows = (await session.execute(wanted.limit(limit + 1))).all()
    shown = rows[:limit]
    names = await names_of(session, {part.unit_id for _, _, part in shown if part is not None})
    found = [
        Watched(ticket, copy, part, names.at(part.unit_id, part.dispatched_at) if part else "")
        for ticket, copy, part in shown
    ]
    return found, shown[-1][1].id if len(rows) > limit else None


@dataclass(frozen=True)
class Month:
    """A month in Shanghai; `first` inclusive, `end` exclusive."""

    year: int
    month: int

    @property
    def first(self) -> datetime:
        """Its first instant."""
        return midnight(date(self.year, self.month, 1))

    @property
    def end(self) -> datetime:
        """The first instant of the next."""
        following = date(self.year + self.month // 12, self.month % 12 + 1, 1)
        return midnight(following)


@dataclass(frozen=True)
class Late:
    """One order that an enterprise answered late, or has not answered after its due."""

    ticket_id: UUID
    number: str
    title: str
    enterprise: str
    department: str
    """主管部门: the one that was copied, else the one that the registry has now."""
    due_at: datetime
    submitted_at: datetime | None
    level: int
    """督办."""


@dataclass(frozen=True)
class OfDepartment:
    """One enterprise's month under its department."""

    department: str
    enterprise: str
    due: int
    """应办结: leads whose due lies in the month (D34); what was returned counts for nobody."""
    late: tuple[Late, ...]


async def month_of_enterprises(session: AsyncSession, actor: Actor, month: Month) -> list[OfDepartment]:
    """A05-1: each enterprise with its competent department, what was due in the month and what was overdue.

    The lead alone counts (A08-6). A department sees its own enterprises, the bureau and the centre all; of a 举报
    the title stays closed to who may not read it. Raises Denied.
    """
    if not actor.may(Permission.ORDER_VIEW):
        actor.require(Permission.ORDER_VIEW_UNIT)
    rows = (await session.execute(_leads(actor, month))).all()
    names = await names_of(session)
    found: dict[tuple[UUID | None, UUID], list[Late | None]] = {}
    for row in rows:
        department = row.copied_to or row.competent_unit_id
        late = _late(row, names.at(row.unit_id, row.dispatched_at), names.now(department))
        found.setdefault((department, row.unit_id), []).append(late)
    months = [
        OfDepartment(names.now(department), names.now(unit), len(all_), tuple(one for one in all_ if one))
        for (department, unit), all_ in found.items()
    ]
    return sorted(months, key=lambda one: (-len(one.late), one.department, one.enterprise))


def _leads(actor: Actor, month: Month) -> Select[*tuple[Any, ...]]:
    wanted = (
        select(
            *(Ticket.id, Ticket.number, Ticket.title, Ticket.sealed, Ticket.supervision_level),
            *(Lead.unit_id, Lead.dispatched_at, Lead.due_at, Lead.submitted_at),
            Copy.unit_id.label("copied_to"),
            Unit.competent_unit_id,
        )
        .select_from(Round)
        .join(Lead, Lead.round_id == Round.id)
        .join(Ticket, Ticket.id == Round.ticket_id)
        .join(Unit, Unit.id == Lead.unit_id)
        .outerjoin(Copy, and_(Copy.parent_id == Lead.id, Copy.role == By.COPY))
        .where(
            Lead.role == By.LEAD,
            Unit.kind == UnitKind.ENTERPRISE,
            Round.due_at > month.first,
            Round.due_at <= month.end,
            Lead.outcome.is_distinct_from(Outcome.RETURNED),
            Lead.outcome.is_distinct_from(Outcome.RECALLED),
            visible_to(actor),
        )
    )
    if not actor.may(Permission.ORDER_VIEW):
        wanted = wanted.where(func.coalesce(Copy.unit_id, Unit.competent_unit_id) == actor.unit_id)
    return wanted.order_by(Lead.due_at, Ticket.id)


def _late(row: Any, enterprise: str, department: str) -> Late | None:
    """Whether it was answered after its due (D18), or not at all by now."""
    answered = row.submitted_at if row.submitted_at is not None else now()
    if answered < row.due_at:
        return None
    title = "（举报，内容密封）" if row.sealed else row.title
    times = (row.due_at, row.submitted_at)
    return Late(row.id, row.number, title, enterprise, department, *times, row.supervision_level)
