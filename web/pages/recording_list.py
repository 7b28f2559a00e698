"""The list of recordings 录音: found, narrowed, sorted, paged by key; the list is taken along, no sound with it."""

from dataclasses import replace
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core.clock import today
from core.identity.models import Unit
from core.permissions import Permission
from crm.finding.asked import Wanted, Within
from crm.finding.index import many_wait
from crm.finding.service import find
from crm.retention.holds import held
from crm.retention.objects import RECORDINGS
from crm.retention.queries import held_among
from crm.search import saved
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from recordings.models import Kind, Recording, RecordingState
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.render import day, duration, exact, masked
from web.route import Asks, Route

SAVED = "recordings"
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


class Kept(StrEnum):
    """How a recording is kept, beyond its days."""

    HELD = "held"
    ENDED = "ended"
    WRONG = "wrong"

    @property
    def label(self) -> str:
        return {"held": "冻结", "ended": "已依法销毁", "wrong": "核验有问题"}[self.value]


Minutes = Annotated[int | None, Field(ge=0, le=1440)]


class Filter(Asks):
    """`search`: telephone, last four digits, order number, agent, words; days of Asia/Shanghai and minutes, both
    included."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    within: Within = Within.ALL
    kind: Kind | None = None
    state: RecordingState | None = None
    unit: UUID | None = None
    kept: Kept | None = None
    first: date | None = None
    last: date | None = None
    least: Minutes = None
    most: Minutes = None
    sort: Literal["newest", "oldest"] = "newest"

    @property
    def wanted(self) -> Wanted:
        """The filter as it is found by."""
        return Wanted(
            self.search,
            self.within,
            self.kind,
            self.state,
            self.unit,
            self.first,
            self.last,
            self.least * 60.0 if self.least is not None else None,
            self.most * 60.0 if self.most is not None else None,
            self.sort == "oldest",
        )


class RecordingList(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class RecordingExport(Filter):
    """The recordings of the filter whose list is taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


async def index(ctx: Context, asked: RecordingList) -> web.Response:
    """A page of the recordings."""
    after = paging.parse(asked.after)
    found = await find(ctx.session, ctx.actor, await wanted_of(ctx.session, asked), after=after, limit=paging.PAGE + 1)
    units = await ctx.session.execute(select(Unit.id, Unit.name).where(Unit.active).order_by(Unit.name))
    return await ctx.page(
        "recordings.html",
        place="recordings",
        list=listing(
            "/recordings", COLUMNS, asked, found.rows, lambda row: paging.key_of(row[0].started_at, row[0].id)
        ),
        asked=asked,
        understood=found.understood,
        hits=found.hits,
        waiting=await many_wait(ctx.session),
        places=[(one.value, one.label) for one in Within if one],
        kinds=[(kind.value, kind.label) for kind in Kind],
        states=[(state.value, state.label) for state in RecordingState],
        keeping=[(one.value, one.label) for one in Kept],
        units=[(unit.id, unit.name) for unit in units],
        named=named,
        held=await held_among(ctx.session, [row.id for row, _ in found.rows]),
        may_export=ctx.actor.may(Permission.ORDER_EXPORT),
        saved=await saved.saved(ctx.session, ctx.actor, SAVED),
        present=saved.written(bare(asked)),
        most_saved=saved.MOST,
    )


async def export(ctx: Context, asked: RecordingExport) -> web.StreamResponse:
    """The list of the filter as a workbook, numbers masked as on the page; no sound and no words leave with it."""
    ctx.actor.require(Permission.ORDER_EXPORT)
    told = asked.model_dump(mode="json", include={"first", "last", "least", "most"}, exclude_none=True)
    told |= searched(asked.search)
    told |= {name: one.label for name in ("within", "kind", "state", "kept") if (one := getattr(asked, name))}
    async with ctx.parts.database.session() as session:
        if asked.unit and (unit := await session.get(Unit, asked.unit)):
            told["unit"] = unit.name
        found = await find(session, ctx.actor, await wanted_of(session, asked), limit=MOST_ROWS + 1)
        what = Taking("录音清单", "LY", "recording.export", HEADS, [_cells(*row) for row in found.rows], told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"录音清单{today():%Y%m%d}-{done.number}")


def bare(asked: Filter) -> RecordingList:
    """What the request asks, without what belongs to the page."""
    return RecordingList(**{name: getattr(asked, name) for name in Filter.model_fields})


async def wanted_of(session: AsyncSession, asked: Filter) -> Wanted:
    """The filter as it is found by, with how the recordings are kept."""
    if asked.kept is Kept.HELD:
        return replace(asked.wanted, also=(await held(session), RECORDINGS.living()))
    if asked.kept is Kept.WRONG:
        return replace(asked.wanted, also=(Recording.finding != "",))
    return replace(asked.wanted, also=(Recording.destroyed_at.is_not(None),)) if asked.kept else asked.wanted


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
        f"{one.state.label}，核验有问题" if one.finding else one.state.label,
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
