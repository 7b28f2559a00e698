"""Working days 工作日 (D1): the State Council's yearly notices as a table, and counting by it."""

from core.calendar.days import DayKind, WorkCalendar, official
from core.calendar.due import CountedDay, Due, due

__all__ = ["CountedDay", "DayKind", "Due", "WorkCalendar", "due", "official"]
