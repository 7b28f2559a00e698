"""受理核对: a day's calls and what each came to; what has no ending yet is listed with its way to one."""

from datetime import date, timedelta
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.permissions import Permission as P
from crm.drafts.service import open_for
from crm.queries import intake_sheet
from crm.queries.intake_day import Ending, calls_of, reconcile
from web.context import Context
from web.files import send_sheet
from web.route import Asks, Route


class OneDay(Asks):
    """A day; today unless another is asked for."""

    day: date | None = Field(None, ge=date(2020, 1, 1), le=date(2100, 1, 1))


class Export(Asks):
    """A day that is taken along, and why."""

    day: date = Field(ge=date(2020, 1, 1), le=date(2100, 1, 1))
    reason: str = Field("", max_length=200)


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
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The day's calls as a workbook, each with its ending."""
    async with ctx.parts.database.session() as session:
        taken = await intake_sheet.export(session, ctx.actor, asked.day, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, taken.content, f"受理核对{asked.day:%Y%m%d}-{taken.number}")


async def mend(ctx: Context, asked: OneCall) -> web.Response:
    """Make the order of a taken call that has none; it is made once however often it is asked for."""
    await open_for(ctx.session, [asked.id])
    return ctx.redirect(f"/calls/{asked.id}", "已补建工单，请核对并办理。")


ROUTES = (
    Route("GET", "/intake-days", P.CALL_VIEW, OneDay, index, "受理核对"),
    Route(
        "POST",
        "/intake-days/export",
        P.ORDER_EXPORT,
        Export,
        export,
        "导出受理核对",
        ("no-reason", "nothing-to-export"),
        stream=True,
    ),
    Route("POST", "/intake-days/calls/{id}/order", P.ORDER_EDIT, OneCall, mend, "补建工单"),
)
