"""What flows know of the world: the line's data in memory, and the orders."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date

from callflow.limits import CallerLimits
from callflow.snapshot import Snapshot


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


@dataclass(frozen=True)
class World:
    """Given to every flow. `snapshot` never waits and never fails."""

    snapshot: Callable[[], Snapshot]
    limits: CallerLimits
    state_of: StateOf
    query: Callable[[], QueryRules]
