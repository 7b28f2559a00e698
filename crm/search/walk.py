"""Reads stretches from a key on: by the tables' own indexes, or by the index of words in windows of days.

A word that stands in every third order would make the index hand out hundreds of thousands of rows for one page. So the
newest days are asked first, about `FIRST_LOOK` orders of them; how many were found there says how many days more the
page needs, and a word that is rare is soon asked of all days at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, cast, literal, or_, select, text
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession

from crm.search import words
from crm.search.models import TicketWords
from crm.search.narrow import Narrowed
from crm.search.stretches import Key, Part, Stretch, part_join
from crm.tickets.models import Ticket

FIRST_LOOK = 1_000
"""So many orders are looked through first."""
MOST_DAYS = 256
"""A window of more days is as good as all of them."""
SPARE = 2.0
"""A window is so many times as wide as the orders found so far ask for."""
WIDER = 16
"""A window in which nothing was found is followed by one so many times as wide."""
Rows = list[tuple[Any, ...]]


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
    if found.indexed:  # a plan made without knowing the words would be made for none of them
        await session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    rows: Rows = []
    stretch: list[int] = []
    for at in range(after.stretch if after else 0, len(parts)):
        key = after if after and after.stretch == at else None
        rows += await _stretch(session, columns, found, parts[at], key, limit + 1 - len(rows))
        stretch += [at] * (len(rows) - len(stretch))
        if len(rows) > limit:
            return Walked(rows[:limit], stretch[:limit], True)
    return Walked(rows, stretch, False)


async def _stretch(
    session: AsyncSession, columns: Sequence[Any], found: Narrowed, part: Stretch, key: Key | None, need: int
) -> Rows:
    base = _select(columns, found, part)
    if not part.terms or part.by is not None:
        if part.terms:
            base = base.join(TicketWords, TicketWords.ticket_id == Ticket.id)
            base = base.where(TicketWords.words.op("@@")(_query(part.terms)))
        return await _read(session, _page(base, part, _by(part), Ticket.id, key, need))
    return await _by_days(session, base, found, part, key, need)


def _select(columns: Sequence[Any], found: Narrowed, part: Stretch) -> Select[Any]:
    due = Ticket.due_at if part.part_of is None else Part.due_at
    base = select(*columns, due.label("due"), _by(part).label("by"), Ticket.id.label("key")).select_from(Ticket)
    if part.part_of is not None:
        base = base.join(Part, part_join(part))
    return base.where(*found.where, *part.where)


def _by(part: Stretch) -> Any:
    if part.by is not None:
        return part.by
    return TicketWords.opened_at if part.terms else Ticket.opened_at


async def _read(session: AsyncSession, page: Select[Any]) -> Rows:
    return [tuple(row) for row in await session.execute(page)]


def _page(base: Select[Any], part: Stretch, by: Any, id: Any, key: Key | None, need: int) -> Select[Any]:
    base = base.order_by(by.desc(), id.desc()) if part.newest_first else base.order_by(by, id)
    if key:
        base = base.where(_beyond(part, by, id, key))
    return base.limit(need)


def _beyond(part: Stretch, by: Any, id: Any, key: Key) -> ColumnElement[bool]:
    """After the key in the stretch's order; the first half lets an index begin there."""
    if part.newest_first:
        return and_(by <= key.at, or_(by < key.at, id < key.id))
    return and_(by >= key.at, or_(by > key.at, id > key.id))


async def _by_days(
    session: AsyncSession, base: Select[Any], found: Narrowed, part: Stretch, key: Key | None, need: int
) -> Rows:
    base = base.join(TicketWords, TicketWords.ticket_id == Ticket.id)
    rows: Rows = []
    window = await _first_window(session, found, part, key)
    while True:
        inside = words.either(words.within(min(window), max(window))) if window else ""
        asked = base.where(TicketWords.words.op("@@")(_query(f"{part.terms} & {inside}" if inside else part.terms)))
        if rows:
            key = Key(0, rows[-1][-2], rows[-1][-1])
        page = _page(asked, part, TicketWords.opened_at, TicketWords.ticket_id, key, need - len(rows))
        more = await _read(session, page)
        rows += more
        if window is None or len(rows) >= need:
            return rows
        window = _next_window(window, len(more), need - len(rows), part.newest_first)


async def _first_window(session: AsyncSession, found: Narrowed, part: Stretch, key: Key | None) -> range | None:
    """The days of the next `FIRST_LOOK` orders; None: all that remain."""
    edge = key.at if key else (found.until if part.newest_first else found.since)
    opened = Ticket.opened_at
    looked = select(opened).order_by(opened.desc() if part.newest_first else opened)
    if edge is not None:
        looked = looked.where(opened <= edge if part.newest_first else opened >= edge)
    ends = select(looked.limit(1).scalar_subquery(), looked.offset(FIRST_LOOK).limit(1).scalar_subquery())
    row: Sequence[datetime | None] = (await session.execute(ends)).one()
    next_one, deep = row
    if next_one is None or deep is None:
        return None
    near, far = _day(next_one), _day(deep)
    return range(near, far - 1, -1) if part.newest_first else range(near, far + 1)


def _next_window(window: range, got: int, need: int, newest_first: bool) -> range | None:
    """The days beyond `window`, as many as what was found there asks for; None: all of them."""
    width = len(window) * (ceil(need / got * SPARE) if got else WIDER)
    if width > MOST_DAYS:
        if len(window) * WIDER > MOST_DAYS:
            return None
        width = MOST_DAYS
    if newest_first:
        far = window[-1] - width
        return range(window[-1] - 1, far - far % words.BLOCK - 1, -1)
    far = window[-1] + width
    return range(window[-1] + 1, far + words.BLOCK - far % words.BLOCK)


def _day(at: datetime) -> int:
    return words.number(at.astimezone(UTC).date())


def _query(terms: str) -> ColumnElement[Any]:
    return cast(literal(terms), TSQUERY)
