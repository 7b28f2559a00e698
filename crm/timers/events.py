"""What other parts may learn of timers."""

from typing import ClassVar
from uuid import UUID

from core.events import Event


class TimersFired(Event):
    """One timer fired for `count` subjects; which, say the rows of `TimerFiring` with this batch."""

    name: ClassVar[str] = "crm.timers-fired"
    timer: str
    batch: UUID
    count: int
