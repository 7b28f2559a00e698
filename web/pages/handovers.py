"""The handover log 交接班日志: open matters, the shift that is handed over, and those before."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import today
from core.permissions import Permission as P
from crm.handover import service
from crm.handover.models import Handover
from crm.search.export import searched
from crm.search.taking import MOST_ROWS, Taking, take
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.pages import matters as matters_page
from web.pages.matters import Filter, Log, LogExport
from web.render import exact
from web.route import Asks, Route

Words = Annotated[str, Field(min_length=2, max_length=500)]


COLUMNS = (Column("交班时间", ("newest", "oldest")), Column("交接情况"))
HEADS = (
    ("交班时间", 22),
    ("班次", 8),
    ("交班人", 12),
    ("本班情况", 70),
    ("接班人", 12),
    ("接班时间", 22),
    ("接班意见", 40),
    *((label, 8) for label in service.FIGURES.values()),
    ("未了事项", 8),
)


class NewMatter(Asks):
    """A matter, who sees to it, and the order that it is about."""

    text: Words
    owner_id: UUID
    order: str = Field("", max_length=20)


class Settled(Asks):
    """How a matter was settled."""

    id: UUID
    result: Words


class Leaving(Asks):
    """What the shift tells the next."""

    shift: Annotated[str, Field(min_length=2, max_length=20)]
    summary: Annotated[str, Field(min_length=2, max_length=2000)]


class Received(Asks):
    """A handover, and what is said to it."""

    id: UUID
    remark: str = Field("", max_length=500)


async def index(ctx: Context, asked: Log) -> web.Response:
    """Open matters, and a page of the log."""
    session = ctx.session
    rows = await _found(session, asked, paging.parse(asked.after), paging.PAGE + 1)
    matters = await service.open_matters(session)
    since = await service.since_last(session)
    may_act = ctx.actor.may(P.LINE_LEAD)
    return await ctx.page(
        "handovers.html",
        place="handovers",
        matters=matters,
        carried=await service.carried(session, matters),
        numbers=await matters_page.numbers(session, ctx.actor, matters),
        emergencies=await service.unassigned(session) if may_act else [],
        since=since,
        figures=await service.figures(session, since),
        labels=service.FIGURES,
        list=listing("/handovers", COLUMNS, asked, rows, lambda one: paging.key_of(one.handed_at, one.id)),
        asked=asked,
        owners=await service.owners(session) if may_act else [],
        may_act=may_act,
        may_export=ctx.actor.may(P.ORDER_EXPORT),
        me=ctx.actor.user_id,
    )


async def _found(
    session: AsyncSession, asked: Filter, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Handover]:
    return await service.handovers(session, asked.wanted, after, limit)


async def export(ctx: Context, asked: LogExport) -> web.StreamResponse:
    """The handovers of the filter as a workbook."""
    ctx.actor.require(P.ORDER_EXPORT)
    told = asked.model_dump(mode="json", include={"first", "last"}, exclude_none=True) | searched(asked.search)
    async with ctx.parts.database.session() as session:
        rows = [_cells(one) for one in await _found(session, asked, None, MOST_ROWS + 1)]
        what = Taking("交接班日志", "JJ", "handovers.export", HEADS, rows, told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"交接班日志{today():%Y%m%d}-{done.number}")


def _cells(one: Handover) -> list[str]:
    return [
        exact(one.handed_at),
        one.shift,
        one.handed_by_name,
        one.summary,
        one.received_by_name or "",
        exact(one.received_at, "待接班"),
        one.remark,
        *(str(one.figures.get(name, 0)) for name in service.FIGURES),
        str(len(one.matters)),
    ]


async def add(ctx: Context, asked: NewMatter) -> web.Response:
    """A further matter."""
    await service.add_matter(ctx.session, ctx.actor, asked.text, asked.owner_id, asked.order)
    return ctx.redirect("/handovers", "已列为未了事项，办结前每班都会交接。")


async def close(ctx: Context, asked: Settled) -> web.Response:
    """A matter is settled."""
    await service.close_matter(ctx.session, ctx.actor, asked.id, asked.result)
    return ctx.redirect("/handovers", "事项已办结。")


async def hand(ctx: Context, asked: Leaving) -> web.Response:
    """交班."""
    await service.hand_over(ctx.session, ctx.actor, asked.shift, asked.summary)
    return ctx.redirect("/handovers", f"{asked.shift}已交班，等待接班人确认。")


async def receive(ctx: Context, asked: Received) -> web.Response:
    """接班."""
    row = await service.receive(ctx.session, ctx.actor, asked.id, asked.remark)
    return ctx.redirect("/handovers", f"已接{row.handed_by_name}的{row.shift}。")


L = P.LINE_LEAD
SEE = (P.LINE_LEAD, P.ORDER_VERIFY, P.ORDER_OVERSEE)
ROUTES = (
    Route("GET", "/handovers", SEE, Log, index, "交接班日志", ("bad-page",)),
    Route("POST", "/handovers", L, Leaving, hand, "交班", ("emergencies-unassigned",)),
    Route(
        "POST", "/handovers/export", SEE, LogExport, export, "导出交接班日志",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
    Route("GET", "/handovers/matters", SEE, Log, matters_page.index, "已办结的未了事项", ("bad-page",)),
    Route("POST", "/handovers/matters", L, NewMatter, add, "新增未了事项", ("no-owner", "no-such-order")),
    Route(
        "POST", "/handovers/matters/export", SEE, LogExport, matters_page.export, "导出已办结的未了事项",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
    Route("POST", "/handovers/matters/{id}/close", L, Settled, close, "办结未了事项", ("no-matter", "matter-closed")),
    Route(
        "POST", "/handovers/{id}/receive", L, Received, receive, "接班",
        ("no-handover", "handover-received", "own-handover"),
    ),
)  # fmt: skip
