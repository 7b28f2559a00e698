"""Lists of orders for people: a page of lines by a key, with how many there are, up to a bound."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from crm.county.categories import Category
from crm.search import index as _index  # noqa: F401 - whoever reads the index also keeps it
from crm.search.filter import OrderFilter
from crm.search.narrow import narrow
from crm.search.stretches import key_of, stretches
from crm.search.walk import walk
from crm.tickets.models import Ticket
from crm.tickets.states import State

PAGE = 50
MAX_PAGE = 1_000
MOST_COUNTED = 200
_COLUMNS = (
    Ticket.number,
    Ticket.state,
    Ticket.category,
    Ticket.title,
    Ticket.area,
    Ticket.address,
    Ticket.sealed,
    Ticket.confidential,
    Ticket.opened_at,
    Ticket.closed_at,
    Ticket.lead_unit_id,
)
_NAMES = (*(column.key for column in _COLUMNS), "due_at", "by", "id")


@dataclass(frozen=True)
class Line:
    """One order in a list: nothing of its caller."""

    id: UUID
    number: str
    state: State
    category: Category | None
    title: str
    area: str | None
    address: str
    sealed: bool
    confidential: bool
    opened_at: datetime
    due_at: datetime | None
    """Where the list is a unit's own work by its due: the unit's, else the order's."""
    closed_at: datetime | None
    lead_unit_id: UUID | None
    by: datetime
    """The instant that orders it here."""


@dataclass(frozen=True)
class Page:
    """One page and the key of the next; empty at the end."""

    lines: tuple[Line, ...]
    next: str
    total: int
    """How many there are from this page on; one more than was asked to count stands for more."""


async def find(
    session: AsyncSession, actor: Actor, wanted: OrderFilter, *, after: str = "", limit: int = PAGE, most: int = 0
) -> Page:
    """A page of the orders that `actor` may see, counted up to `most`, in one reading.

    Raises Invalid("bad-page") for a key that this program did not make, Denied("no-phone-search").
    """
    found = await narrow(actor, wanted)
    parts = stretches(wanted, found)
    limit = max(1, min(limit, MAX_PAGE))
    read = await walk(session, _COLUMNS, found, parts, key_of(after, len(parts)), max(limit, most))
    more = read.more or len(read.rows) > limit
    lines = tuple(_line(*row) for row in read.rows[:limit])
    return Page(lines, str(read.key(limit - 1)) if more else "", len(read.rows) + read.more)


def _line(*row: Any) -> Line:
    values = dict(zip(_NAMES, row, strict=True))
    category = values["category"]
    return Line(**values | {"state": State(values["state"]), "category": Category(category) if category else None})
