"""派单质量: how often the suggestion was right, how much came back, and on what dispatches to several units rest."""

from datetime import date
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.errors import Invalid
from core.permissions import Permission as P
from crm.queries import dispatch_sheet
from crm.queries.behind import Page
from crm.queries.dispatching import month, uncited
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS
from crm.tickets.citing import Cites
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.pages.orders import labels
from web.route import Asks, Route

COLUMNS = (*map(Column, ("工单", "标题")), Column("派发时间", ("newest", "oldest")), Column("状态"))


class Asked(Asks):
    """A month as `2026-11`; empty: the present one."""

    month: Annotated[str, Field(pattern=r"^(20\d\d-(0[1-9]|1[0-2]))?$")] = ""

    @property
    def first(self) -> date:
        """Its first day."""
        return date.fromisoformat(f"{self.month}-01") if self.month else today().replace(day=1)


class Filter(Asked):
    """And what narrows its dispatches without a citation; `search` as in the list of orders."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    sort: Literal["newest", "oldest"] = "newest"


class Chosen(Filter):
    """The filter, and where the page of those dispatches begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class Export(Filter):
    """The month that is taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


async def index(ctx: Context, asked: Chosen) -> web.Response:
    """One month."""
    if asked.first > today():
        raise Invalid("no-such-month", "这个月还没有到。", fields={"month": "请选择本月或以前的月份"})
    found = await month(ctx.session, asked.first)
    page = Page(paging.PAGE + 1, asked.search, None, asked.sort == "oldest", paging.parse(asked.after))
    rows = await uncited(ctx.session, ctx.actor, asked.first, page)
    asked = asked.model_copy(update={"month": f"{asked.first:%Y-%m}"})
    return await ctx.page(
        "dispatch_quality.html",
        place="dispatch-quality",
        found=found,
        month=asked.month,
        heads=dispatch_sheet.HEADS,
        total=dispatch_sheet.row_of(found.total),
        rows=[dispatch_sheet.row_of(one) for one in found.matters],
        cites=list(Cites),
        list=listing(
            "/dispatch-quality", COLUMNS, asked, rows, lambda row: paging.key_of(row[0].dispatched_at, row[0].id)
        ),
        asked=asked,
        labels=labels(),
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The month as a workbook."""
    async with ctx.parts.database.session() as session:
        done = await dispatch_sheet.export(session, ctx.actor, asked.first, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"派单质量{asked.first:%Y%m}-{done.number}")


async def export_uncited(ctx: Context, asked: Export) -> web.StreamResponse:
    """Its dispatches without a citation as a workbook."""
    page, title = Page(MOST_ROWS + 1, asked.search, None, asked.sort == "oldest"), ctx.parts.title
    async with ctx.parts.database.session() as session:
        done = await dispatch_sheet.export_uncited(session, ctx.actor, asked.first, page, asked.reason, title=title)
    return await send_sheet(ctx.request, done.content, f"未引用依据的派发{asked.first:%Y%m}-{done.number}")


SEE = (P.ORDER_REVIEW, P.ORDER_OVERSEE)
TAKING = ("no-reason", "too-many-rows", "nothing-to-export")
ROUTES = (
    Route(
        "GET", "/dispatch-quality", SEE, Chosen, index, "派单质量", ("no-such-month", "bad-page", "no-phone-search")
    ),
    Route("POST", "/dispatch-quality/export", SEE, Export, export, "导出派单质量", TAKING, stream=True),
    Route(
        "POST", "/dispatch-quality/uncited", SEE, Export, export_uncited, "导出未引用依据的派发",
        ("no-phone-search", *TAKING), stream=True,
    ),
)  # fmt: skip
