"""The list of recordings 录音: found, narrowed, sorted, paged by key; the list is taken along, no sound with it."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core.actor import Actor
from core.clock import today
from core.permissions import Permission
from crm.search.calls import calls_named
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from recordings import queries
from recordings.models import Kind, Recording, RecordingState
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.render import day, duration, exact, masked
from web.route import Asks, Route

COLUMNS = (
    Column("开始时间", ("newest", "oldest")),
    *map(Column, ("种类", "号码", "话务员")),
    Column("时长", css="right"),
    *map(Column, ("状态", "最后保护日")),
)
HEADS = (
    ("开始时间", 22),
    ("种类", 12),
    ("号码", 16),
    ("话务员", 12),
    ("时长", 10),
    ("状态", 14),
    ("最后保护日", 16),
)


class Filter(Asks):
    """`search`: telephone, last four digits, order number, agent; days of Asia/Shanghai, both included."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    kind: Kind | None = None
    state: RecordingState | None = None
    first: date | None = None
    last: date | None = None
    sort: Literal["newest", "oldest"] = "newest"


class RecordingList(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class RecordingExport(Filter):
    """The recordings of the filter whose list is taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


async def index(ctx: Context, asked: RecordingList) -> web.Response:
    """A page of the recordings."""
    rows = await _found(ctx.session, ctx.actor, asked, paging.parse(asked.after), paging.PAGE + 1)
    return await ctx.page(
        "recordings.html",
        place="recordings",
        list=listing("/recordings", COLUMNS, asked, rows, lambda row: paging.key_of(row[0].started_at, row[0].id)),
        asked=asked,
        kinds=[(kind.value, kind.label) for kind in Kind],
        states=[(state.value, state.label) for state in RecordingState],
        named=named,
        may_export=ctx.actor.may(Permission.ORDER_EXPORT),
    )


async def _found(
    session: AsyncSession, actor: Actor, asked: Filter, after: tuple[datetime, UUID] | None, limit: int
) -> list[tuple[Recording, Call | None]]:
    named = await calls_named(session, actor, asked.search)
    wanted = queries.Wanted(asked.kind, asked.state, asked.first, asked.last, named, asked.sort == "oldest")
    return await queries.recordings(session, actor, wanted, after=after, limit=limit)


async def export(ctx: Context, asked: RecordingExport) -> web.StreamResponse:
    """The list of the filter as a workbook, numbers masked as on the page; no sound leaves with it."""
    ctx.actor.require(Permission.ORDER_EXPORT)
    told = asked.model_dump(mode="json", include={"first", "last"}, exclude_none=True) | searched(asked.search)
    told |= {name: one.label for name in ("kind", "state") if (one := getattr(asked, name))}
    async with ctx.parts.database.session() as session:
        rows = await _found(session, ctx.actor, asked, None, MOST_ROWS + 1)
        what = Taking("录音清单", "LY", "recording.export", HEADS, [_cells(*row) for row in rows], told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"录音清单{today():%Y%m%d}-{done.number}")


def named(one: Recording) -> str:
    """`通话`, `通话 第 2 段`."""
    return f"{one.kind.label} 第 {one.part} 段" if one.part > 1 else one.kind.label


def _cells(one: Recording, call: Call | None) -> list[str]:
    return [
        exact(one.started_at),
        named(one),
        masked(call.caller, "") if call else "",
        call.agent_name or "" if call else "",
        duration(one.seconds, ""),
        one.state.label,
        day(one.protected_until),
    ]


SEE = Permission.RECORDING_VIEW
ROUTES = (
    Route("GET", "/recordings", SEE, RecordingList, index, "录音列表", ("bad-page", "no-phone-search")),
    Route(
        "POST", "/recordings/export", SEE, RecordingExport, export, "导出录音清单",
        ("no-phone-search", "no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
)  # fmt: skip
