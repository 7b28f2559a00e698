"""Keeping longer: what orders say of a recording or a file only ever lengthens its protection (第十二条(九))."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import today
from crm.county.categories import Category
from crm.installed import installed
from crm.retention.objects import KINDS, Objects
from crm.retention.rules import Kept
from crm.retention_policy import RetentionPolicy
from crm.tickets.models import Refusal, SupervisionCandidate, Ticket

PETITION_ITEM = 4
"""Of 第十条: 已进入信访渠道的事项."""


def policy() -> RetentionPolicy:
    """What the bureau has decided by now."""
    return installed().policy[RetentionPolicy]


def orders_in(kind: Kept) -> ColumnElement[bool]:
    """The orders of a class."""
    if kind is Kept.REPORT:
        return or_(Ticket.category == Category.REPORT, Ticket.sealed)
    if kind is Kept.EMERGENCY:
        return Ticket.emergency.is_(True)
    if kind is Kept.SUPERVISION:
        opened = select(SupervisionCandidate.ticket_id).where(
            SupervisionCandidate.state.in_(("confirmed", "rectified"))
        )
        return or_(Ticket.supervision_level > 0, Ticket.id.in_(opened))
    refused = select(Refusal.ticket_id).where(Refusal.item == PETITION_ITEM, Refusal.state == "final")
    return Ticket.id.in_(refused)


async def lengthen(session: AsyncSession) -> int:
    """Give each object the last protected day of its classes where that is later than its own -> how many.

    A general rule that became longer, and an order that ended later, reach those whose end is near.
    """
    return sum([await _lengthen(session, kind) for kind in KINDS.values()])


async def _lengthen(session: AsyncSession, objects: Objects) -> int:
    book, count = policy(), 0
    for kind in sorted(Kept, key=lambda kind: kind.years(book)):
        until = objects.last_day(kind.years(book))
        count += await _set(session, objects, until, kind.why(book), objects.of_orders(orders_in(kind)))
    section, name = objects.years
    years = getattr(installed().policy[section], name)
    soon = objects.table.protected_until <= today() + timedelta(days=book.warn_days)
    return count + await _set(session, objects, objects.last_day(years), "", soon)


async def _set(
    session: AsyncSession, objects: Objects, until: ColumnElement[date], why: str, which: ColumnElement[bool]
) -> int:
    table = objects.table
    shorter = (table.destroyed_at.is_(None), table.protected_until < until, which)
    values: dict[str, Any] = {"protected_until": until} | ({"protection": why} if why else {})
    changed = update(table).where(*shorter).values(values).returning(table.id)
    return len((await session.execute(changed.execution_options(synchronize_session=False))).all())
