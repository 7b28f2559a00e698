"""保管与销毁: all disposal lists with how far they are, and what ends within the next days (T24)."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.permissions import Permission as P
from crm.datarequests.queries import NEEDS
from crm.installed import installed
from crm.retention import queries
from crm.retention.asked import asked as asked_for
from crm.retention.classes import policy
from crm.retention.proposing import warned_until
from crm.retention.queries import Listed, Row
from crm.retention.rules import Item, Kept, Standing
from crm.search.export import searched
from crm.search.taking import MOST_ROWS, Taking, take
from recordings.models import Recording
from recordings.policy import RecordingPolicy
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.render import day, duration, exact, masked
from web.route import Asks, Route

COLUMNS = (
    Column("编号", ("newest", "oldest")),
    Column("状态"),
    Column("档案", css="right"),
    *map(Column, ("审查", "中心批准", "局批准", "执行")),
)
HEADS = (
    ("编号", 20), ("提出时间", 22), ("状态", 14), ("拟销毁（份）", 12), ("已销毁（份）", 12), ("未销毁（份）", 12),
    ("移出（份）", 12), ("审查人", 12), ("审查时间", 22), ("中心批准人", 12), ("中心批准时间", 22), ("局批准人", 12),
    ("局批准时间", 22), ("执行人", 12), ("完成时间", 22),
)  # fmt: skip
SOON = (Column("时间", ("oldest", "newest")), *map(Column, ("种类", "号码或工单", "话务员或文件")),
        Column("时长或大小", css="right"), *map(Column, ("最后保护日", "保存依据")))  # fmt: skip
SOON_HEADS = (
    ("时间", 22), ("种类", 8), ("号码或工单", 20), ("话务员或文件", 30), ("时长或大小", 12),
    ("最后保护日", 16), ("保存依据", 40),
)  # fmt: skip
TONES = {Standing.EXECUTING: "warn", Standing.DONE: "good", Standing.VOID: "good"}


class Filter(Asks):
    """Which lists; `search`: a part of the number."""

    search: Annotated[str, Field(max_length=20, pattern=r"^[A-Za-z0-9-]*$")] = ""
    state: Standing | None = None
    sort: Literal["newest", "oldest"] = "newest"


class Lists(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class Export(Filter):
    """The lists of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Soon(Asks):
    """What ends soon, from where on."""

    sort: Literal["newest", "oldest"] = "oldest"
    after: Annotated[str, Field(max_length=100)] = ""


class SoonExport(Asks):
    """Why it is taken along."""

    sort: Literal["newest", "oldest"] = "oldest"
    reason: Annotated[str, Field(max_length=200)] = ""


async def index(ctx: Context, asked: Lists) -> web.Response:
    """A page of the lists."""
    after, oldest = paging.parse(asked.after), asked.sort == "oldest"
    rows = await queries.lists(
        ctx.session, ctx.actor, asked.state, asked.search, after, paging.PAGE + 1, oldest_first=oldest
    )
    book = policy()
    return await ctx.page(
        "retention.html",
        place="retention",
        list=listing("/retention", COLUMNS, asked, rows, lambda one: paging.key_of(one.row.proposed_at, one.row.id)),
        asked=asked,
        states=[(one.value, one.label) for one in Standing],
        tones=TONES,
        items=Item,
        figures=await queries.figures(ctx.session),
        requests=await asked_for(ctx.session),
        sees_requests=any(map(ctx.actor.may, NEEDS)),
        warn_days=book.warn_days,
        book=book,
        classes=[(one.label, one.years(book), book.basis[f"{one.value}_years"]) for one in Kept],
        general=installed().policy[RecordingPolicy],
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The lists of the filter as a workbook."""
    ctx.actor.require(P.ORDER_EXPORT)
    told = searched(asked.search) | ({"state": asked.state.label} if asked.state else {})
    async with ctx.parts.database.session() as session:
        found = await queries.lists(
            session, ctx.actor, asked.state, asked.search, None, MOST_ROWS + 1, oldest_first=asked.sort == "oldest"
        )
        what = Taking("销毁清单", "XQ", "retention.export", HEADS, [_cells(one) for one in found], told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"销毁清单{today():%Y%m%d}-{done.number}")


def _cells(one: Listed) -> list[str]:
    row = one.row
    return [
        row.number,
        exact(row.proposed_at),
        one.standing.label,
        str(one.of(Item.LISTED)),
        str(one.of(Item.DESTROYED)),
        str(one.of(Item.STOPPED)),
        str(one.of(Item.TAKEN_OFF)),
        row.reviewed_name,
        exact(row.reviewed_at, ""),
        row.approved_name,
        exact(row.approved_at, ""),
        row.confirmed_name,
        exact(row.confirmed_at, ""),
        row.ordered_name,
        exact(row.ended_at, ""),
    ]


async def soon(ctx: Context, asked: Soon) -> web.Response:
    """A page of what ends within the days of the policy."""
    after, newest = paging.parse(asked.after), asked.sort == "newest"
    rows = await queries.soon(ctx.session, ctx.actor, after, paging.PAGE + 1, newest_first=newest)
    return await ctx.page(
        "retention_soon.html",
        place="retention",
        list=listing("/retention/soon", SOON, asked, rows, key_of),
        until=warned_until(),
        warn_days=policy().warn_days,
        sees_recordings=ctx.actor.may(P.RECORDING_VIEW),
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def soon_export(ctx: Context, asked: SoonExport) -> web.StreamResponse:
    """The same as a workbook."""
    ctx.actor.require(P.ORDER_EXPORT)
    async with ctx.parts.database.session() as session:
        found = await queries.soon(session, ctx.actor, None, MOST_ROWS + 1, newest_first=asked.sort == "newest")
        told = {"last": warned_until().isoformat()}
        what = Taking(
            "保存期将满的档案", "XQ", "retention.soon-export", SOON_HEADS, [facts(one) for one in found], told
        )
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"保存期将满的档案{today():%Y%m%d}-{done.number}")


def key_of(one: Row) -> str:
    """Where a page of them ends."""
    return paging.key_of(one.at, one.object.id)


def facts(one: Row) -> list[str]:
    """A recording or an attachment as a line of a sheet."""
    row, call = one.object, one.call
    if isinstance(row, Recording):
        about = [masked(call.caller, "") if call else "", call.agent_name or "" if call else ""]
        about.append(duration(row.seconds, ""))
    else:
        about = [one.ticket.number if one.ticket else "", one.name, kilobytes(row.size)]
    return [exact(one.at), one.kind, *about, day(row.protected_until), row.protection]


def kilobytes(size: int) -> str:
    """`12 KB`."""
    return f"{-(-size // 1024)} KB"


TAKES = ("no-reason", "too-many-rows", "nothing-to-export")
ROUTES = (
    Route("GET", "/retention", queries.VIEW, Lists, index, "保管与销毁", ("bad-page",)),
    Route("POST", "/retention/export", queries.VIEW, Export, export, "导出销毁清单", TAKES, stream=True),
    Route("GET", "/retention/soon", queries.VIEW, Soon, soon, "保存期将满的档案", ("bad-page",)),
    Route(
        "POST", "/retention/soon/export", queries.VIEW, SoonExport, soon_export, "导出将满的档案", TAKES, stream=True
    ),
)
