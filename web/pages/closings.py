"""办结方式统计: the share of 无政策法规依据 by unit, the orders behind it, and the table as a workbook (A12.6-2)."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.errors import Invalid
from core.permissions import Permission as P
from crm.queries import closings as query
from web.context import Context
from web.files import send_sheet
from web.pages.orders import labels
from web.route import Asks, Route


class Period(Asks):
    """Days of the quality check, both included; this month where none is given. `unit`: whose orders are listed."""

    first: date | None = None
    last: date | None = None
    unit: UUID | None = None


class Span(Asks):
    """The period that is taken along."""

    first: date
    last: date


class Export(Span):
    """The period that is taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


def period(asked: Period | Span) -> tuple[date, date]:
    """The days. Raises Invalid when they stand the wrong way round."""
    last = asked.last or today()
    first = asked.first or last.replace(day=1)
    if first > last:
        raise Invalid("bad-period", "起始日不能晚于截止日。", fields={"first": "起始日不能晚于截止日。"})
    return first, last


async def index(ctx: Context, asked: Period) -> web.Response:
    """The table, and the orders behind one row of it."""
    first, last = period(asked)
    rows = await query.closings(ctx.session, first, last)
    listed: Any = ()
    if asked.unit:
        listed = await query.of_second_kind(ctx.session, ctx.actor, first, last, asked.unit)
    return await ctx.page(
        "closings.html",
        place="closings",
        first=first,
        last=last,
        rows=rows,
        total=query.total(rows),
        unit=next((one for one in rows if one.unit_id == asked.unit), None),
        listed=listed,
        labels=labels(),
        cited=query.NOTE,
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The table as a workbook."""
    first, last = period(asked)
    async with ctx.parts.database.session() as session:
        done = await query.export(session, ctx.actor, first, last, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"办结方式统计{first:%Y%m%d}-{last:%Y%m%d}-{done.number}")


SEE = (P.ORDER_OVERSEE, P.ORDER_VERIFY, P.ORDER_CHECK)
ROUTES = (
    Route("GET", "/closings", SEE, Period, index, "办结方式统计", ("bad-period",)),
    Route(
        "POST", "/closings/export", (P.ORDER_OVERSEE, P.ORDER_VERIFY), Export, export, "导出办结方式统计",
        ("bad-period", "no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
)  # fmt: skip
