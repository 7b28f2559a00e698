"""Reads stretches from a key on: by the tables' own indexes, or by the index of words in windows of days.

One statement names all windows of all stretches that only words tell apart; PostgreSQL opens the next one while the
page is not full, so that a rare word costs no more questions than a frequent one.

Of a state in which few orders stand the index of words would hand out all years to find nothing more: its orders are
looked through one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, cast, func, literal, or_, select, text, true
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import among
from crm.search.models import TicketWords
from crm.search.narrow import Narrowed
from crm.search.stretches import Key, Part, Stretch, part_join
from crm.search.through import Index, beyond_of, order_of, through
from crm.search.windows import windows_of
from crm.tickets.models import Ticket
from crm.tickets.states import State

FEW = 10_000
"""Of so many orders the words are read sooner than the index says where they stand."""
Rows = list[tuple[Any, ...]]
INDEX = Index(TicketWords.opened_at, TicketWords.ticket_id, TicketWords.words, Ticket.id)


@dataclass(frozen=True)
class Walked:
    """Rows as they were read; `stretch` says of each in which stretch it lies, `more` whether others follow."""

    rows: Rows
    stretch: list[int]
    more: bool

    def key(self, n: int) -> Key:
        """Where one goes on after the row `n`."""
        return Key(self.stretch[n], self.rows[n][-2], self.rows[n][-1])


async def walk(
    session: AsyncSession,
    columns: Sequence[Any],
    found: Narrowed,
    parts: Sequence[Stretch],
    after: Key | None,
    limit: int,
) -> Walked:
    """Up to `limit` rows after the key.

    A row holds `columns`, then the due instant that counts in its stretch, the instant that orders it, the order's id.
    """
    rows: Rows = []
    stretch: list[int] = []
    at = after.stretch if after else 0
    while at < len(parts) and len(rows) <= limit:
        alike = _alike(parts, at)
        key = after if after and after.stretch == at else None
        read = await _read(session, columns, found, parts, alike, key, limit + 1 - len(rows))
        rows += [row[:-1] for row in read]
        stretch += [row[-1] for row in read]
        at = alike.stop
    return Walked(rows[:limit], stretch[:limit], len(rows) > limit)


def _alike(parts: Sequence[Stretch], at: int) -> range:
    """The stretch `at`, and those behind it that only their words tell apart from it: one statement reads them all."""
    end = at + 1
    while parts[at].only_words and end < len(parts) and parts[end].only_words:
        end += 1
    return range(at, end)


async def _read(
    session: AsyncSession,
    columns: Sequence[Any],
    found: Narrowed,
    parts: Sequence[Stretch],
    alike: range,
    key: Key | None,
    need: int,
) -> Rows:
    """Rows of these stretches behind the key, each with the number of its stretch at its end."""
    part = parts[alike.start]
    base = _select(columns, found, part)
    if part.terms and part.by is None and not (part.states and await _few(session, part.states)):
        windows = await windows_of(session, Ticket.opened_at, found, parts, alike, key)
        if not windows:
            return []
        page = through(base, INDEX, part.newest_first, windows, need)
    else:
        page = _page(base, parts, alike, key, need)
        if part.terms:  # a plan made without knowing the words would be made for none of them
            await session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    return [tuple(row) for row in await session.execute(page)]


def _select(columns: Sequence[Any], found: Narrowed, part: Stretch) -> Select[Any]:
    due = Ticket.due_at if part.part_of is None else Part.due_at
    base = select(*columns, due.label("due"), _by(part).label("by"), Ticket.id.label("key")).select_from(Ticket)
    if part.part_of is not None:
        base = base.join(Part, part_join(part))
    return base.where(*found.where, *part.where)


def _by(part: Stretch) -> Any:
    return part.by if part.by is not None else Ticket.opened_at


def _page(base: Select[Any], parts: Sequence[Stretch], alike: range, key: Key | None, need: int) -> Select[Any]:
    """Rows by the tables' own indexes; where words are asked for, those of every order are looked at."""
    part = parts[alike.start]
    by = _by(part)
    order: tuple[Any, ...] = order_of(part.newest_first, by, Ticket.id)
    beyond = beyond_of(part.newest_first, by, Ticket.id, key.at, key.id) if key else true()
    if part.terms:
        base = base.join(TicketWords, TicketWords.ticket_id == Ticket.id)
        base = base.where(or_(*(_has(parts[n].terms) for n in alike)))
    number: ColumnElement[int] = literal(alike.start)
    if len(alike) > 1:
        number = case(*((_has(parts[n].terms), n) for n in alike))
        order = (number, *order)
        beyond = or_(number > key.stretch, and_(number == key.stretch, beyond)) if key else beyond
    return base.where(beyond).add_columns(number.label("stretch")).order_by(*order).limit(need)


def _has(terms: str) -> ColumnElement[bool]:
    return TicketWords.words.op("@@")(cast(literal(terms), TSQUERY))


async def _few(session: AsyncSession, states: frozenset[State]) -> bool:
    """Whether at most `FEW` orders stand in these: counted in their index, no further."""
    some = select(Ticket.id).where(among(Ticket.state, sorted(states))).limit(FEW + 1)
    return (await session.scalar(select(func.count()).select_from(some.subquery())) or 0) <= FEW
