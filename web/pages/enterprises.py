"""企业逾期月报: what enterprises answered late in a month, by their competent departments (第五条)."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from core import clock
from core.permissions import Permission as P
from crm.queries.enterprises import Month, month_of_enterprises
from crm.queries.enterprises_sheet import LEVELS, export_month
from crm.tickets.said import said
from web.context import Context
from web.files import send_sheet
from web.route import Asks, Route


class OfMonth(Asks):
    """A month, `2026-11`; empty: the present one."""

    month: Annotated[str, Field(pattern=r"^(20\d\d-(0[1-9]|1[0-2]))?$")] = ""

    @property
    def given(self) -> Month:
        """The month."""
        if not self.month:
            today = clock.today()
            return Month(today.year, today.month)
        year, month = self.month.split("-")
        return Month(int(year), int(month))


class Export(OfMonth):
    """A month that is taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


async def month(ctx: Context, asked: OfMonth) -> web.Response:
    """The month's overdue orders of enterprises, each named with its department."""
    rows = await month_of_enterprises(ctx.session, ctx.actor, asked.given)
    return await ctx.page(
        "enterprises.html",
        place="enterprises" if ctx.actor.may(P.ORDER_VIEW) else "watched",
        month=asked.given,
        value=f"{asked.given.year}-{asked.given.month:02}",
        rows=rows,
        due=sum(one.due for one in rows),
        late=sum(len(one.late) for one in rows),
        levels=LEVELS,
        said=said,
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The same as a workbook."""
    async with ctx.parts.database.session() as session:
        done = await export_month(session, ctx.actor, asked.given, asked.reason, title=ctx.parts.title)
    name = f"企业逾期月报{asked.given.year}{asked.given.month:02}-{done.number}"
    return await send_sheet(ctx.request, done.content, name)


SEE = (P.ORDER_OVERSEE, P.ORDER_VERIFY, P.ORDER_VIEW_UNIT)
ROUTES = (
    Route("GET", "/enterprises", SEE, OfMonth, month, "企业逾期月报"),
    Route(
        "POST",
        "/enterprises/export",
        P.ORDER_EXPORT,
        Export,
        export,
        "导出企业逾期月报",
        ("no-reason", "too-many-rows", "nothing-to-export"),
        stream=True,
    ),
)
