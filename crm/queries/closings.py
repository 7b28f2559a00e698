"""How orders were closed, unit by unit: the share of 无政策法规依据 shows where that kind is leaned on (A12.6-2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import local, midnight
from core.identity.models import Unit
from core.permissions import Permission
from core.rates import per_cent
from crm.county.categories import LABELS, Category
from crm.queries.behind import Page, behind
from crm.search.export import searched
from crm.search.taking import Taken, Taking, take
from crm.tickets.acts.replying import CloseKind
from crm.tickets.masking import mask_numbers
from crm.tickets.models import Assignment, QualityCheck, Reply, Ticket
from crm.tickets.states import State


@dataclass(frozen=True)
class Closings:
    """One unit's orders that were passed in the period; a rework that passes again counts again."""

    unit_id: UUID | None
    unit: str
    handled: int
    no_basis: int
    explained: int
    """Of the second kind, those with 解释回访."""

    @property
    def all(self) -> int:
        """办结数."""
        return self.handled + self.no_basis

    @property
    def share(self) -> str:
        """`12.5%`; `—` where nothing was closed."""
        return per_cent(self.no_basis, self.all)


def total(rows: Sequence[Closings]) -> Closings:
    """All units together."""
    sums = [sum(getattr(row, name) for row in rows) for name in ("handled", "no_basis", "explained")]
    return Closings(None, "合计", *sums)


def _passed(first: date, last: date) -> ColumnElement[bool]:
    since = midnight(first)
    until = midnight(last + timedelta(days=1))
    within = and_(QualityCheck.checked_at >= since, QualityCheck.checked_at < until)
    return and_(QualityCheck.verdict == "pass", within)


def _joined(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(QualityCheck)
        .join(Reply, Reply.id == QualityCheck.reply_id)
        .join(Assignment, Assignment.id == Reply.assignment_id)
        .join(Unit, Unit.id == Assignment.unit_id)
    )


async def closings(session: AsyncSession, first: date, last: date) -> list[Closings]:
    """Every unit of which something was passed from `first` to `last`, both included; who leans most on it first."""
    second = Reply.close_kind == CloseKind.NO_BASIS
    wanted = _joined(
        Unit.id,
        Unit.name,
        func.count().filter(~second),
        func.count().filter(second),
        func.count().filter(second, Reply.explained),
    ).where(_passed(first, last))
    rows = await session.execute(wanted.group_by(Unit.id, Unit.name))
    found = [Closings(*row) for row in rows]
    return sorted(found, key=lambda one: (-(one.no_basis / one.all), -one.no_basis, one.unit))


async def of_second_kind(
    session: AsyncSession, actor: Actor, first: date, last: date, unit_id: UUID, page: Page
) -> Sequence[tuple[QualityCheck, Ticket, Reply]]:
    """A unit's orders of the second kind that the actor may see, by the time of the check."""
    wanted = (
        _joined(QualityCheck, Ticket, Reply)
        .join(Ticket, Ticket.id == Reply.ticket_id)
        .where(_passed(first, last), Reply.close_kind == CloseKind.NO_BASIS, Unit.id == unit_id)
    )
    return await behind(session, actor, wanted, QualityCheck.checked_at, QualityCheck.id, page)


HEADS = (("承办单位", 30), ("办结数", 10), ("办理完毕", 10), ("无政策法规依据", 16), ("占比", 10), ("已解释回访", 12))
NOTE = "依据：第十二条（六）办结分为办理完毕和诉求无政策法规依据两种；占比为无政策法规依据的办结数除以办结数"


async def export(session: AsyncSession, actor: Actor, first: date, last: date, reason: str, *, title: str) -> Taken:
    """The same table as a workbook. Raises as `take`, and Denied."""
    actor.require(Permission.ORDER_EXPORT)
    rows = await closings(session, first, last)
    what = Taking(
        f"办结方式统计{first:%Y%m%d}-{last:%Y%m%d}",
        "BJ",
        "closings.export",
        HEADS,
        [_cells(one) for one in rows],
        {"first": first.isoformat(), "last": last.isoformat()},
        foot=[_cells(total(rows))],
        notes=[NOTE],
    )
    return await take(session, actor, what, reason, title=title)


ORDER_HEADS = (
    ("工单编号", 20),
    ("标题", 36),
    ("类别", 8),
    ("依据", 40),
    ("解释回访", 10),
    ("审核通过时间", 18),
    ("状态", 10),
)


async def export_orders(
    session: AsyncSession, actor: Actor, first: date, last: date, unit_id: UUID, page: Page, reason: str, *, title: str
) -> Taken:
    """The orders of the second kind behind one unit's line. Raises as `take` and as `behind`, and Denied."""
    actor.require(Permission.ORDER_EXPORT)
    unit = await session.scalar(select(Unit.name).where(Unit.id == unit_id)) or ""
    found = await of_second_kind(session, actor, first, last, unit_id, page)
    asked = {"first": first.isoformat(), "last": last.isoformat(), "unit": unit} | searched(page.search)
    rows = [_order_cells(*row) for row in found]
    what = Taking("无政策法规依据的工单", "BJ", "closings.orders", ORDER_HEADS, rows, asked, notes=[NOTE])
    return await take(session, actor, what, reason, title=title)


def _order_cells(check: QualityCheck, ticket: Ticket, reply: Reply) -> list[str]:
    return [
        ticket.number,
        mask_numbers(ticket.title),
        LABELS[Category(ticket.category)] if ticket.category else "",
        reply.citation,
        "是" if reply.explained else "否",
        f"{local(check.checked_at):%Y-%m-%d %H:%M}",
        State(ticket.state).label,
    ]


def _cells(one: Closings) -> list[str]:
    return [one.unit, str(one.all), str(one.handled), str(one.no_basis), one.share, str(one.explained)]
