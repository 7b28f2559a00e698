"""突发事件: the board of events, searched, sorted and taken along (第十四条, F14-1)."""

from datetime import date
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.permissions import Permission as P
from crm.emergencies import queries
from crm.emergencies.queries import Row, Wanted
from crm.emergencies.rules import Standing
from crm.emergencies_policy import EmergencyPolicy
from crm.installed import installed
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.render import exact
from web.route import Asks, Route

COLUMNS = (
    Column("开始", ("newest", "oldest")),
    *map(Column, ("事件编号", "种类", "地点")),
    Column("工单", css="right"),
    *map(Column, ("状态", "确认和答复")),
)
HEADS = (
    ("事件编号", 20), ("开始", 22), ("种类", 20), ("地点", 24), ("属地", 20), ("状态", 14), ("关联工单", 10),
    ("待确认工单", 12), ("确认时间", 22), ("确认人", 12), ("办结时间", 22), ("办结人", 12), ("答复", 60),
)  # fmt: skip


class Filter(Asks):
    """Which events; `search`: words of number, place or answer, or an order's number; days are those of the start."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    kind: Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9-]*$")] = ""
    state: Standing | None = None
    first: date | None = None
    last: date | None = None
    sort: Literal["newest", "oldest"] = "newest"

    @property
    def wanted(self) -> Wanted:
        """The filter as the board takes it."""
        words = self.search.split()
        return Wanted(words, self.kind, self.state, self.first, self.last, self.sort == "oldest")


class Board(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class Export(Filter):
    """The events of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


def kinds() -> dict[str, str]:
    """Code -> name of the county's kinds."""
    return {one.code: one.name for one in installed().county.emergencies.kind}


def areas() -> dict[str, str]:
    """Code -> name of who answers for an area."""
    return {unit.code: unit.name for unit in installed().county.units.values()}


async def index(ctx: Context, asked: Board) -> web.Response:
    """A page of the events."""
    rows = await queries.events(ctx.session, asked.wanted, paging.parse(asked.after), paging.PAGE + 1)
    return await ctx.page(
        "emergencies.html",
        place="emergencies",
        list=listing("/emergencies", COLUMNS, asked, rows, lambda one: paging.key_of(one.event.began_at, one.event.id)),
        asked=asked,
        kinds=list(kinds().items()),
        names=kinds(),
        areas=areas(),
        states=[(one.value, one.label) for one in Standing],
        labels=Standing,
        policy=installed().policy[EmergencyPolicy],
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The events of the filter as a workbook."""
    ctx.actor.require(P.ORDER_EXPORT)
    told = asked.model_dump(mode="json", include={"first", "last"}, exclude_none=True) | searched(asked.search)
    told |= {"kind": kinds().get(asked.kind, asked.kind)} if asked.kind else {}
    told |= {"state": asked.state.label} if asked.state else {}
    async with ctx.parts.database.session() as session:
        rows = [_cells(one) for one in await queries.events(session, asked.wanted, None, MOST_ROWS + 1)]
        what = Taking("突发事件", "TF", "emergency.export", HEADS, rows, told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"突发事件{today():%Y%m%d}-{done.number}")


def _cells(one: Row) -> list[str]:
    event = one.event
    return [
        event.number,
        exact(event.began_at),
        kinds().get(event.kind, event.kind),
        event.place,
        areas().get(event.area or "", ""),
        Standing(event.state).label,
        str(one.linked),
        str(one.suggested),
        exact(event.confirmed_at, ""),
        event.confirmed_by_name,
        exact(event.closed_at, ""),
        event.closed_by_name,
        event.answer,
    ]


ROUTES = (
    Route("GET", "/emergencies", P.ORDER_VIEW, Board, index, "突发事件", ("bad-page",)),
    Route(
        "POST", "/emergencies/export", P.ORDER_VIEW, Export, export, "导出突发事件",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
)  # fmt: skip
