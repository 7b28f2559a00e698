"""Proposing a changed calendar: a year's notice as it is pasted, or days on which the county is closed (D1, D4)."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.calendar.document import FIRST_YEAR, LAST_YEAR, CalendarDocument, Closure, parse, read, write
from core.calendar.forecast import statutory
from core.calendar.notice import read_notice
from core.errors import Invalid, Unavailable
from core.permissions import Permission
from core.rules import service
from core.rules.kinds import Kind
from core.rules.models import RuleVersion
from crm.installed import installed
from crm.rulebook.preview import Preview, of_calendar


@dataclass(frozen=True)
class CalendarDraft:
    """A changed calendar that nobody has proposed yet. `passed_over`: sentences of the notice that decide nothing."""

    text: str
    document: CalendarDocument
    based_on: RuleVersion
    preview: Preview
    title: str
    year: int
    replaces: bool = False
    """The year's notice is known already."""
    passed_over: tuple[str, ...] = ()


async def newest(session: AsyncSession) -> tuple[RuleVersion, CalendarDocument]:
    """The calendar in force. Raises Unavailable before the first one is stored."""
    chain = await service.confirmed(session, Kind.CALENDAR)
    if not chain:
        raise Unavailable("rules-not-loaded", "工作日历正在载入，请稍后再试。")
    return chain[-1], read(chain[-1].text)


async def draft_notice(session: AsyncSession, actor: Actor, text: str) -> CalendarDraft:
    """A pasted notice. Raises Invalid("bad-notice") with the sentence that is not understood."""
    actor.require(Permission.CALENDAR_PROPOSE)
    base, known = await newest(session)
    notice = read_notice(text)
    made = CalendarDocument(years=known.years | {notice.year: notice.days}, closures=known.closures)
    replaces = notice.year in known.years
    return _draft(base, known, made, notice.days.notice, notice.year, replaces, notice.passed_over)


async def draft_closure(session: AsyncSession, actor: Actor, days: list[date], name: str, paper: str) -> CalendarDraft:
    """Days on which the county's offices are closed. Raises Invalid for days that are no working days."""
    actor.require(Permission.CALENDAR_PROPOSE)
    base, known = await newest(session)
    if any(not FIRST_YEAR <= day.year <= LAST_YEAR for day in days):
        raise Invalid("bad-closure", "停工日期不在可用范围内。", fields={"first": "年份不在可用范围内"})
    calendar = known.calendar()
    resting = [day for day in days if not calendar.kind(day).works]
    if not days or resting:
        said = f"{resting[0].isoformat()}本来就不上班。" if resting else "请填写停工日期。"
        raise Invalid("bad-closure", said, fields={"first": said})
    closures = tuple(Closure(day=day, name=name, document=paper) for day in days)
    made = CalendarDocument(years=known.years, closures=(*known.closures, *closures))
    return _draft(base, known, made, paper, days[0].year)


async def propose(
    session: AsyncSession, actor: Actor, text: str, *, based_on: UUID, document: str, note: str
) -> RuleVersion:
    """Lay it before a second person. Raises Invalid, or Conflict when something else was confirmed meanwhile."""
    read(text)
    return await service.propose(session, actor, Kind.CALENDAR, text, based_on=based_on, document=document, note=note)


def preview_of(row: RuleVersion, rows: list[RuleVersion]) -> Preview | None:
    """What a stored version changes; None for the first."""
    base = next((one for one in rows if one.id == row.based_on), None)
    return of_calendar(installed().policy, parse(base.text), parse(row.text)) if base else None


@dataclass(frozen=True)
class Holiday:
    """One line of a notice as it was understood: days off, and the weekend days worked for it."""

    name: str
    first: date
    last: date
    days: int
    worked: tuple[date, ...]


def arrangement(before: CalendarDocument, after: CalendarDocument) -> list[Holiday]:
    """What a notice says, holiday by holiday, for comparing it with the original; empty where no year changed."""
    changed = [year for number, year in after.years.items() if before.years.get(number) != year]
    found = []
    for year in changed:
        for name in dict.fromkeys(one.name for one in year.rest):
            days = [one.day for one in year.rest if one.name == name]
            worked = tuple(one.day for one in year.work if one.name == f"{name}调休")
            found.append(Holiday(name, days[0], days[-1], len(days), worked))
    return found


def documents(row: RuleVersion, rows: list[RuleVersion]) -> tuple[CalendarDocument, CalendarDocument]:
    """What a version was based on, and what it says; the first version is based on itself."""
    base = next((one for one in rows if one.id == row.based_on), row)
    return read(base.text), read(row.text)


def differences(before: CalendarDocument, after: CalendarDocument) -> list[tuple[date, str, str]]:
    """Days that are worked in only one of the two: day, what it was, what it is."""
    was, will = before.calendar(), after.calendar()
    found = []
    years = {day.year for day in (*was.exceptions, *will.exceptions)}
    for day in sorted({*was.exceptions, *will.exceptions, *(day for year in years for day in statutory(year))}):
        old, new = was.kind(day), will.kind(day)
        if old.works != new.works:
            found.append((day, _said(old.works, old.reason), _said(new.works, new.reason)))
    return found


def _said(works: bool, reason: str) -> str:
    return f"{'上班' if works else '休息'}（{reason}）"


def _draft(
    base: RuleVersion,
    known: CalendarDocument,
    made: CalendarDocument,
    title: str,
    year: int,
    replaces: bool = False,
    passed_over: tuple[str, ...] = (),
) -> CalendarDraft:
    if made == known:
        raise Invalid("nothing-changed", "与现有的工作日历没有差别。")
    preview = of_calendar(installed().policy, known.calendar(), made.calendar())
    return CalendarDraft(write(made), made, base, preview, title, year, replaces, passed_over)
