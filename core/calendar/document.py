"""The calendar as a text that people decide about: the State Council's yearly notices and the county's own closures.

`days.toml` is the example: a table per year with its notice, and `closures`, days on which the county's offices are
closed (a disaster), each with the document that says so (D1).
"""

import json
import tomllib
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.calendar.days import DayKind, WorkCalendar
from core.digest import short_digest
from core.errors import Invalid

Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$")]
Document = Annotated[str, Field(min_length=2, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
FIRST_YEAR, LAST_YEAR = 2000, 2100


class Part(BaseModel):
    """Base of the parts: nothing unknown, nothing changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NamedDay(Part):
    """A day that differs from Monday to Friday, and after what it is named."""

    day: date
    name: Name


class Year(Part):
    """What one notice says: days off, and weekend days that are worked (调休上班)."""

    notice: Document
    rest: tuple[NamedDay, ...] = ()
    work: tuple[NamedDay, ...] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> "Year":
        days = [one.day for one in (*self.rest, *self.work)]
        if len(days) != len(set(days)):
            raise ValueError("同一天出现两次")
        if weekdays := [one.day.isoformat() for one in self.work if one.day.weekday() < 5]:
            raise ValueError(f"调休上班日不在周末：{'、'.join(weekdays)}")
        return self


class Closure(NamedDay):
    """A day on which this county does not work, and the document that says so (D1)."""

    document: Document


class CalendarDocument(Part):
    """Years with a published notice, and the county's closures."""

    years: dict[Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)], Year]
    closures: tuple[Closure, ...] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> "CalendarDocument":
        days = [one.day for one in self.closures]
        if len(days) != len(set(days)):
            raise ValueError("同一天停工两次")
        for number, year in self.years.items():
            if far := [one.day for one in (*year.rest, *year.work) if abs(one.day.year - number) > 1]:
                raise ValueError(f"{number}年的安排中有其他年份的日期：{far[0]}")
        return self

    def calendar(self, version: str = "") -> WorkCalendar:
        """What counting needs of it."""
        exceptions: dict[date, DayKind] = {}
        for year in self.years.values():
            exceptions |= {one.day: DayKind(False, one.name, basis=year.notice) for one in year.rest}
            exceptions |= {one.day: DayKind(True, one.name, basis=year.notice) for one in year.work}
        for one in self.closures:
            provisional = one.day.year not in self.years
            exceptions[one.day] = DayKind(False, f"{one.name}（{one.document}）", provisional, one.document)
        return WorkCalendar(frozenset(self.years), exceptions, version)


def read(text: str) -> CalendarDocument:
    """A calendar's text -> what it says. Raises `Invalid("bad-calendar")`."""
    try:
        found: dict[str, Any] = tomllib.loads(text)
        closures = found.pop("closures", [])
        return CalendarDocument.model_validate({"years": found, "closures": closures})
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise Invalid("bad-calendar", f"工作日历无法使用：{error}") from error


def parse(text: str) -> WorkCalendar:
    """A calendar's text -> the calendar, which bears the text's digest as its version."""
    return read(text).calendar(short_digest(text))


def write(document: CalendarDocument) -> str:
    """The text of a calendar; `read(write(d)) == d`."""
    lines = ["# 工作日历：国务院办公厅每年的节假日安排，以及本县的停工日（解释口径 D1）。", ""]
    lines += [
        f"[[closures]]\nday = {one.day}\nname = {_text(one.name)}\ndocument = {_text(one.document)}\n"
        for one in sorted(document.closures, key=lambda one: one.day)
    ]
    for number, year in sorted(document.years.items()):
        lines += [f"[{number}]", f"notice = {_text(year.notice)}"]
        for key, days in (("rest", year.rest), ("work", year.work)):
            rows = [
                f"    {{ day = {one.day}, name = {_text(one.name)} }}," for one in sorted(days, key=lambda d: d.day)
            ]
            lines += [f"{key} = [", *rows, "]"]
        lines.append("")
    return "\n".join(lines)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
