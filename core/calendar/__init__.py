"""Working days 工作日 (D1): the State Council's yearly notices as a table, and counting by it."""

from core.calendar.days import DayKind, WorkCalendar
from core.calendar.due import CountedDay, Due, due, extended, retyped
from core.calendar.limits import Limit, LimitUnit, Reading
from core.calendar.policy import ClockPolicy
from core.calendar.recount import recounted
from core.calendar.seed import official

__all__ = [
    "ClockPolicy",
    "CountedDay",
    "DayKind",
    "Due",
    "Limit",
    "LimitUnit",
    "Reading",
    "WorkCalendar",
    "due",
    "extended",
    "official",
    "recounted",
    "retyped",
]
