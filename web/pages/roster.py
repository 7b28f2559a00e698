"""The roster 班表 (F02-1): the plan, what it lacks in the next 14 days, its publication, and earlier ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from callflow.numbers.edit import sub_centres
from callflow.roster import rules, service
from callflow.roster.models import MAIN_CENTRE
from callflow.roster.rules import Span
from callflow.roster.service import Shown
from core import clock
from core.errors import NotFound
from core.permissions import Permission as P
from web.context import Context
from web.route import Asks, Route

SHOWN_DAYS = 7
SHOWN_VERSIONS = 20
Centre = Annotated[str, Field(max_length=40)]


class RosterPage(Asks):
    """From which day on, of which centre, and which publication (none: the plan for who plans, else the newest)."""

    day: date | None = Field(None, ge=date(2020, 1, 1), le=date(2100, 1, 1))
    centre: Centre = MAIN_CENTRE
    version: int | None = Field(None, ge=1, le=2**31 - 1)
    below: int | None = Field(None, ge=1, le=2**31 - 1)
    """Where the page of publications begins."""


class NewShift(Asks):
    """A shift to be, in Shanghai wall times; an end that is not after the start is on the next day."""

    user_id: UUID
    shift_day: date = Field(ge=date(2020, 1, 1), le=date(2100, 1, 1))
    start: time
    end: time
    days: int = Field(1, ge=1, le=service.MOST_DAYS)
    centre: Centre = MAIN_CENTRE


class OneShift(Asks):
    """A shift, and the page that it is taken out from."""

    id: UUID
    day: date | None = None
    centre: Centre = MAIN_CENTRE


class Copy(Asks):
    """So many days from `first`, once more from `onto`."""

    first: date = Field(ge=date(2020, 1, 1), le=date(2100, 1, 1))
    onto: date = Field(ge=date(2020, 1, 1), le=date(2100, 1, 1))
    days: int = Field(7, ge=1, le=service.MOST_DAYS)
    centre: Centre = MAIN_CENTRE


class Publication(Asks):
    """The plan that the person saw."""

    seen: Annotated[str, Field(min_length=16, max_length=16)]
    note: str = Field("", max_length=200)
    centre: Centre = MAIN_CENTRE


@dataclass(frozen=True)
class Day:
    """One line of the table: the shifts that begin on it, and how many sit there in each hour at least."""

    on: date
    shifts: list[Shown]
    fewest: list[int]
    past: int
    """So many of its hours are over."""


async def index(ctx: Context, asked: RosterPage) -> web.Response:
    """A week of the plan or of a publication, with what is missing."""
    session, may_edit = ctx.session, ctx.actor.may(P.ROSTER_EDIT)
    newest = next(iter(await service.versions(session, asked.centre, 1)), None)
    wanted = asked.version or (0 if may_edit or not newest else newest.number)
    version = next(iter(await service.versions(session, asked.centre, 1, below=wanted + 1)), None) if wanted else None
    if wanted and (version is None or version.number != wanted):
        raise NotFound("no-roster", "没有这个版本的班表。")
    versions = await service.versions(session, asked.centre, SHOWN_VERSIONS + 1, below=asked.below)
    first = asked.day or clock.today()
    begins = clock.midnight(first)
    ends = begins + timedelta(days=SHOWN_DAYS)
    if version:
        shown = await service.published(session, version.id, begins, ends)
    else:
        shown = await service.shifts(session, begins, ends, asked.centre) if may_edit else []
    planning = may_edit and version is None
    return await ctx.page(
        "roster.html",
        place="roster",
        days=_by_day(shown, first),
        first=first,
        before=first - timedelta(days=SHOWN_DAYS),
        after=first + timedelta(days=SHOWN_DAYS),
        centre=asked.centre,
        centres=await sub_centres(session),
        newest=newest.number if newest else 0,
        versions=versions[:SHOWN_VERSIONS],
        below=asked.below,
        older=versions[SHOWN_VERSIONS - 1].number if len(versions) > SHOWN_VERSIONS else None,
        version=version,
        planning=planning,
        may_edit=may_edit,
        me=ctx.actor.user_id,
        coverage=await service.coverage(session, asked.centre) if planning else None,
        difference=await service.difference(session, asked.centre) if planning else None,
        seen=await service.seen(session, asked.centre) if planning else "",
        told=rules.told_span,
        people=await service.people(session, asked.centre) if planning else [],
    )


def _by_day(shifts: Sequence[Shown], first: date) -> list[Day]:
    """The shifts under the day on which each begins; those under way at the first midnight under the first day."""
    days: dict[date, list[Shown]] = {first + timedelta(days=n): [] for n in range(SHOWN_DAYS)}
    for shift in shifts:
        days[max(first, clock.local(shift.starts_at).date())].append(shift)
    spans = [Span(one.starts_at, one.ends_at) for one in shifts]
    here = clock.local(clock.now())
    past = {here.date(): here.hour}
    return [
        Day(on, listed, rules.fewest(spans, on), 24 if on < here.date() else past.get(on, 0))
        for on, listed in days.items()
    ]


def _at(day: date, centre: str) -> str:
    return f"/roster?day={day}" + (f"&centre={centre}" if centre else "")


async def add(ctx: Context, asked: NewShift) -> web.Response:
    """Plan a shift, or the same on several days."""
    starts = datetime.combine(asked.shift_day, asked.start, clock.SHANGHAI)
    ends = datetime.combine(asked.shift_day, asked.end, clock.SHANGHAI)
    if ends <= starts:
        ends += timedelta(days=1)
    made = await service.add_shift(
        ctx.session, ctx.actor, asked.user_id, starts, ends, days=asked.days, centre=asked.centre
    )
    return ctx.redirect(_at(asked.shift_day, asked.centre), f"已排入 {len(made)} 个班次，公布后生效。")


async def remove(ctx: Context, asked: OneShift) -> web.Response:
    """Take a shift out of the plan."""
    await service.remove_shift(ctx.session, ctx.actor, asked.id)
    return ctx.redirect(_at(asked.day or clock.today(), asked.centre), "班次已从排班中删除，公布后生效。")


async def copy(ctx: Context, asked: Copy) -> web.Response:
    """The same shifts again, some days later."""
    made, left = await service.copy_days(ctx.session, ctx.actor, asked.first, asked.onto, asked.days, asked.centre)
    note = f"已复制 {made} 个班次。" + (f"{left} 个因本人已有班次或不再任坐席而未复制。" if left else "")
    return ctx.redirect(_at(asked.onto, asked.centre), note)


async def publish(ctx: Context, asked: Publication) -> web.Response:
    """Publish the plan as it was seen (A02-1)."""
    version = await service.publish(ctx.session, ctx.actor, asked.seen, asked.note, asked.centre)
    return ctx.redirect(_at(clock.today(), asked.centre), f"班表第 {version.number} 版已公布。")


SEE = (P.LINE_AGENT, P.ROSTER_EDIT)
E = P.ROSTER_EDIT
SHIFT = ("no-such-user", "bad-shift", "shift-overlaps", "no-queue")
ROUTES = (
    Route("GET", "/roster", SEE, RosterPage, index, "班表", ("no-roster",)),
    Route("POST", "/roster/shifts", E, NewShift, add, "排入班次", SHIFT),
    Route("POST", "/roster/shifts/{id}/remove", E, OneShift, remove, "删除班次", ("no-shift",)),
    Route("POST", "/roster/copy", E, Copy, copy, "复制班次", ("bad-shift", "no-queue")),
    Route(
        "POST", "/roster/publish", E, Publication, publish, "公布班表",
        ("roster-gaps", "roster-published", "changed-meanwhile", "no-queue"),
    ),
)  # fmt: skip
