"""In which windows of days the index of words is asked.

A word that stands in every third order would make the index hand out hundreds of thousands of rows for one page. So the
newest days are asked first, about `FIRST_LOOK` orders of them, then the days beyond, each window `WIDER` times as wide
as the one before, and at last all that are left. Nothing is asked beyond the filter's own days.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm.search import words
from crm.search.narrow import Narrowed
from crm.search.stretches import Key, Stretch

FIRST_LOOK = 1_000
"""So many orders are looked through first."""
WIDER = 4
"""Each window is so many times as wide as the one before: of the last one that is opened at most about three quarters
are more than the page needs."""
MOST_DAYS = 256
"""A window of more days is as good as all of them."""
STEP_DAYS, MOST_STEPS = 4 * words.BLOCK, 24
"""Where the end of the list is known, no window is wider than a step, and so many steps are taken before all that is
left: words that begin somewhere far from the list's beginning are then not read from there to its end."""
WHOLE_FROM = 4 * words.BLOCK
"""A window of so many days goes on to the end of a block: little more is read, and fewer facts are asked for."""
Edge = tuple[datetime, UUID]
_OPEN_END = {True: datetime.max.replace(tzinfo=UTC), False: datetime.min.replace(tzinfo=UTC)}
"""Where a list begins, the newest first or not, that is bounded by no day."""
_NOWHERE = UUID(int=0)
"""Smaller than every id: an edge with it is the instant alone."""


@dataclass(frozen=True)
class Window:
    """What the index is asked for: rows of a stretch with all `terms` and one of the facts `inside`, beyond `edge`."""

    stretch: int
    terms: str
    inside: str
    edge: Edge


async def windows_of(
    session: AsyncSession, at: Any, found: Narrowed, parts: Sequence[Stretch], alike: range, key: Key | None
) -> list[Window]:
    """All windows of these stretches, in the order in which they are opened; `at` is the column that orders them."""
    newest_first = parts[alike.start].newest_first
    begin, end = (found.until, found.since) if newest_first else (found.since, found.until)
    last = _day(end) if end else None
    looks: dict[Edge, tuple[int, int | None] | None] = {}
    windows: list[Window] = []
    for n in alike:
        edge = (key.at, key.id) if key and key.stretch == n else (begin or _OPEN_END[newest_first], _NOWHERE)
        if edge not in looks:
            looks[edge] = await _look(session, at, edge[0], newest_first)
        for days in _ladder(looks[edge], last, newest_first):
            inside = words.either(words.within(min(days), max(days))) if days else parts[n].terms
            windows.append(Window(n, parts[n].terms, inside, edge))
            if days:
                edge = (words.midnight(days[-1] + (not newest_first)), _NOWHERE)
    return windows


async def _look(session: AsyncSession, at: Any, edge: datetime, newest_first: bool) -> tuple[int, int | None] | None:
    """The days of the next row and of the one `FIRST_LOOK` rows behind it, if there are so many; None: of none."""
    looked = select(at).order_by(at.desc() if newest_first else at)
    looked = looked.where(at <= edge if newest_first else at >= edge)
    ends = select(looked.limit(1).scalar_subquery(), looked.offset(FIRST_LOOK).limit(1).scalar_subquery())
    row: Sequence[datetime | None] = (await session.execute(ends)).one()
    near, far = (_day(at) if at else None for at in row)
    return None if near is None else (near, far)


def _ladder(look: tuple[int, int | None] | None, last: int | None, newest_first: bool) -> Iterator[range | None]:
    """The days of each window, near ones first; None: all that are left, being too many to name."""
    if look is None:
        return
    days, steps = _days(*look, last, newest_first), 0
    while days:
        yield days
        if days[-1] == last:
            return
        steps += len(days) * WIDER > STEP_DAYS
        days = _next_days(days, last, newest_first) if last is None or steps <= MOST_STEPS else None
    if days is None:
        yield None


def _days(near: int, far: int | None, last: int | None, newest_first: bool) -> range | None:
    """The days from `near` to `far` (None: to the end), none beyond `last`; None: all, being too many to name."""
    if far is None:
        if last is None or abs(last - near) > MOST_DAYS:
            return None
        far = last
    elif last is not None:
        far = max(far, last) if newest_first else min(far, last)
    return range(near, far - 1, -1) if newest_first else range(near, far + 1)


def _next_days(days: range, last: int | None, newest_first: bool) -> range | None:
    """The days beyond these."""
    width, step = len(days) * WIDER, -1 if newest_first else 1
    if last is None and width > MOST_DAYS:
        return None
    if last is not None:
        width = min(width, STEP_DAYS)
    far = days[-1] + step * width
    if width >= WHOLE_FROM:
        far += -(far % words.BLOCK) if newest_first else words.BLOCK - 1 - far % words.BLOCK
    return _days(days[-1] + step, far, last, newest_first)


def _day(at: datetime) -> int:
    return words.number(at.astimezone(UTC).date())
