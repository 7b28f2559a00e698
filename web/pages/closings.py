"""办结方式统计: the share of 无政策法规依据 by unit, the orders behind it, and the table as a workbook (A12.6-2)."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.errors import Invalid
from core.permissions import Permission as P
from crm.queries import closings as query
from crm.queries.behind import Page
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS
from crm.tickets.models import QualityCheck, Reply, Ticket
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.pages.orders import labels
from web.route import Asks, Route

COLUMNS = (*map(Column, ("编号", "标题", "类别", "依据")), Column("审核通过", ("newest", "oldest")), Column("状态"))


class Period(Asks):
    """Days of the quality check, both included; this month where none is given. `unit`: whose orders are listed."""

    first: date | None = None
    last: date | None = None
    unit: UUID | None = None


class Filter(Period):
    """And what narrows those orders; `search` as in the list of orders."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    sort: Literal["newest", "oldest"] = "newest"


class Closed(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class Export(Filter):
    """What is taken along, and why: the table, or with a unit the orders behind its line."""

    reason: Annotated[str, Field(max_length=200)] = ""


def period(asked: Period) -> tuple[date, date]:
    """The days. Raises Invalid when they stand the wrong way round."""
    last = asked.last or today()
    first = asked.first or last.replace(day=1)
    if first > last:
        raise Invalid("bad-period", "起始日不能晚于截止日。", fields={"first": "起始日不能晚于截止日。"})
    return first, last


async def index(ctx: Context, asked: Closed) -> web.Response:
    """The table, and the orders behind one row of it."""
    first, last = period(asked)
    rows = await query.closings(ctx.session, first, last)
    asked = asked.model_copy(update={"first": first, "last": last})
    listed: Sequence[tuple[QualityCheck, Ticket, Reply]] = ()
    if asked.unit:
        page = Page(paging.PAGE + 1, asked.search, None, asked.sort == "oldest", paging.parse(asked.after))
        listed = await query.of_second_kind(ctx.session, ctx.actor, first, last, asked.unit, page)
    return await ctx.page(
        "closings.html",
        place="closings",
        first=first,
        last=last,
        rows=rows,
        total=query.total(rows),
        unit=next((one for one in rows if one.unit_id == asked.unit), None),
        list=listing("/closings", COLUMNS, asked, listed, lambda row: paging.key_of(row[0].checked_at, row[0].id)),
        asked=asked,
        labels=labels(),
        cited=query.NOTE,
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The table as a workbook, or the orders behind one of its lines."""
    first, last = period(asked)
    title, name = ctx.parts.title, "无政策法规依据的工单" if asked.unit else "办结方式统计"
    async with ctx.parts.database.session() as session:
        if asked.unit:
            page = Page(MOST_ROWS + 1, asked.search, None, asked.sort == "oldest")
            done = await query.export_orders(
                session, ctx.actor, first, last, asked.unit, page, asked.reason, title=title
            )
        else:
            done = await query.export(session, ctx.actor, first, last, asked.reason, title=title)
    return await send_sheet(ctx.request, done.content, f"{name}{first:%Y%m%d}-{last:%Y%m%d}-{done.number}")


SEE = (P.ORDER_OVERSEE, P.ORDER_VERIFY, P.ORDER_CHECK)
ROUTES = (
    Route("GET", "/closings", SEE, Closed, index, "办结方式统计", ("bad-period", "bad-page", "no-phone-search")),
    Route(
        "POST", "/closings/export", (P.ORDER_OVERSEE, P.ORDER_VERIFY), Export, export, "导出办结方式统计",
        ("bad-period", "no-phone-search", "no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
)  # fmt: skip
