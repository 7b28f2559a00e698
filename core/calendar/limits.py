"""Limits 时限 and how they are read: units, whether the first day counts, at what time a day ends."""

from dataclasses import dataclass
from datetime import time
from enum import StrEnum

MAX_LIMIT = 1_000
MIDNIGHT = time(0)


class LimitUnit(StrEnum):
    """In what a limit is counted; the label is what the screens say."""

    WORKING_DAY = "working-day"
    DAY = "day"
    MONTH = "month"

    @property
    def label(self) -> str:
        """`个工作日`."""
        return {"working-day": "个工作日", "day": "日", "month": "个月"}[self.value]


@dataclass(frozen=True)
class Limit:
    """So many working days (第十三条), or natural days or months where another law says so (D15)."""

    count: int
    unit: LimitUnit = LimitUnit.WORKING_DAY

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MAX_LIMIT:
            raise ValueError(f"a limit has 1 to {MAX_LIMIT} working days, days or months, not {self.count}")

    def __str__(self) -> str:
        return f"{self.count}{self.unit.label}"


@dataclass(frozen=True)
class Reading:
    """How limits in working days are read: D2 and D3 of the register of readings (解释口径).

    `count_start_day`: a working day of dispatch is day 1 already (the strict reading). `ends_at`: the time on the
    last day from which it is too late; midnight is 24:00.
    """

    count_start_day: bool = False
    ends_at: time = MIDNIGHT
