"""主管事项: what enterprises handle, as their competent department watches it (第五条)."""

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.permissions import Permission as P
from crm.queries.enterprises import Watched, watched
from crm.queries.enterprises_sheet import LEVELS
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from crm.tickets.masking import mask_numbers
from crm.tickets.states import State
from web.context import Context
from web.files import send_sheet
from web.lists import Column, Listing, asked_of
from web.pages.orders import clock_of, labels
from web.render import exact
from web.route import Asks, Route

COLUMNS = (
    Column("时限"),
    Column("编号", ("newest", "oldest")),
    *map(Column, ("标题", "承办企业", "状态", "督办", "阅知")),
)
HEADS = (
    ("办理时限", 22),
    ("工单编号", 20),
    ("标题", 40),
    ("承办企业", 26),
    ("状态", 12),
    ("督办", 12),
    ("阅知时间", 22),
)


class Filter(Asks):
    """Those that still run, or all; `search` as in the list of orders."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    all: bool = False
    sort: Literal["newest", "oldest"] = "newest"


class Watching(Filter):
    """The filter, and where the page begins."""

    after: UUID | None = None


class Export(Filter):
    """What of it is taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


async def index(ctx: Context, asked: Watching) -> web.Response:
    """What the enterprises handle for which the own unit is the competent department."""
    rows, after = await watched(
        ctx.session,
        ctx.actor,
        running=not asked.all,
        search=asked.search,
        oldest_first=asked.sort == "oldest",
        after=asked.after,
    )
    return await ctx.page(
        "watched.html",
        place="watched",
        list=Listing(
            "/watched", COLUMNS, asked_of(asked), rows, asked.sort, str(after) if after else "", not asked.after
        ),
        asked=asked,
        clock=lambda due: clock_of(due, []),
        labels=labels(),
        levels=LEVELS,
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The list as a workbook."""
    ctx.actor.require(P.ORDER_EXPORT)
    told = ({"all": True} if asked.all else {}) | searched(asked.search)
    async with ctx.parts.database.session() as session:
        rows, _ = await watched(
            session,
            ctx.actor,
            running=not asked.all,
            search=asked.search,
            oldest_first=asked.sort == "oldest",
            limit=MOST_ROWS + 1,
        )
        what = Taking("主管事项", "ZG", "watched.export", HEADS, [_cells(row) for row in rows], told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"主管事项{today():%Y%m%d}-{done.number}")


def _cells(row: Watched) -> list[str]:
    due = row.part.due_at if row.part else None
    return [
        exact(due - timedelta(seconds=1), "") if due else "",
        row.ticket.number,
        mask_numbers(row.ticket.title),
        row.enterprise,
        State(row.ticket.state).label,
        LEVELS[row.ticket.supervision_level],
        exact(row.copy.read_at, "未阅知"),
    ]


ROUTES = (
    Route("GET", "/watched", P.ORDER_VIEW_UNIT, Watching, index, "主管事项", ("no-phone-search",)),
    Route(
        "POST", "/watched/export", P.ORDER_VIEW_UNIT, Export, export, "导出主管事项",
        ("no-phone-search", "no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
)  # fmt: skip
