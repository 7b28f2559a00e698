"""Lists of orders: what an actor may see, filtered, newest first, paged by key."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from core import phone
from core.actor import Actor
from core.errors import Invalid
from crm.county.categories import Category
from crm.tickets.access import visible_to
from crm.tickets.models import Assignment, Ticket
from crm.tickets.states import State

PAGE = 50
MAX_PAGE = 200
LONGEST_SEARCH = 100


@dataclass(frozen=True)
class Filter:
    """What is asked for; empty: everything. `search`: an order number (or its beginning), a phone, or words."""

    search: str = ""
    states: frozenset[State] = frozenset()
    category: Category | None = None
    unit_id: UUID | None = None
    call_id: UUID | None = None


@dataclass(frozen=True)
class Page:
    """One page and the key of the next; None at the end."""

    orders: tuple[Ticket, ...]
    next: str | None


async def find(
    session: AsyncSession, actor: Actor, wanted: Filter | None = None, *, after: str | None = None, limit: int = PAGE
) -> Page:
    """Orders that `actor` may see. Raises Invalid("bad-cursor") for a key that this program did not make."""
    limit = max(1, min(limit, MAX_PAGE))
    statement = _filtered(select(Ticket).where(visible_to(actor)), wanted or Filter())
    if after:
        statement = statement.where(tuple_(Ticket.opened_at, Ticket.id) < tuple_(*_cursor(after)))
    rows = (await session.scalars(statement.order_by(Ticket.opened_at.desc(), Ticket.id.desc()).limit(limit + 1))).all()
    shown = tuple(rows[:limit])
    more = len(rows) > limit
    return Page(shown, f"{shown[-1].opened_at.isoformat()}|{shown[-1].id}" if more else None)


def _filtered(statement: Select[Ticket], wanted: Filter) -> Select[Ticket]:
    if wanted.states:
        statement = statement.where(Ticket.state.in_(wanted.states))
    if wanted.category:
        statement = statement.where(Ticket.category == wanted.category)
    if wanted.unit_id:
        assigned = select(Assignment.ticket_id).where(Assignment.unit_id == wanted.unit_id)
        statement = statement.where(Ticket.id.in_(assigned))
    if wanted.call_id:
        statement = statement.where(Ticket.call_id == wanted.call_id)
    search = wanted.search.strip()[:LONGEST_SEARCH]
    if not search:
        return statement
    words = Ticket.title.contains(search, autoescape=True) | Ticket.content.contains(search, autoescape=True)
    by_number = Ticket.number.startswith(search.upper(), autoescape=True)
    either = [words, by_number]
    if (number := phone.from_caller_id(search)) is not None:
        either.append(Ticket.caller_phone.matches(number))
    return statement.where(or_(*either))


def _cursor(after: str) -> tuple[datetime, UUID]:
    try:
        at, id = after.split("|")
        found = datetime.fromisoformat(at), UUID(id)
        if found[0].tzinfo is None:
            raise ValueError("a key names an instant")
        return found
    except ValueError as error:
        raise Invalid("bad-cursor", "翻页参数不正确，请从第一页重新查看。") from error


async def history_of(session: AsyncSession, actor: Actor, number: str | None, *, limit: int = 10) -> list[Ticket]:
    """Earlier orders of the same telephone that the actor may see, newest first (F12.1-1)."""
    if number is None:
        return []
    rows = await session.scalars(
        select(Ticket)
        .where(visible_to(actor), Ticket.caller_phone.matches(number))
        .order_by(Ticket.opened_at.desc(), Ticket.id.desc())
        .limit(limit)
    )
    return list(rows)
