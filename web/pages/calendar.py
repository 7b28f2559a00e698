"""Working calendar 工作日历: the year as it is counted, next year's notice, the county's closures; two persons."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core import clock
from core.calendar import DayKind
from core.calendar.document import FIRST_YEAR, LAST_YEAR, CalendarDocument, Document, Name
from core.calendar.notice import LONGEST
from core.errors import Invalid
from core.permissions import Permission
from core.rules import service
from core.rules.kinds import Kind, Standing
from core.rules.service import LONGEST_TEXT
from crm.rulebook import calendar
from crm.rulebook.calendar import CalendarDraft
from web.context import Context
from web.pages.policy import standing
from web.route import Asks, Route

LONGEST_CLOSURE = 31


@dataclass(frozen=True)
class Cell:
    """One day in the year grid. `cls`: `rest`, `worked` (a weekend day that is worked), `closed` or empty."""

    day: date
    kind: DayKind
    cls: str


class CalendarPage(Asks):
    """Which year is shown."""

    year: int | None = Field(None, ge=FIRST_YEAR, le=LAST_YEAR)


class PastedNotice(Asks):
    """The notice as pasted."""

    notice: Annotated[str, Field(max_length=LONGEST)] = ""


class ClosureForm(Asks):
    """Days from `first` to `last` (or that one day) on which the county does not work."""

    first: date
    last: date | None = None
    name: Name
    document: Document


class Proposal(Asks):
    """What a second person shall confirm."""

    text: Annotated[str, Field(max_length=LONGEST_TEXT)]
    based_on: UUID
    document: Annotated[str, Field(max_length=120)] = ""
    note: Annotated[str, Field(max_length=500)] = ""


class OneVersion(Asks):
    """A version."""

    id: UUID


class Withdrawal(OneVersion):
    """A version, and why it is withdrawn."""

    reason: Annotated[str, Field(max_length=200)] = ""


async def index(ctx: Context, asked: CalendarPage) -> web.Response:
    """The year grid and the versions."""
    _, document = await calendar.newest(ctx.session)
    year = asked.year or clock.today().year
    rows = await service.versions(ctx.session, Kind.CALENDAR)
    present = document.calendar()
    return await ctx.page(
        "calendar.html",
        place="calendar",
        year=year,
        months=months(year, document),
        working=sum(present.kind(day).works for day in _days(year)),
        notice=document.years[year].notice if year in document.years else "",
        closures=[one for one in document.closures if one.day.year == year],
        last_year=max(document.years),
        versions=[(row, standing(row, rows)) for row in rows],
        waiting=[row for row in rows if row.state == Standing.PROPOSED],
        may_propose=ctx.actor.may(Permission.CALENDAR_PROPOSE),
    )


def _days(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]


def months(year: int, document: CalendarDocument) -> list[list[Cell | None]]:
    """Twelve months, each beginning on a Monday: None before its first day."""
    present, closed = document.calendar(), {one.day for one in document.closures}
    made: list[list[Cell | None]] = [[None] * date(year, month, 1).weekday() for month in range(1, 13)]
    for day in _days(year):
        kind = present.kind(day)
        weekend = day.weekday() >= 5
        cls = "closed" if day in closed else "worked" if kind.works and weekend else "" if kind.works else "rest"
        made[day.month - 1].append(Cell(day, kind, cls))
    return made


async def show_notice(ctx: Context, asked: PastedNotice) -> web.Response:
    """The days that were read from a pasted notice."""
    return await _preview(ctx, await calendar.draft_notice(ctx.session, ctx.actor, asked.notice))


async def show_closure(ctx: Context, asked: ClosureForm) -> web.Response:
    """What a closure would change."""
    span = ((asked.last or asked.first) - asked.first).days
    if not 0 <= span < LONGEST_CLOSURE:
        raise Invalid(
            "bad-closure", "停工的起止日期不合理。", fields={"last": f"不早于开始日期，最多{LONGEST_CLOSURE}天"}
        )
    days = [asked.first + timedelta(days=n) for n in range(span + 1)]
    return await _preview(ctx, await calendar.draft_closure(ctx.session, ctx.actor, days, asked.name, asked.document))


async def _preview(ctx: Context, draft: CalendarDraft) -> web.Response:
    _, known = await calendar.newest(ctx.session)
    return await ctx.page(
        "calendar_preview.html",
        place="calendar",
        draft=draft,
        preview=draft.preview,
        differences=calendar.differences(known, draft.document),
        arrangement=calendar.arrangement(known, draft.document),
    )


async def propose(ctx: Context, asked: Proposal) -> web.Response:
    """Lay a changed calendar before a second person."""
    row = await calendar.propose(
        ctx.session, ctx.actor, asked.text, based_on=asked.based_on, document=asked.document, note=asked.note
    )
    return ctx.redirect(f"/calendar/versions/{row.id}", "日历变更已提出，等待另一人确认。")


async def version(ctx: Context, asked: OneVersion) -> web.Response:
    """One version: who decided what, and what it changes."""
    row = await service.one(ctx.session, Kind.CALENDAR, asked.id)
    rows = await service.versions(ctx.session, Kind.CALENDAR)
    before, after = calendar.documents(row, rows)
    proposed = row.state == Standing.PROPOSED
    decides = ctx.actor.may(Permission.CALENDAR_CONFIRM) or ctx.actor.may(Permission.CALENDAR_PROPOSE)
    return await ctx.page(
        "calendar_version.html",
        place="calendar",
        row=row,
        standing=standing(row, rows),
        preview=calendar.preview_of(row, rows),
        differences=calendar.differences(before, after),
        arrangement=calendar.arrangement(before, after),
        may_confirm=proposed and ctx.actor.may(Permission.CALENDAR_CONFIRM) and ctx.actor.user_id != row.proposed_by,
        own=proposed and ctx.actor.user_id == row.proposed_by,
        may_withdraw=decides and proposed,
    )


async def confirm(ctx: Context, asked: OneVersion) -> web.Response:
    """The second person's yes; open orders follow."""
    row = await service.confirm(ctx.session, ctx.actor, Kind.CALENDAR, asked.id)
    return ctx.redirect(
        f"/calendar/versions/{row.id}", "日历变更已生效，在办工单的期限正在重新核算，只会延后、不会提前。"
    )


