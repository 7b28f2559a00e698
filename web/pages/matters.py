"""What shifts handed on to each other and settled 已办结的未了事项: searched, paged and taken along as the log is."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import midnight, today
from core.db import among
from core.permissions import Permission as P
from crm.handover import service
from crm.handover.models import Matter
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from crm.tickets.access import visible_to
from crm.tickets.models import Ticket
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.render import exact
from web.route import Asks

COLUMNS = (*map(Column, ("提出", "事项", "负责人", "办理结果")), Column("办结", ("newest", "oldest")))
HEADS = (
    ("提出时间", 22),
    ("提出人", 12),
    ("事项", 60),
    ("工单编号", 20),
    ("负责人", 12),
    ("办理结果", 60),
    ("办结时间", 22),
    ("办结人", 12),
)


class Filter(Asks):
    """Which handovers or matters: `search`: words of what was told, a name or a shift; days in Shanghai, both
    included."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    first: date | None = None
    last: date | None = None
    sort: Literal["newest", "oldest"] = "newest"

    @property
    def wanted(self) -> service.Wanted:
        """The filter as the list takes it."""
        since = midnight(self.first) if self.first else None
        until = midnight(self.last + timedelta(days=1)) if self.last else None
        return service.Wanted(self.search.split(), since, until, self.sort == "oldest")


class Log(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class LogExport(Filter):
    """What of the filter is taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


async def index(ctx: Context, asked: Log) -> web.Response:
    """A page of the matters that are settled."""
    rows = await service.closed_matters(ctx.session, asked.wanted, paging.parse(asked.after), paging.PAGE + 1)
    return await ctx.page(
        "matters.html",
        place="handovers",
        list=listing("/handovers/matters", COLUMNS, asked, rows, _key),
        asked=asked,
        numbers=await numbers(ctx.session, ctx.actor, rows),
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


def _key(one: Matter) -> str:
    assert one.closed_at is not None  # only such are listed
    return paging.key_of(one.closed_at, one.id)


async def numbers(session: AsyncSession, actor: Actor, matters: Sequence[Matter]) -> dict[UUID, str]:
    """The numbers of the orders that they are about, of those that this actor may see."""
    about = {one.ticket_id for one in matters if one.ticket_id}
    found = await session.execute(select(Ticket.id, Ticket.number).where(among(Ticket.id, about), visible_to(actor)))
    return {row[0]: row[1] for row in found}


async def export(ctx: Context, asked: LogExport) -> web.StreamResponse:
    """The settled matters of the filter as a workbook."""
    ctx.actor.require(P.ORDER_EXPORT)
    told = asked.model_dump(mode="json", include={"first", "last"}, exclude_none=True) | searched(asked.search)
    async with ctx.parts.database.session() as session:
        found = await service.closed_matters(session, asked.wanted, None, MOST_ROWS + 1)
        about = await numbers(session, ctx.actor, found)
        rows = [_cells(one, about.get(one.ticket_id, "") if one.ticket_id else "") for one in found]
        what = Taking("已办结的未了事项", "WL", "handovers.matters", HEADS, rows, told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"已办结的未了事项{today():%Y%m%d}-{done.number}")


def _cells(one: Matter, number: str) -> list[str]:
    return [
        exact(one.opened_at),
        one.opened_by_name,
        one.text,
        number,
        one.owner_name,
        one.result,
        exact(one.closed_at, ""),
        one.closed_by_name or "",
    ]
