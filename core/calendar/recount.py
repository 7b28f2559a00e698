"""A due date after the calendar became better known: the same number of working days, never earlier (D4)."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from core.calendar.days import WorkCalendar
from core.calendar.due import DEFAULT, ONE_DAY, CountedDay, Due, due
from core.calendar.limits import Reading
from core.clock import local

STAYS = "日历更新后不提前，仍为原到期日（解释口径 D4）"


def recounted(
    dispatched_at: datetime, due_at: datetime, before: WorkCalendar, after: WorkCalendar, reading: Reading = DEFAULT
) -> Due:
    """`due_at` was reckoned by `before`, extensions included -> the due by `after`; the later of both stands.

    Its days are those of `after`; where the old date stands, a last line says so. Not for limits in natural days.
    """
    counted = _counted(dispatched_at, due_at, before, reading)
    fresh = due(dispatched_at, max(1, counted), after, reading)
    if fresh.at >= due_at:
        return fresh
    last_day = _last_day(due_at)
    return replace(fresh, at=due_at, last_day=last_day, days=(*fresh.days, CountedDay(last_day, None, STAYS)))


def _counted(dispatched_at: datetime, due_at: datetime, calendar: WorkCalendar, reading: Reading) -> int:
    """Working days from the dispatch through the last day, the first one as the reading has it."""
    day, last = local(dispatched_at).date(), _last_day(due_at)
    counted = int(reading.count_start_day and calendar.kind(day).works)
    while day < last:
        day += ONE_DAY
        counted += calendar.kind(day).works
    return counted


def _last_day(due_at: datetime) -> date:
    return local(due_at - timedelta(microseconds=1)).date()
