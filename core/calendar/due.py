"""From a dispatch instant and a limit to the due instant, with every day accounted for."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from core.calendar.days import DayKind, WorkCalendar
from core.calendar.limits import MIDNIGHT, Limit, LimitUnit, Reading
from core.clock import SHANGHAI, local

DEFAULT = Reading()
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class CountedDay:
    """One date on the way: its number when it was counted, else None and why it was skipped."""

    day: date
    number: int | None
    reason: str


@dataclass(frozen=True)
class Due:
    """`at` is the first instant that is too late: 24:00 of the last day unless the county decided else (D3)."""

    at: datetime
    last_day: date
    provisional: bool
    days: tuple[CountedDay, ...]


def due(dispatched_at: datetime, limit: int | Limit, calendar: WorkCalendar, reading: Reading = DEFAULT) -> Due:
    """自派发之日起 `limit`: the day of dispatch is not counted unless the reading says so (D2, 民法典第二百零一条).

    Limits in natural days and months come from other laws and follow 民法典第二百零一条至第二百零三条 whatever the
    reading: the first day is not counted, a month ends on the corresponding day or the month's last, and a last day
    that is a day off moves to the next working day. Raises ValueError for a limit below 1 and for a naive instant.
    """
    limit = limit if isinstance(limit, Limit) else Limit(limit)
    first = local(dispatched_at)
    if limit.unit is LimitUnit.WORKING_DAY:
        return _working(first, limit.count, calendar, reading, "派发当日不计")
    if limit.unit is LimitUnit.DAY:
        return _natural(first.date(), first.date() + timedelta(days=limit.count), calendar, reading)
    return _natural(first.date(), months_on(first.date(), limit.count), calendar, reading)


def extended(last_day: date, more: int, calendar: WorkCalendar, reading: Reading = DEFAULT) -> Due:
    """延期: the `more`-th working day after the original due date, whenever it was asked for (第十五条, D16)."""
    evening = datetime.combine(last_day, time.max, SHANGHAI)
    return _working(evening, Limit(more).count, calendar, replace(reading, count_start_day=False), "原到期日")


def retyped(
    dispatched_at: datetime,
    limit: int | Limit,
    at: datetime,
    calendar: WorkCalendar,
    reading: Reading = DEFAULT,
    least: int = 1,
) -> Due:
    """改类: the new limit from the same 派发之日, but `least` working days from `at` on remain (D13)."""
    counted = due(dispatched_at, limit, calendar, reading)
    nearest = replace(reading, count_start_day=False)
    floor = _working(local(at), least, calendar, nearest, f"改类当日：距新时限不足{least}个工作日，自次日起算")
    return floor if floor.at > counted.at else counted


def _working(first: datetime, limit: int, calendar: WorkCalendar, reading: Reading, why_not: str) -> Due:
    day, counted, days, provisional = first.date(), 0, list[CountedDay](), False
    kind = calendar.kind(day)
    if reading.count_start_day and kind.works and first < _end(day, reading):
        counted, provisional = 1, kind.provisional
        days.append(CountedDay(day, 1, f"{kind.reason}，当日计入"))
    else:
        days.append(CountedDay(day, None, why_not))
    while counted < limit:
        day += ONE_DAY
        kind = calendar.kind(day)
        provisional |= kind.provisional
        counted += kind.works
        days.append(CountedDay(day, counted if kind.works else None, kind.reason))
    return Due(_end(day, reading), day, provisional, tuple(days))


def _natural(first: date, last: date, calendar: WorkCalendar, reading: Reading) -> Due:
    days = [CountedDay(first, None, "派发当日不计（民法典第二百零一条）")]
    provisional = False
    for day, kind in _days_after(first, calendar):
        if day < last:
            days.append(CountedDay(day, (day - first).days, kind.reason))
            continue
        provisional |= kind.provisional
        if kind.works:
            days.append(CountedDay(day, (day - first).days if day == last else None, kind.reason))
            return Due(_end(day, reading), day, provisional, tuple(days))
        days.append(CountedDay(day, None, f"{kind.reason}，末日顺延（民法典第二百零三条）"))
    raise AssertionError("days never end")


def _days_after(first: date, calendar: WorkCalendar) -> Iterator[tuple[date, DayKind]]:
    day = first
    while True:
        day += ONE_DAY
        yield day, calendar.kind(day)


def months_on(day: date, months: int) -> date:
    """到期月的对应日；没有对应日的，月末日 (民法典第二百零二条)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _end(day: date, reading: Reading) -> datetime:
    """The first instant of `day` that is too late."""
    shift = ONE_DAY if reading.ends_at == MIDNIGHT else timedelta(0)
    return datetime.combine(day + shift, reading.ends_at, SHANGHAI)
