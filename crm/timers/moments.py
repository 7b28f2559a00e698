"""Up to which due a timer has fired at an instant. Pure, and monotone in it: what is ripe stays ripe.

A due is the exclusive end of its last day (D3), so each function looks at the day before that end.
"""

from datetime import date, datetime, time, timedelta

from core.calendar import WorkCalendar
from core.clock import local, midnight

DAY = timedelta(days=1)


def working_days_ago(now: datetime, days: int, calendar: WorkCalendar) -> datetime:
    """The latest due since which `days` working days have passed: Friday 24:00 and one day, on Monday at 24:00."""
    instant = local(now)
    day = local(now - timedelta(microseconds=1)).date()
    of_day = instant - midnight(day)
    last = _working_on_or_before(day, calendar)
    if last != day:
        of_day = DAY
    return midnight(_counted(last, -days, calendar)) + of_day


def from_morning(now: datetime, days: int, morning: time, calendar: WorkCalendar) -> datetime:
    """The latest due that is announced from `morning` of the working day `days` working days before its last day.

    With 0: from the morning of the last day itself.
    """
    instant = local(now)
    day = instant.date() if instant.time() >= morning else instant.date() - DAY
    if days:
        day = _counted(_working_on_or_before(day, calendar), days, calendar)
    return midnight(day + DAY)


def _counted(day: date, days: int, calendar: WorkCalendar) -> date:
    """The `days`-th working day after (or before) `day`."""
    step = DAY if days > 0 else -DAY
    for _ in range(abs(days)):
        day += step
        while not calendar.kind(day).works:
            day += step
    return day


def _working_on_or_before(day: date, calendar: WorkCalendar) -> date:
    while not calendar.kind(day).works:
        day -= DAY
    return day
