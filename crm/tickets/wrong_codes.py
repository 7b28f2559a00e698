"""Wrong query codes by who asked: whoever guesses is silenced for that order, and nobody else is.

In memory of one process, so that a guess costs no row; a restart forgets, the count on the order does not.
"""

from collections import OrderedDict
from datetime import datetime, timedelta
from uuid import UUID

WINDOW = timedelta(hours=24)
KEPT = 100_000
"""Orders and askers remembered; beyond, the longest unheard of is forgotten."""


class WrongCodes:
    """How often each asker — a telephone number or a network; None: withheld — was wrong about each order."""

    def __init__(self, keep: int = KEPT) -> None:
        self._keep = keep
        self._wrong: OrderedDict[tuple[UUID, str | None], tuple[int, datetime]] = OrderedDict()

    def of(self, order: UUID, asker: str | None, at: datetime) -> int:
        """How often within the window, counted from the last time."""
        count, last = self._wrong.get((order, asker), (0, at))
        return count if at - last <= WINDOW else 0

    def note(self, order: UUID, asker: str | None, at: datetime) -> None:
        """Once more."""
        key = order, asker
        self._wrong[key] = self.of(order, asker, at) + 1, at
        self._wrong.move_to_end(key)
        while len(self._wrong) > self._keep:
            self._wrong.popitem(last=False)
