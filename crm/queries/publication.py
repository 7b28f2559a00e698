"""Answers that may be published 公开 (第二十二条): both unit and citizen said yes, and nothing is secret.

This is the only way in which anything of an order leaves for the public, besides its state against a query code.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import IO, Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import local, midnight
from core.errors import Invalid
from core.identity.models import Unit
from core.ledger import record
from core.permissions import Permission
from crm.county.categories import LABELS, Category
from crm.installed import installed
from crm.queries.behind import Page, behind
from crm.search.export import searched
from crm.search.taking import MOST_ROWS
from crm.sheets.workbook import Sheet, write
from crm.tickets.acts.secrecy import Secrecy
from crm.tickets.identity import traces
from crm.tickets.masking import mask_address
from crm.tickets.models import Assignment, Reply, Ticket
from crm.tickets.states import By

ACTION = "publication.export"


@dataclass(frozen=True)
class Answered:
    """One answer as the public may read it; `trace` says why a person has to look at it first."""

    ticket: Ticket
    reply_id: UUID
    unit: str
    answer: str
    trace: str = ""


def publishable() -> ColumnElement[bool]:
    """Of an order joined with its passed answer: what may be published at all."""
    return and_(
        Ticket.publish_ok.is_(True),
        Reply.publish_ok.is_(True),
        Reply.state == "passed",
        Reply.role == By.LEAD,
        Ticket.sealed.is_(False),
        Ticket.confidential.is_(False),
        Ticket.secrecy == Secrecy.NONE,
        Ticket.closed_at.is_not(None),
    )


async def answers(
    session: AsyncSession, actor: Actor, first: date, last: date, page: Page, unit: UUID | None = None
) -> Sequence[Answered]:
    """Those of orders closed from `first` to `last`, both included, or of one unit alone, by the time of the closing.

    Raises Denied("no-phone-search").
    """
    until = midnight(last + timedelta(days=1))
    wanted = (
        select(Ticket, Reply.id, Unit.name, Reply.text)
        .join(Reply, Reply.ticket_id == Ticket.id)
        .join(Assignment, Assignment.id == Reply.assignment_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(publishable(), Ticket.closed_at >= midnight(first), Ticket.closed_at < until)
    )
    if unit is not None:
        wanted = wanted.where(Assignment.unit_id == unit)
    return [_answered(*row) for row in await behind(session, actor, wanted, Ticket.closed_at, Reply.id, page)]


def _answered(ticket: Ticket, reply_id: UUID, unit: str, answer: str) -> Answered:
    words = f"{ticket.title}\n{answer}"
    found = list(traces(words, name=ticket.caller_name, phone=ticket.caller_phone))
    if mask_address(words) != words:
        found.append("门牌号")
    return Answered(ticket, reply_id, unit, answer, "、".join(found))


HEADS = (("标题", 36), ("类别", 8), ("属地", 14), ("办结单位", 24), ("答复", 80), ("办结日期", 14))


async def workbook(
    session: AsyncSession,
    actor: Actor,
    first: date,
    last: date,
    *,
    search: str = "",
    category: Category | None = None,
    unit: UUID | None = None,
) -> IO[bytes]:
    """A22-2: the open sheet: no number of an order, nobody's name, nothing with a trace of a person. In the ledger.

    Raises Denied, Invalid("too-many-rows").
    """
    actor.require(Permission.ORDER_EXPORT)
    found = await answers(session, actor, first, last, Page(MOST_ROWS + 1, search, category), unit)
    if len(found) > MOST_ROWS:
        raise Invalid("too-many-rows", f"这段时间的答复超过 {MOST_ROWS} 件，请缩小范围后再导出。")
    rows = [one for one in found if not one.trace]
    asked = searched(search) | ({"category": LABELS[category]} if category else {})
    asked |= {"unit": found[0].unit} if unit and found else {}
    told: dict[str, Any] = {"count": len(rows), "left_out": len(found) - len(rows), "filter": asked}
    await record(session, actor, ACTION, "export", f"{first}—{last}", **told)
    return await asyncio.to_thread(write, Sheet("公开答复", "", HEADS, [_cells(one) for one in rows]))


def _cells(one: Answered) -> list[str]:
    ticket, areas = one.ticket, installed().county.units
    return [
        ticket.title,
        LABELS[Category(ticket.category)] if ticket.category else "",
        areas[ticket.area].name if ticket.area in areas else "",
        one.unit,
        one.answer,
        f"{local(ticket.closed_at):%Y-%m-%d}" if ticket.closed_at else "",
    ]
