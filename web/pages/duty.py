"""Duty 值班: the mobiles that are called when no desk answers, and the roster of who sits at the desks."""

from datetime import date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from callflow.agents.models import Agent
from callflow.numbers import edit, roster
from callflow.numbers.edit import MobileFields
from callflow.numbers.models import RosterShift
from callflow.numbers.rules import in_turn
from core import clock
from core.errors import NotFound
from core.identity.models import User
from core.permissions import Permission
from web.context import Context
from web.route import Asks, Route

SHOWN_DAYS = 7


class DutyPage(Asks):
    """Which mobile's form stands beside the list, and from which day the roster is shown."""

    mobile: UUID | None = None
    day: date | None = None


class MobileForm(Asks):
    """The form of a duty mobile."""

    name: Annotated[str, Field(min_length=2, max_length=40)]
    phone: str = Field("", max_length=32)
    position: int = Field(ge=1, le=99)
    from_time: time
    to_time: time
    weekdays: Annotated[list[int], Field(max_length=7)] = []
    active: bool = False

    @property
    def fields(self) -> MobileFields:
        """The form's values as the command takes them."""
        return MobileFields(
            self.name, self.position, self.from_time, self.to_time, tuple(self.weekdays), self.phone, self.active
        )


class EditedMobile(MobileForm):
    """A duty mobile as edited."""

    id: UUID
    version: int = Field(ge=0, le=2**31)


class NewShift(Asks):
    """A shift to be, in Shanghai wall times; an end that is not after the start is on the next day."""

    user_id: UUID
    shift_day: date
    start: time
    end: time


class OneShift(Asks):
    """A shift."""

    id: UUID


async def index(ctx: Context, asked: DutyPage) -> web.Response:
    """Duty mobiles, and a week of the roster."""
    mobiles = await edit.mobiles(ctx.session)
    mobile = next((one for one in mobiles if one.id == asked.mobile), None)
    if asked.mobile and mobile is None:
        raise NotFound("no-duty-mobile", "没有这部值班手机。")
    first = asked.day or clock.today()
    begins = datetime.combine(first, time(0), clock.SHANGHAI)
    shifts = await roster.shifts(ctx.session, begins, begins + timedelta(days=SHOWN_DAYS))
    people = (
        select(User.id, User.name).join(Agent, Agent.user_id == User.id).where(User.active).order_by(Agent.extension)
    )
    return await ctx.page(
        "duty.html",
        place="duty",
        mobiles=mobiles,
        mobile=mobile,
        calling={one.id for one in in_turn(mobiles, clock.now())},
        days=_by_day(shifts, first),
        first=first,
        before=first - timedelta(days=SHOWN_DAYS),
        after=first + timedelta(days=SHOWN_DAYS),
        people=[(row[0], row[1]) for row in await ctx.session.execute(people)],
    )


def _by_day(shifts: list[tuple[RosterShift, str]], first: date) -> list[tuple[date, list[tuple[RosterShift, str]]]]:
    """The shifts under the day on which each begins; those under way at the first midnight under the first day."""
    days: dict[date, list[tuple[RosterShift, str]]] = {first + timedelta(days=n): [] for n in range(SHOWN_DAYS)}
    for shift, name in shifts:
        days[max(first, clock.local(shift.starts_at).date())].append((shift, name))
    return list(days.items())


async def add_mobile(ctx: Context, asked: MobileForm) -> web.Response:
    """A further duty mobile."""
    await edit.add_mobile(ctx.session, ctx.actor, asked.fields)
    return ctx.redirect("/duty", f"已新增值班手机：{asked.name}。")


async def edit_mobile(ctx: Context, asked: EditedMobile) -> web.Response:
    """Change a duty mobile."""
    await edit.edit_mobile(ctx.session, ctx.actor, asked.id, asked.version, asked.fields)
    return ctx.redirect("/duty", f"值班手机已保存：{asked.name}，数秒内生效。")


async def add_shift(ctx: Context, asked: NewShift) -> web.Response:
    """Plan a shift."""
    starts = datetime.combine(asked.shift_day, asked.start, clock.SHANGHAI)
    ends = datetime.combine(asked.shift_day, asked.end, clock.SHANGHAI)
    if ends <= starts:
        ends += timedelta(days=1)
    await roster.add_shift(ctx.session, ctx.actor, asked.user_id, starts, ends)
    return ctx.redirect(f"/duty?day={asked.shift_day}", "班次已排入。")


async def remove_shift(ctx: Context, asked: OneShift) -> web.Response:
    """Take a shift out."""
    await roster.remove_shift(ctx.session, ctx.actor, asked.id)
    return ctx.redirect("/duty", "班次已删除。")


P = Permission.LINE_ADMIN
MOBILE = ("bad-phone", "no-weekday", "no-duty-mobile", "changed-meanwhile")
ROUTES = (
    Route("GET", "/duty", P, DutyPage, index, "值班安排", ("no-duty-mobile",)),
    Route("POST", "/duty/mobiles", P, MobileForm, add_mobile, "新增值班手机", MOBILE),
    Route("POST", "/duty/mobiles/{id}", P, EditedMobile, edit_mobile, "修改值班手机", MOBILE),
    Route("POST", "/duty/shifts", P, NewShift, add_shift, "排入班次", ("no-such-user", "bad-shift", "shift-overlaps")),
    Route("POST", "/duty/shifts/{id}/remove", P, OneShift, remove_shift, "删除班次", ("no-shift",)),
)
