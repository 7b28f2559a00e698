"""Which dates are working days, and whether that is known or only expected."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from core.calendar.forecast import statutory


@dataclass(frozen=True)
class DayKind:
    """Whether a date is worked, why, and whether its year's notice is out. `basis` is the document behind it."""

    works: bool
    reason: str
    provisional: bool = False
    basis: str = ""


@dataclass(frozen=True)
class WorkCalendar:
    """`years` have a published notice; `exceptions` are the days that differ from Monday to Friday, of the notices
    and of the county's own closures (D1). `version` names the text it was read from."""

    years: frozenset[int]
    exceptions: Mapping[date, DayKind]
    version: str = ""

    def kind(self, day: date) -> DayKind:
        """What `day` is; beyond the published years Monday to Friday without the statutory days off, marked
        provisional (D4)."""
        if day in self.exceptions:
            return self.exceptions[day]
        provisional = day.year not in self.years
        if provisional and day in (names := statutory(day.year)):
            return DayKind(False, names[day], True)
        if day.weekday() >= 5:
            return DayKind(False, "周末", provisional)
        return DayKind(True, "工作日", provisional)
