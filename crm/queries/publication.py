"""Answers that may be published 公开 (第二十二条): both unit and citizen said yes, and nothing is secret.

This is the only way in which anything of an order leaves for the public, besides its state against a query code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import IO

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import SHANGHAI, local
from core.identity.models import Unit
from core.ledger import record
from core.permissions import Permission
from crm.county.categories import LABELS, Category
from crm.installed import installed
from crm.search.workbook import Sheet, write
from crm.tickets.acts.secrecy import Secrecy
from crm.tickets.identity import traces
from crm.tickets.masking import mask_address
from crm.tickets.models import Assignment, Reply, Ticket
from crm.tickets.states import By

ACTION = "publication.export"
MOST = 2_000


@dataclass(frozen=True)
class Answered:
    """One answer as the public may read it; `trace` says why a person has to look at it first."""

    ticket: Ticket
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


async def answers(session: AsyncSession, first: date, last: date) -> Sequence[Answered]:
    """Those closed from `first` to `last`, both included, the newest first."""
    since = datetime.combine(first, time(), SHANGHAI)
    until = datetime.combine(last + timedelta(days=1), time(), SHANGHAI)
    wanted = (
        select(Ticket, Reply.text, Unit.name)
        .join(Reply, Reply.ticket_id == Ticket.id)
        .join(Assignment, Assignment.id == Reply.assignment_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(publishable(), Ticket.closed_at >= since, Ticket.closed_at < until)
        .order_by(Ticket.closed_at.desc(), Ticket.id)
        .limit(MOST)
    )
    return [_answered(*row) for row in await session.execute(wanted)]


def _answered(ticket: Ticket, answer: str, unit: str) -> Answered:
    words = f"{ticket.title}\n{answer}"
    found = list(traces(words, name=ticket.caller_name, phone=ticket.caller_phone))
    if mask_address(words) != words:
        found.append("门牌号")
    return Answered(ticket, unit, answer, "、".join(found))


HEADS = (("标题", 36), ("类别", 8), ("属地", 14), ("办结单位", 24), ("答复", 80), ("办结日期", 14))


async def workbook(session: AsyncSession, actor: Actor, first: date, last: date) -> IO[bytes]:
    """A22-2: the open sheet: no number of an order, nobody's name, nothing with a trace of a person. In the ledger.

    Raises Denied.
    """
    actor.require(Permission.ORDER_EXPORT)
    rows = [one for one in await answers(session, first, last) if not one.trace]
    await record(session, actor, ACTION, "export", f"{first}—{last}", count=len(rows))
    return write(Sheet("公开答复", "", HEADS, [_cells(one) for one in rows]))


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
