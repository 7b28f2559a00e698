"""不予受理登记簿: the register of refusals, and the month's list by item of 第十条 (F10-2, A10-3).

A refusal belongs to the month in which it became final, a reopening to the month of the reopening: what happens later
changes no earlier month, and a list that is made again is the same list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import midnight
from core.db import paged
from core.identity.models import User
from crm.search.filter import OrderFilter
from crm.search.narrow import narrow
from crm.tickets.access import visible_to
from crm.tickets.acts.refusing import ITEMS
from crm.tickets.models import Refusal, Ticket

PAGE = 50
AT: ColumnElement[Any] = func.coalesce(Refusal.second_at, Refusal.proposed_at)
"""When it was decided: by the second person where there is one."""
FINAL = Refusal.state.in_(("final", "reopened"))


@dataclass(frozen=True)
class Wanted:
    """What is asked of the register; `month` is its first day, `search` is read as in the list of orders."""

    month: date | None = None
    item: int | None = None
    state: str | None = None
    search: str = ""
    oldest_first: bool = False


@dataclass(frozen=True)
class Entry:
    """One refusal with its order; `known` is False where the actor may not know of the order (a 举报)."""

    id: UUID
    at: datetime
    refusal: Refusal
    ticket: Ticket
    known: bool
    by: str
    second: str


@dataclass(frozen=True)
class ItemCount:
    """One item of 第十条 in a month."""

    item: int
    refused: int
    by_two: int
    untold: int
    reopened: int

    @property
    def text(self) -> str:
        """As 第十条 writes it."""
        return f"（{'一二三四五六七'[self.item - 1]}）{ITEMS[self.item]}"


def month_of(day: date) -> tuple[datetime, datetime]:
    """The month of a day in Shanghai: its first instant, and the first one after it."""
    first = day.replace(day=1)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return midnight(first), midnight(following)


def in_month(moment: ColumnElement[Any], month: date) -> ColumnElement[bool]:
    """Whether an instant lies in the month."""
    begins, ends = month_of(month)
    return and_(moment >= begins, moment < ends)


async def register(
    session: AsyncSession, actor: Actor, wanted: Wanted, after: tuple[datetime, UUID] | None = None, limit: int = PAGE
) -> list[Entry]:
    """A page of the register by the instant of decision, as far as the actor may know of the orders.

    Raises Denied("no-phone-search").
    """
    where = [visible_to(actor), *_conditions(wanted)]
    if wanted.search:
        where += (await narrow(actor, OrderFilter(search=wanted.search))).everything
    statement = select(Refusal, Ticket, AT).join(Ticket, Ticket.id == Refusal.ticket_id).where(*where).limit(limit)
    rows = await session.execute(paged(statement, AT, Refusal.id, after, oldest_first=wanted.oldest_first))
    return await _entries(session, [(refusal, ticket, at, True) for refusal, ticket, at in rows])


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.month:
        found.append(in_month(AT, wanted.month))
    if wanted.item:
        found.append(Refusal.item == wanted.item)
    if wanted.state:
        found.append(Refusal.state == wanted.state)
    return found


async def by_item(session: AsyncSession, month: date) -> list[ItemCount]:
    """The month's numbers for each of the seven items, for everybody the same."""
    final, reopened = and_(FINAL, in_month(AT, month)), in_month(Refusal.reopened_at, month)  # type: ignore[arg-type]
    rows = await session.execute(
        select(
            Refusal.item,
            func.count().filter(final),
            func.count().filter(final, Refusal.second_at.is_not(None)),
            func.count().filter(final, Refusal.told.is_(False)),
            func.count().filter(reopened),
        )
        .where(or_(final, reopened))
        .group_by(Refusal.item)
    )
    counts = {row[0]: ItemCount(*row) for row in rows}
    return [counts.get(item, ItemCount(item, 0, 0, 0, 0)) for item in ITEMS]


async def of_month(session: AsyncSession, actor: Actor, month: date) -> list[Entry]:
    """The month's refusals by item and instant: what its numbers are made of, every one of them."""
    may_know = visible_to(actor).label("known")
    statement = select(Refusal, Ticket, AT, may_know).join(Ticket, Ticket.id == Refusal.ticket_id)
    rows = await session.execute(statement.where(FINAL, in_month(AT, month)).order_by(Refusal.item, AT, Refusal.id))
    return await _entries(session, [(refusal, ticket, at, known) for refusal, ticket, at, known in rows])


async def _entries(session: AsyncSession, rows: Sequence[tuple[Refusal, Ticket, datetime, bool]]) -> list[Entry]:
    ids = {id for refusal, *_ in rows for id in (refusal.proposed_by, refusal.second_by) if id}
    people: dict[UUID | None, str] = {}
    if ids:
        named = await session.execute(select(User.id, User.name).where(User.id.in_(ids)))
        people |= {row.id: row.name for row in named}
    return [
        Entry(
            refusal.id,
            at,
            refusal,
            ticket,
            known,
            people.get(refusal.proposed_by, "系统"),
            people.get(refusal.second_by, ""),
        )
        for refusal, ticket, at, known in rows
    ]
