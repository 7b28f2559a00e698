"""A recording: playback with a reason, a waveform and the words; every look is in the ledger."""

import contextlib
import hmac
import secrets
from typing import Annotated
from urllib.parse import quote, urlencode
from uuid import UUID

from aiohttp import web
from pydantic import Field

from callflow.models import Call
from core.clock import now
from core.errors import Denied, Invalid, NotFound
from core.ledger import record
from core.permissions import Permission
from recordings.archive import playback
from recordings.models import Recording
from web.context import Context
from web.route import Asks, Route
from web.words import Words, words

GRANT_S = 3600
REASONS = ("核实诉求内容", "处理投诉争议", "服务质量抽查", "配合督办调查")


class OneRecording(Asks):
    """A recording."""

    id: UUID


class Listen(OneRecording):
    """The reason for listening."""

    reason: Annotated[str, Field(min_length=2, max_length=200)]


class Granted(OneRecording):
    """A grant that this session got for its reason. `sitting` names one visit to the player in the ledger."""

    sitting: str = Field(pattern=r"^[0-9a-f]{16}$")
    until: int = Field(ge=0, le=2**40)
    reason: str = Field(min_length=1, max_length=200)
    grant: str = Field(min_length=64, max_length=64)


async def show(ctx: Context, asked: OneRecording) -> web.Response:
    """One recording, and the reason that listening asks for."""
    return await _page(ctx, asked.id, None)


async def listen(ctx: Context, asked: Listen) -> web.Response:
    """Write the reason into the ledger and open the player."""
    sitting, until = secrets.token_hex(8), int(now().timestamp()) + GRANT_S
    grant = sign(ctx, asked.id, sitting, until, asked.reason)
    await record(ctx.session, ctx.actor, "recording.open", "recording", asked.id, reason=asked.reason)
    query = urlencode({"sitting": sitting, "until": until, "reason": asked.reason, "grant": grant}, quote_via=quote)
    return await _page(ctx, asked.id, query, asked.reason)


async def _page(ctx: Context, recording_id: UUID, query: str | None, reason: str = "") -> web.Response:
    row = await ctx.session.get(Recording, recording_id)
    if row is None:
        raise NotFound("recording-unknown", "没有这份录音。")
    call = await ctx.session.get(Call, row.call_id) if row.call_id else None
    talk = await words(ctx.session, call) if call and query else Words()
    return await ctx.page(
        "recording.html",
        place="recordings",
        recording=row,
        call=call,
        query=query,
        reason=reason,
        reasons=REASONS,
        talk=talk,
        may_listen=ctx.actor.may(Permission.RECORDING_LISTEN),
    )


async def audio(ctx: Context, asked: Granted) -> web.StreamResponse:
    """The sound, in ranges (RFC 9110, 14)."""
    require_grant(ctx, asked)
    header = ctx.request.headers.get("Range")
    async with ctx.parts.database.session() as session:
        try:
            opened = await playback.open_range(
                session, ctx.parts.store, ctx.actor, asked.id, header, asked.reason, asked.sitting
            )
        except Invalid as error:
            if error.id != "range-not-satisfiable":
                raise
            total = (await session.get_one(Recording, asked.id)).size
            return web.Response(status=416, text=error.message, headers={"Content-Range": f"bytes */{total}"})
    headers = {
        "Content-Type": playback.CONTENT_TYPE,
        "Accept-Ranges": "bytes",
        "ETag": f'"{opened.digest}"',
        "Content-Length": str(opened.end - opened.start),
    }
    if opened.partial:
        headers["Content-Range"] = f"bytes {opened.start}-{opened.end - 1}/{opened.total}"
    response = web.StreamResponse(status=206 if opened.partial else 200, headers=headers)
    with contextlib.suppress(ConnectionResetError):  # a player that seeks drops what it no longer wants
        await response.prepare(ctx.request)
        async for block in opened.content:
            await response.write(block)
    return response


async def peaks(ctx: Context, asked: Granted) -> web.Response:
    """The waveform's points between -1 and 1."""
    require_grant(ctx, asked)
    row = await ctx.session.get(Recording, asked.id)
    channels = await playback.peaks(ctx.session, ctx.parts.store, ctx.actor, asked.id)
    top = max((abs(value) for channel in channels for value in channel), default=0) or 1
    points = [[round(value / top, 3) for value in channel] for channel in channels]
    return ctx.data({"seconds": row.seconds if row else 0, "channels": points})


def sign(ctx: Context, recording_id: UUID, sitting: str, until: int, reason: str) -> str:
    """What only this server can give to this session for this sitting and reason."""
    text = f"{ctx.signed_in.session.id} {recording_id} {sitting} {until} {reason}"
    return hmac.digest(ctx.parts.secrets.get("web-listening").encode(), text.encode(), "sha256").hex()


def require_grant(ctx: Context, asked: Granted) -> None:
    """Raise `Denied("listening-over")` unless the grant is this session's and still holds."""
    good = hmac.compare_digest(sign(ctx, asked.id, asked.sitting, asked.until, asked.reason), asked.grant)
    if not good or asked.until < now().timestamp():
        raise Denied("listening-over", "本次调听授权已失效，请重新填写理由。")


P = Permission.RECORDING_LISTEN
ERRORS = ("listening-over", "recording-unknown", "recording-empty")
ROUTES = (
    Route("GET", "/recordings/{id}", Permission.RECORDING_VIEW, OneRecording, show, "录音", ("recording-unknown",)),
    Route("POST", "/recordings/{id}", P, Listen, listen, "调听录音", ("recording-unknown",)),
    Route("GET", "/recordings/{id}/audio", P, Granted, audio, "录音声音", ERRORS, stream=True),
    Route("GET", "/recordings/{id}/peaks", P, Granted, peaks, "录音波形", ERRORS),
)
