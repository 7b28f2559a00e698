"""What flows know of the world: the line's data in memory, and the orders."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime

from callflow.limits import CallerLimits
from callflow.snapshot import Snapshot
from core.errors import Unavailable


@dataclass(frozen=True)
class SpokenState:
    """What may be said of an order over the telephone. `state` is a prompt's id without `state-`."""

    state: str
    due: date | None = None


StateOf = Callable[[str, str, str], Awaitable[SpokenState | None]]
"""Digits of the order number and query code, caller id -> what may be said; None where they do not belong together,
where this caller was wrong too often, and for every 举报. Raises Unavailable."""


@dataclass(frozen=True)
class QueryRules:
    """How an order is asked for: digits to type, and how many failures one call may have."""

    number_digits: int
    code_digits: int
    failures: int


KeepPlace = Callable[[str, str, str, datetime, int], Awaitable[None]]
"""Linkedid, E.164 number, queue, since when the caller waits, position -> the place is kept. Raises Unavailable."""


async def keeps_none(linkedid: str, phone: str, queue: str, since: datetime, position: int) -> None:
    """A line that can call nobody back."""
    raise Unavailable("place-not-kept", "暂时不能保留排队。")


@dataclass(frozen=True)
class World:
    """Given to every flow. `snapshot` never waits and never fails."""

    snapshot: Callable[[], Snapshot]
    limits: CallerLimits
    state_of: StateOf
    query: Callable[[], QueryRules]
    keep_place: KeepPlace = keeps_none
