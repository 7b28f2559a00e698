"""公开答复: what may be published of the answers, and the open sheet of it (第二十二条)."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from core.identity.models import Unit
from core.permissions import Permission as P
from crm.county.categories import LABELS, Category
from crm.queries import publication as query
from crm.queries.behind import Page
from crm.search.filter import LONGEST_SEARCH
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.pages.closings import Period, period
from web.pages.orders import labels
from web.route import Route

COLUMNS = (*map(Column, ("编号", "标题", "类别", "办结单位", "答复")), Column("办结", ("newest", "oldest")))


class Filter(Period):
    """Days of the closing, a unit, a category, and `search` as in the list of orders."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    category: Category | None = None
    sort: Literal["newest", "oldest"] = "newest"


class Published(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


async def index(ctx: Context, asked: Published) -> web.Response:
    """What both sides agreed to, and what of it still names somebody."""
    first, last = period(asked)
    asked = asked.model_copy(update={"first": first, "last": last})
    after, oldest = paging.parse(asked.after), asked.sort == "oldest"
    page = Page(paging.PAGE + 1, asked.search, asked.category, oldest, after)
    rows = await query.answers(ctx.session, ctx.actor, first, last, page, asked.unit)
    units = await ctx.session.execute(select(Unit.id, Unit.name).where(Unit.active).order_by(Unit.name))
    return await ctx.page(
        "publication.html",
        place="publication",
        first=first,
        last=last,
        list=listing("/publication", COLUMNS, asked, rows, _key),
        asked=asked,
        units=[(str(row.id), row.name) for row in units],
        categories=[(one.value, label) for one, label in LABELS.items()],
        labels=labels(),
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


def _key(row: query.Answered) -> str:
    if row.ticket.closed_at is None:
        raise ValueError("only what was closed is published")
    return paging.key_of(row.ticket.closed_at, row.reply_id)


async def export(ctx: Context, asked: Filter) -> web.StreamResponse:
    """The sheet for the public."""
    first, last = period(asked)
    async with ctx.parts.database.session() as session:
        content = await query.workbook(
            session, ctx.actor, first, last, search=asked.search, category=asked.category, unit=asked.unit
        )
    return await send_sheet(ctx.request, content, f"公开答复{first:%Y%m%d}-{last:%Y%m%d}")


SEE = (P.ORDER_OVERSEE, P.ORDER_VERIFY)
ROUTES = (
    Route("GET", "/publication", SEE, Published, index, "公开答复", ("bad-period", "bad-page", "no-phone-search")),
    Route(
        "POST", "/publication/export", SEE, Filter, export, "导出公开答复",
        ("bad-period", "no-phone-search", "too-many-rows"), stream=True,
    ),
)  # fmt: skip
