"""The list of calls 通话记录: found, narrowed, sorted, paged by key, and taken along as a workbook."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from callflow import queries
from callflow.models import Call
from callflow.rules import Outcome
from core.actor import Actor
from core.clock import midnight, today
from core.permissions import Permission
from crm.search.calls import calls_named
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.render import duration, exact, masked
from web.route import Asks, Route

COLUMNS = (
    Column("来电时间", ("newest", "oldest")),
    *map(Column, ("号码", "拨打", "结果", "话务员")),
    *(Column(label, css="right") for label in ("等待", "通话")),
)
HEADS = (
    ("来电时间", 20),
    ("号码", 16),
    ("拨打", 12),
    ("原热线", 12),
    ("结果", 12),
    ("话务员", 12),
    ("等待", 10),
    ("通话", 10),
)


class Filter(Asks):
    """`search`: telephone, last four digits, order number, agent; days of Asia/Shanghai, both included."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    outcome: Outcome | None = None
    first: date | None = None
    last: date | None = None
    sort: Literal["newest", "oldest"] = "newest"


class CallList(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class CallExport(Filter):
    """The calls of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


async def index(ctx: Context, asked: CallList) -> web.Response:
    """A page of the calls."""
    rows = await _found(ctx.session, ctx.actor, asked, paging.parse(asked.after), paging.PAGE + 1)
    return await ctx.page(
        "calls.html",
        place="calls",
        list=listing("/calls", COLUMNS, asked, rows, lambda one: paging.key_of(one.arrived_at, one.id)),
        asked=asked,
        outcomes=[(one.value, one.label) for one in Outcome],
        may_export=ctx.actor.may(Permission.ORDER_EXPORT),
    )


async def _found(
    session: AsyncSession, actor: Actor, asked: Filter, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Call]:
    return await queries.calls(
        session,
        before=after,
        where=await calls_named(session, actor, asked.search),
        outcome=asked.outcome,
        since=midnight(asked.first) if asked.first else None,
        until=midnight(asked.last + timedelta(days=1)) if asked.last else None,
        oldest_first=asked.sort == "oldest",
        limit=limit,
    )


async def export(ctx: Context, asked: CallExport) -> web.StreamResponse:
    """The calls of the filter as a workbook, numbers masked as on the page."""
    ctx.actor.require(Permission.ORDER_EXPORT)
    told = asked.model_dump(mode="json", include={"first", "last"}, exclude_none=True) | searched(asked.search)
    told |= {"outcome": asked.outcome.label} if asked.outcome else {}
    async with ctx.parts.database.session() as session:
        found = await _found(session, ctx.actor, asked, None, MOST_ROWS + 1)
        what = Taking("通话记录", "TH", "calls.export", HEADS, [_cells(call) for call in found], told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"通话记录{today():%Y%m%d}-{done.number}")


def _cells(call: Call) -> list[str]:
    waited = (call.connected_at or call.ended_at, call.arrived_at)
    talked = (call.ended_at if call.connected_at else None, call.connected_at)
    return [
        exact(call.arrived_at),
        masked(call.caller),
        call.dialled or "",
        call.original_hotline or "",
        call.outcome_label,
        call.agent_name or "",
        *(duration((to - since).total_seconds(), "") if to and since else "" for to, since in (waited, talked)),
    ]


SEE = Permission.CALL_VIEW
ROUTES = (
    Route("GET", "/calls", SEE, CallList, index, "通话记录", ("bad-page", "no-phone-search")),
    Route(
        "POST", "/calls/export", SEE, CallExport, export, "导出通话记录",
        ("no-phone-search", "no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
)  # fmt: skip
