"""受理核对: a day's calls and what each came to; what has no ending yet is listed with its way to one."""

from datetime import date, timedelta
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.permissions import Permission as P
from crm.drafts.service import open_for
from crm.queries.intake_day import Ending, calls_of, reconcile
from web.context import Context
from web.route import Asks, Route


class OneDay(Asks):
    """A day; today unless another is asked for."""

    day: date | None = Field(None, ge=date(2020, 1, 1), le=date(2100, 1, 1))


class OneCall(Asks):
    """A call that has no order."""

    id: UUID


async def index(ctx: Context, asked: OneDay) -> web.Response:
    """The day's table, and its unfinished calls."""
    day = asked.day or today()
    found = reconcile(await calls_of(ctx.session, ctx.actor, day))
    return await ctx.page(
        "intake_days.html",
        place="intake-days",
        day=day,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1) if day < today() else None,
        found=found,
        endings=tuple(Ending),
        me=ctx.actor.user_id,
        may_edit=ctx.actor.may(P.ORDER_EDIT),
    )


async def mend(ctx: Context, asked: OneCall) -> web.Response:
    """Make the order of a taken call that has none; it is made once however often it is asked for."""
    await open_for(ctx.session, [asked.id])
    return ctx.redirect(f"/calls/{asked.id}", "已补建工单，请核对并办理。")


ROUTES = (
    Route("GET", "/intake-days", P.CALL_VIEW, OneDay, index, "受理核对"),
    Route("POST", "/intake-days/calls/{id}/order", P.ORDER_EDIT, OneCall, mend, "补建工单"),
)
