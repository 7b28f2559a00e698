"""The calendar that comes with the program."""

from functools import cache
from importlib.resources import files

from core.calendar.days import WorkCalendar
from core.calendar.document import parse


@cache
def seed() -> str:
    """Its text."""
    return files("core.calendar").joinpath("days.toml").read_text(encoding="utf-8")


@cache
def official() -> WorkCalendar:
    """The calendar itself."""
    return parse(seed())
