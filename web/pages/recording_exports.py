"""录音导出: asked for at a recording, an order or a list, approved where the rules want it, and taken along."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.errors import Invalid, NotFound
from core.permissions import Permission
from crm.finding import of_order
from crm.finding.service import find
from crm.tickets import access
from recordings.archive.playback import parse_range
from recordings.desk import exports
from recordings.desk.exports import Selection
from recordings.desk.models import Export, ExportState
from recordings.models import Recording, RecordingState
from recordings.store.port import Damaged
from web.context import Context
from web.files import headers_of, send_promised
from web.listening import OneRecording, Reason, Unplayable, Why, policy
from web.pages.recording_list import Filter, wanted_of
from web.render import exact
from web.route import Asks, Nothing, Route
from web.watch import note_refusal

ZIP = "application/zip"
SHOWN = 50
LABELS = {
    ExportState.ASKED: ("待审批", "warn"),
    ExportState.QUEUED: ("排队中", "act"),
    ExportState.RUNNING: ("正在导出", "act"),
    ExportState.READY: ("可以下载", "good"),
    ExportState.FAILED: ("导出失败", "bad"),
    ExportState.REFUSED: ("未批准", "bad"),
    ExportState.CANCELLED: ("已取消", ""),
    ExportState.EXPIRED: ("已过期销毁", ""),
}


class TakeOne(OneRecording, Why):
    """One recording, or its redacted copy."""

    redaction: UUID | None = None


class TakeOrder(Why):
    """The recordings of all calls of an order."""

    id: UUID


class TakeList(Filter):
    """The recordings of the list's filter; purpose and reason as everywhere."""

    purpose: Annotated[str, Field(min_length=2, max_length=40)]
    reason: Reason


class OneExport(Asks):
    """An export."""

    id: UUID


class Decision(OneExport):
    """A word with it."""

    words: Annotated[str, Field(max_length=200)] = ""


async def index(ctx: Context, asked: Nothing) -> web.Response:
    """The exports: one's own, and all of them for who decides."""
    actor = ctx.actor
    found = await exports.listed(ctx.session, actor, SHOWN)
    return await ctx.page(
        "recording_exports.html",
        place="exports",
        found=found,
        lacks=await exports.missing(ctx.session, [one.id for one in found if one.missing]),
        labels=LABELS,
        going=exports.RUNNING,
        may_decide=actor.may(Permission.RECORDING_DECIDE),
        me=actor.user_id,
    )


async def choose(ctx: Context, asked: Filter) -> web.Response:
    """How many recordings a list's filter takes along, and the form that asks why."""
    heard = await _of_list(ctx, asked)
    return await ctx.page(
        "recording_export_new.html",
        place="exports",
        count=len(heard),
        seconds=sum(row.seconds for row in heard),
        size=sum(row.size for row in heard),
        pairs=list(asked.model_dump(mode="json", exclude_defaults=True).items()),
        purposes=[(one, one) for one in policy().purposes],
        rules=policy(),
    )


async def take_list(ctx: Context, asked: TakeList) -> web.Response:
    """Ask for the recordings of a list."""
    heard = await _of_list(ctx, asked)
    starts = sorted(row.started_at for row in heard)
    span = f"（{exact(starts[0])} 至 {exact(starts[-1])}）" if starts else ""
    about = f"录音列表 {len(heard)} 份{span}"
    return await _ordered(ctx, Selection(about, [row.id for row in heard], asked.purpose, asked.reason))


async def take_order(ctx: Context, asked: TakeOrder) -> web.Response:
    """Ask for the recordings of all calls of an order."""
    ticket = await access.get(ctx.session, ctx.actor, asked.id)
    heard = await of_order.recordings(ctx.session, ctx.actor, ticket.id)
    about = f"工单 {ticket.number} 的录音"
    return await _ordered(ctx, Selection(about, [row.id for row in heard], asked.purpose, asked.reason))


async def take_one(ctx: Context, asked: TakeOne) -> web.Response:
    """Ask for one recording or its redacted copy."""
    row = await ctx.session.get(Recording, asked.id)
    if row is None:
        raise NotFound("recording-unknown", "没有这份录音。")
    about = f"{exact(row.started_at)} {row.kind.label}录音{'（脱敏副本）' if asked.redaction else ''}"
    return await _ordered(ctx, Selection(about, [row.id], asked.purpose, asked.reason, asked.redaction))


async def _ordered(ctx: Context, wanted: Selection) -> web.Response:
    return _told(ctx, await exports.order(ctx.session, ctx.actor, policy(), wanted))


def _told(ctx: Context, made: Export) -> web.Response:
    said = "等待另一名有权人员审批。" if made.state == ExportState.ASKED else "准备好后在本页下载。"
    return ctx.redirect("/recording-exports", f"已提交导出 {made.number}，{said}")


