"""Orders that belong to one order 关联工单: merged into it, split from it, or its repeats; as many as there are."""

from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.permissions import Permission as P
from crm.county.categories import LABELS, Category
from crm.queries.behind import Page
from crm.queries.story import Link, links
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from crm.tickets import access
from crm.tickets.masking import mask_numbers
from crm.tickets.states import State
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.pages.orders import SEE, labels
from web.render import exact
from web.route import Asks, Route

COLUMNS = (*map(Column, ("关系", "工单", "标题")), Column("受理时间", ("oldest", "newest")), Column("状态"))
HEADS = (("关系", 14), ("工单编号", 20), ("标题", 40), ("类别", 8), ("受理时间", 22), ("状态", 10))


class Filter(Asks):
    """An order; `search` as in the list of orders."""

    id: UUID
    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    sort: Literal["oldest", "newest"] = "oldest"


class Linked(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class Export(Filter):
    """The orders of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


async def index(ctx: Context, asked: Linked) -> web.Response:
    """A page of them."""
    ticket = await access.get(ctx.session, ctx.actor, asked.id)
    page = Page(paging.PAGE + 1, asked.search, None, asked.sort == "oldest", paging.parse(asked.after))
    rows = await links(ctx.session, ctx.actor, ticket, page)
    narrowed = asked.model_copy(update={"id": None})  # the order is in the path
    path = f"/orders/{ticket.id}/links"
    return await ctx.page(
        "links.html",
        place="orders",
        ticket=ticket,
        list=listing(path, COLUMNS, narrowed, rows, lambda one: paging.key_of(one.ticket.opened_at, one.ticket.id)),
        asked=asked,
        labels=labels(),
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """Those of the filter as a workbook."""
    async with ctx.parts.database.session() as session:
        ticket = await access.get(session, ctx.actor, asked.id)
        page = Page(MOST_ROWS + 1, asked.search, None, asked.sort == "oldest")
        rows = [_cells(one) for one in await links(session, ctx.actor, ticket, page)]
        told = {"order": ticket.number} | searched(asked.search)
        what = Taking(f"{ticket.number}的关联工单", "GL", "links.export", HEADS, rows, told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"关联工单{today():%Y%m%d}-{done.number}")


def _cells(one: Link) -> list[str]:
    ticket = one.ticket
    category = LABELS[Category(ticket.category)] if ticket.category else ""
    title, state = mask_numbers(ticket.title), State(ticket.state).label
    return [one.how, ticket.number, title, category, exact(ticket.opened_at), state]


ROUTES = (
    Route(
        "GET", "/orders/{id}/links", SEE, Linked, index, "关联工单", ("no-such-order", "bad-page", "no-phone-search")
    ),
    Route(
        "POST", "/orders/{id}/links/export", P.ORDER_EXPORT, Export, export, "导出关联工单",
        ("no-such-order", "no-phone-search", "no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
)  # fmt: skip
