"""Which dates are working days, and whether that is known or only expected."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class DayKind:
    """Whether a date is worked, why, and whether its year's notice is out."""

    works: bool
    reason: str
    provisional: bool


@dataclass(frozen=True)
class WorkCalendar:
    """`years` have a published notice; `exceptions` are their days that differ from Monday to Friday."""

    years: frozenset[int]
    exceptions: Mapping[date, DayKind]

    def kind(self, day: date) -> DayKind:
        """What `day` is; beyond the published years Monday to Friday, marked provisional (D4)."""
        if day in self.exceptions:
            return self.exceptions[day]
        provisional = day.year not in self.years
        if day.weekday() >= 5:
            return DayKind(False, "周末", provisional)
        return DayKind(True, "工作日", provisional)


@cache
def official() -> WorkCalendar:
    """The calendar that comes with the program."""
    document = tomllib.loads(files("core.calendar").joinpath("days.toml").read_text(encoding="utf-8"))
    exceptions: dict[date, DayKind] = {}
    for year in document.values():
        exceptions |= {row["day"]: DayKind(False, row["name"], False) for row in year["rest"]}
        exceptions |= {row["day"]: DayKind(True, row["name"], False) for row in year["work"]}
    return WorkCalendar(frozenset(int(year) for year in document), exceptions)
