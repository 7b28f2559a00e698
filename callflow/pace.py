"""How much comes: little is served one by one and at once, much is served many at a time, and for nothing at all one
need not look often."""

import math
import time

NOTHING = 0.001
"""A count that is as good as none: one event ten seconds ago."""


class Pace:
    """A count of what came, of which half is forgotten each second; `much`: from which count on it is much."""

    def __init__(self, much: float) -> None:
        self._much = much
        self._count, self._at = 0.0, time.monotonic()

    def came(self, count: int = 1) -> None:
        """So many more."""
        self._count, self._at = self._left() + count, time.monotonic()

    def rest(self, little_s: float, much_s: float) -> float:
        """Seconds to rest before what comes is served again."""
        return much_s if self._left() > self._much else little_s

    @property
    def still(self) -> bool:
        """Whether nothing has come for a while."""
        return self._left() < NOTHING

    def _left(self) -> float:
        return self._count * math.exp2(self._at - time.monotonic())
