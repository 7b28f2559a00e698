"""From a dispatch instant and a limit in working days to the due instant, with every day accounted for."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from core.calendar.days import WorkCalendar
from core.clock import SHANGHAI, local

MAX_LIMIT_DAYS = 1_000


@dataclass(frozen=True)
class CountedDay:
    """One date on the way: its number when it was counted, else None and why it was skipped."""

    day: date
    number: int | None
    reason: str


@dataclass(frozen=True)
class Due:
    """`at` is the first instant that is too late: 24:00 of the last day (D3)."""

    at: datetime
    last_day: date
    provisional: bool
    days: tuple[CountedDay, ...]


def due(dispatched_at: datetime, limit: int, calendar: WorkCalendar) -> Due:
    """自派发之日起 `limit` 个工作日: the day of dispatch is not counted (D2, 民法典第二百零一条), the last
    counted day ends at 24:00 in Asia/Shanghai (D3). Raises ValueError for a limit below 1."""
    if not 1 <= limit <= MAX_LIMIT_DAYS:
        raise ValueError(f"a limit has 1 to {MAX_LIMIT_DAYS} working days, not {limit}")
    day = local(dispatched_at).date()
    days = [CountedDay(day, None, "派发当日不计")]
    counted, provisional = 0, False
    while counted < limit:
        day += timedelta(days=1)
        kind = calendar.kind(day)
        provisional |= kind.provisional
        counted += kind.works
        days.append(CountedDay(day, counted if kind.works else None, kind.reason))
    midnight = datetime.combine(day + timedelta(days=1), time.min, SHANGHAI)
    return Due(midnight, day, provisional, tuple(days))
