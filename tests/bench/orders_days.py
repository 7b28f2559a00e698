"""When a county calls: three years by day, hour and season; and where an order of that age stands by now."""

import bisect
import itertools
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from core.clock import SHANGHAI
from crm.tickets.states import State

YEARS = 3
HOURS = (1, 1, 1, 1, 1, 2, 4, 8, 16, 20, 18, 12, 8, 9, 15, 17, 14, 11, 9, 8, 7, 5, 3, 2)
_BY_HOUR = list(itertools.accumulate(HOURS))
MONTHS = (0.8, 0.7, 1.0, 1.0, 1.1, 1.2, 1.3, 1.3, 1.1, 1.0, 1.0, 1.0)
FRESH = (
    (0.15, ((State.DRAFT, 30), (State.CONFIRMED, 30), (State.DISPATCHED, 40))),
    (1.0, ((State.DRAFT, 2), (State.CONFIRMED, 5), (State.DISPATCHED, 45), (State.HANDLING, 48))),
    (4.0, ((State.DISPATCHED, 4), (State.HANDLING, 60), (State.CHECKING, 6), (State.CLOSED, 20), (State.RATED, 10))),
    (14.0, ((State.HANDLING, 30), (State.CHECKING, 5), (State.CLOSED, 12), (State.FOLLOWING, 5), (State.RATED, 48))),
    (30.0, ((State.HANDLING, 3), (State.VERIFYING, 1), (State.RATED, 36), (State.ARCHIVED, 60))),
)
"""Age in days up to which these shares hold."""
OLD = ((State.ARCHIVED, 9_960), (State.RATED, 37), (State.HANDLING, 3))
ENDED = ((State.VOID, 300), (State.REFUSED, 150), (State.ANSWERED, 900), (State.MERGED, 100))
"""Of ten thousand: those that never went to a unit."""


def days(count: int, today: date) -> list[tuple[date, int]]:
    """How many orders each day of the three years brought; `count` in all."""
    first = today - timedelta(days=365 * YEARS - 1)
    span = [first + timedelta(days=n) for n in range(365 * YEARS)]
    weights = [MONTHS[day.month - 1] * (0.6 if day.weekday() > 4 else 1.1) for day in span]
    total, ends = sum(weights), list(itertools.accumulate(weights))
    marks = [round(count * end / total) for end in ends]
    return [(day, mark - before) for day, mark, before in zip(span, marks, [0, *marks], strict=False)]


def moments(day: date, count: int, dice: random.Random, until: datetime) -> list[datetime]:
    """So many moments of that day, in order, none after `until`."""
    found = []
    for _ in range(count):
        hour = bisect.bisect(_BY_HOUR, dice.random() * _BY_HOUR[-1])
        at = datetime(day.year, day.month, day.day, hour, dice.randrange(60), dice.randrange(60), tzinfo=SHANGHAI)
        found.append(min(at.astimezone(UTC), until - timedelta(seconds=dice.randrange(1, 3_600))))
    return sorted(found)


def state_of(age: timedelta, dice: random.Random) -> State:
    """Where an order of that age stands."""
    if age > timedelta(hours=2) and (luck := dice.randrange(10_000)) < sum(share for _, share in ENDED):
        return _pick(ENDED, luck)
    for limit, shares in FRESH:
        if age < timedelta(days=limit):
            return _pick(shares, dice.randrange(sum(share for _, share in shares)))
    return _pick(OLD, dice.randrange(sum(share for _, share in OLD)))


def _pick(shares: Sequence[tuple[State, int]], luck: int) -> State:
    for state, share in shares:
        if (luck := luck - share) < 0:
            return state
    raise AssertionError("the shares add up")
