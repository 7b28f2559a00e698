"""Who is on duty when, and when nobody is. Pure.

The line is staffed at every hour (第二条) and an emergency is told at once (第十四条), so that a unit's contacts have
to cover nights, weekends and holidays.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from core.calendar import WorkCalendar
from core.clock import SHANGHAI, local

DAY = timedelta(days=1)


class Days(StrEnum):
    """On which days."""

    ALL = "all"
    WORKING = "working"
    REST = "rest"

    @property
    def label(self) -> str:
        """As the screens say it."""
        return {"all": "每天", "working": "工作日", "rest": "休息日、节假日"}[self]


@dataclass(frozen=True)
class Watch:
    """On each of `days` from `first_day` to `last_day` (None: without end), from `start` to `end`; an `end` not after
    `start` is on the next day, so that 00:00 to 00:00 is the whole day."""

    days: Days
    start: time
    end: time
    first_day: date | None = None
    last_day: date | None = None

    def on(self, day: date, calendar: WorkCalendar) -> bool:
        """Whether it begins on `day`."""
        if (self.first_day and day < self.first_day) or (self.last_day and day > self.last_day):
            return False
        return self.days is Days.ALL or calendar.kind(day).works == (self.days is Days.WORKING)

    def of(self, day: date) -> tuple[datetime, datetime]:
        """From when to when (exclusive) it goes, where it begins on `day`."""
        begin = datetime.combine(day, self.start, SHANGHAI)
        return begin, datetime.combine(day if self.end > self.start else day + DAY, self.end, SHANGHAI)

    def covers(self, at: datetime, calendar: WorkCalendar) -> bool:
        """Whether somebody is on duty by it at `at`."""
        today = local(at).date()
        spans = (self.of(day) for day in (today - DAY, today) if self.on(day, calendar))
        return any(begin <= at < end for begin, end in spans)


@dataclass(frozen=True)
class Gap:
    """From `since` to `until` (exclusive) there are fewer than are needed."""

    since: datetime
    until: datetime


def gaps(
    watches: Sequence[Watch], first: datetime, last: datetime, calendar: WorkCalendar, needed: int = 1
) -> list[Gap]:
    """When between `first` and `last` fewer than `needed` of these are on duty, in order, neighbours as one."""
    steps = sorted(_steps(watches, first, last, calendar))
    found: list[Gap] = []
    here, since = 0, first
    for at, change in [*steps, (last, 0)]:
        if here < needed and at > since:
            if found and found[-1].until == since:
                found[-1] = Gap(found[-1].since, at)
            else:
                found.append(Gap(since, at))
        here, since = here + change, max(since, at)
    return found


def _steps(
    watches: Sequence[Watch], first: datetime, last: datetime, calendar: WorkCalendar
) -> Iterator[tuple[datetime, int]]:
    """Each coming and going within the time, as +1 and -1."""
    for watch in watches:
        day = local(first).date() - DAY
        while day <= local(last).date():
            if watch.on(day, calendar):
                begin, end = watch.of(day)
                if begin < last and end > first:
                    yield max(begin, first), 1
                    yield min(end, last), -1
            day += DAY


class Trouble(StrEnum):
    """What is not as it should be with a unit's contacts, the worst first."""

    NOBODY = "nobody"
    GAP = "gap"
    FAILED = "failed"
    UNCHECKED = "unchecked"
    ALONE = "alone"

    @property
    def label(self) -> str:
        """As the list says it."""
        return _LABELS[self]


_LABELS = {
    Trouble.NOBODY: "没有值班联系人",
    Trouble.GAP: "有值守空档",
    Trouble.FAILED: "试拨未确认",
    Trouble.UNCHECKED: "超期未核对",
    Trouble.ALONE: "没有后备联系人",
}