async def withdraw(ctx: Context, asked: Withdrawal) -> web.Response:
    """Take back a proposal."""
    row = await service.withdraw(ctx.session, ctx.actor, Kind.CALENDAR, asked.id, asked.reason)
    return ctx.redirect(f"/calendar/versions/{row.id}", "日历变更已撤回。")


P = Permission
NOTICE = ("rules-not-loaded", "nothing-changed", "bad-notice")
CLOSURE = ("rules-not-loaded", "nothing-changed", "bad-closure")
SETTLE = ("no-such-version", "settled-meanwhile")
PROPOSE = ("bad-calendar", "rules-changed-meanwhile", "nothing-changed", "no-document", "rules-too-long")
ROUTES = (
    Route("GET", "/calendar", P.POLICY_VIEW, CalendarPage, index, "工作日历", ("rules-not-loaded",)),
    Route("POST", "/calendar/notice", P.CALENDAR_PROPOSE, PastedNotice, show_notice, "核对节假日通知", NOTICE),
    Route("POST", "/calendar/closure", P.CALENDAR_PROPOSE, ClosureForm, show_closure, "核对停工日", CLOSURE),
    Route("POST", "/calendar/proposals", P.CALENDAR_PROPOSE, Proposal, propose, "提出日历变更", PROPOSE),
    Route("GET", "/calendar/versions/{id}", P.POLICY_VIEW, OneVersion, version, "日历的一个版本", ("no-such-version",)),
    Route(
        "POST", "/calendar/versions/{id}/confirm", P.CALENDAR_CONFIRM, OneVersion, confirm, "确认日历变更",
        (*SETTLE, "second-person", "rules-changed-meanwhile"),
    ),
    Route(
        "POST", "/calendar/versions/{id}/withdraw", (P.CALENDAR_PROPOSE, P.CALENDAR_CONFIRM), Withdrawal, withdraw,
        "撤回日历变更", (*SETTLE, "no-reason", "in-force-already"),
    ),
)  # fmt: skip