async def _of_list(ctx: Context, asked: Filter) -> list[Recording]:
    """What of a filter's recordings has sound; one more than may leave at once, so that too many are told."""
    found = await find(ctx.session, ctx.actor, await wanted_of(ctx.session, asked), limit=policy().export_most + 1)
    return [row for row, *_ in found.rows if row.state != RecordingState.EMPTY and not row.destroyed_at]


async def approve(ctx: Context, asked: Decision) -> web.Response:
    """批准导出."""
    one = await exports.approve(ctx.session, ctx.actor, asked.id, asked.words)
    return ctx.redirect("/recording-exports", f"已批准{one.by_name}的导出 {one.number}。")


async def refuse(ctx: Context, asked: Decision) -> web.Response:
    """不批准导出."""
    one = await exports.refuse(ctx.session, ctx.actor, asked.id, asked.words)
    return ctx.redirect("/recording-exports", f"未批准{one.by_name}的导出 {one.number}。")


async def again(ctx: Context, asked: OneExport) -> web.Response:
    """What an export lacks, once more."""
    made = await exports.again(ctx.session, ctx.actor, policy(), asked.id)
    return _told(ctx, made)


async def cancel(ctx: Context, asked: OneExport) -> web.Response:
    """取消导出."""
    one = await exports.cancel(ctx.session, ctx.actor, asked.id)
    return ctx.redirect("/recording-exports", f"已取消导出 {one.number}，半成品随即清除。")


async def file(ctx: Context, asked: OneExport) -> web.StreamResponse:
    """The zip, whole or from where a broken download left off."""
    async with ctx.parts.database.session() as session:
        one = await exports.take(session, ctx.actor, asked.id)
    try:
        part = parse_range(ctx.request.headers.get("Range"), one.size)
    except Invalid as error:
        await note_refusal(ctx.parts.database, ctx.request, FILE, ctx.signed_in, error)
        return web.Response(status=416, text=error.message, headers={"Content-Range": f"bytes */{one.size}"})
    start, end = part or (0, one.size)
    headers = headers_of(ZIP, f"录音导出-{one.number}.zip")
    headers |= {"Content-Length": str(end - start), "Accept-Ranges": "bytes", "ETag": f'"{one.digest}"'}
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{one.size}"
    blocks = aiter(ctx.parts.store.read(one.store_key, start, end))
    try:
        first = await anext(blocks, b"")
    except Damaged as error:
        raise Unplayable(error.why) from error
    response = web.StreamResponse(status=206 if part else 200, headers=headers)
    return await send_promised(ctx.request, response, first, blocks, end - start)


TAKE, DECIDE = Permission.RECORDING_TAKE, Permission.RECORDING_DECIDE
ASKING = ("no-such-purpose", "nothing-to-export", "too-many-recordings")
DECIDING = ("no-export", "own-export", "decided-already")
FILE = Route(
    "GET", "/recording-exports/{id}/file", TAKE, OneExport, file, "下载录音导出文件",
    ("no-export", "not-ready", "export-over", "recording-damaged"), stream=True, watched=True,
)  # fmt: skip
ROUTES = (
    Route("GET", "/recording-exports", (TAKE, DECIDE), Nothing, index, "录音导出"),
    Route("POST", "/recording-exports", TAKE, TakeList, take_list, "导出列表中的录音", ASKING, watched=True),
    Route("GET", "/recording-exports/new", TAKE, Filter, choose, "导出录音的理由"),
    Route(
        "POST", "/recordings/{id}/exports", TAKE, TakeOne, take_one, "导出一份录音",
        ("recording-unknown", "no-redaction", *ASKING), watched=True,
    ),
    Route(
        "POST", "/orders/{id}/recording-exports", TAKE, TakeOrder, take_order, "导出工单的录音",
        ("no-such-order", *ASKING), watched=True,
    ),
    Route("POST", "/recording-exports/{id}/approve", DECIDE, Decision, approve, "批准录音导出", DECIDING, watched=True),
    Route(
        "POST", "/recording-exports/{id}/refuse", DECIDE, Decision, refuse, "不批准录音导出",
        (*DECIDING, "no-reason"), watched=True,
    ),
    Route(
        "POST", "/recording-exports/{id}/cancel", (TAKE, DECIDE), OneExport, cancel, "取消录音导出",
        ("no-export", "over-already"), watched=True,
    ),
    Route(
        "POST", "/recording-exports/{id}/again", TAKE, OneExport, again, "重新导出缺失的录音",
        ("no-export", "nothing-missing", "no-redaction", *ASKING), watched=True,
    ),
    FILE,
)  # fmt: skip
