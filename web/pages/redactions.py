"""脱敏副本: stretches are chosen on the waveform or in the words; the copy is heard, and leaves as an export."""

import re
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from callflow.models import Call
from callflow.phones.voices import Voices, of_call
from core.errors import Invalid
from core.ledger import record
from core.permissions import Permission
from recordings.archive.playback import parse_range, playable
from recordings.desk import redactions
from recordings.desk.access import require_listening
from recordings.desk.redact import MOST, Stretch
from recordings.forms import Form
from recordings.store.port import Damaged
from web.context import Context
from web.files import send_promised
from web.listening import Granted, OneRecording, Reason, Unplayable, policy, query_of, require_grant
from web.route import Route

_STRETCH = re.compile(r"([01]):(\d{1,6}(?:\.\d{1,3})?)-(\d{1,6}(?:\.\d{1,3})?)")


class Redacting(Granted):
    """Stretches as `channel:from-to` in seconds, and why."""

    stretch: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=MOST)] = []
    why: Reason


class Cancelling(OneRecording):
    """A copy that is being made."""

    copy_id: UUID


class OneCopy(Granted):
    """One redacted copy."""

    copy_id: UUID


async def choose(ctx: Context, asked: Granted) -> web.Response:
    """The player with the words one by one: what is chosen becomes a tone in the copy."""
    require_grant(ctx, asked)
    await require_listening(ctx.session, ctx.actor, asked.id)
    row = await playable(ctx.session, asked.id)
    call = await ctx.session.get(Call, row.call_id) if row.call_id else None
    return await ctx.page(
        "redaction.html",
        place="recordings",
        recording=row,
        query=query_of(asked),
        reason=asked.reason,
        voices=await of_call(ctx.session, call) if call else Voices(),
        lines=await redactions.lines_of(ctx.session, row),
        channels={"citizen": 0, "other": 1 if row.channels > 1 else 0},
    )


async def make(ctx: Context, asked: Redacting) -> web.Response:
    """Have the copy made."""
    require_grant(ctx, asked)
    wanted = [_stretch(text) for text in asked.stretch]
    await redactions.ask(ctx.session, ctx.actor, asked.id, wanted, asked.why)
    return ctx.redirect(f"/recordings/{asked.id}", "已开始制作脱敏副本，进度显示在本页，可以先办别的；原录音不改动。")


async def cancel(ctx: Context, asked: Cancelling) -> web.Response:
    """Nobody needs it."""
    await redactions.cancel(ctx.session, ctx.actor, asked.id, asked.copy_id)
    return ctx.redirect(f"/recordings/{asked.id}", "已取消制作，半成品随即清除。")


async def listed(ctx: Context, asked: Granted) -> web.Response:
    """The copies with their players, for the page on which somebody listens: fetched again while one is made."""
    require_grant(ctx, asked)
    await require_listening(ctx.session, ctx.actor, asked.id)
    row = await playable(ctx.session, asked.id)
    return ctx.bare(
        "recording_copies.html",
        recording=row,
        query=query_of(asked),
        purposes=[(one, one) for one in policy().purposes],
        copies=await redactions.of_recording(ctx.session, row.id),
        me=ctx.actor.user_id,
        may_decide=ctx.actor.may(Permission.RECORDING_DECIDE),
    )


async def audio(ctx: Context, asked: OneCopy) -> web.StreamResponse:
    """The sound of a copy, in ranges; a look on record like any other."""
    require_grant(ctx, asked)
    async with ctx.parts.database.session() as session:
        await require_listening(session, ctx.actor, asked.id)
        copy = await redactions.ready(session, asked.id, asked.copy_id)
        part = parse_range(ctx.request.headers.get("Range"), copy.size)
        told = {"redaction": str(copy.id), "play": asked.sitting}
        await record(session, ctx.actor, "recording.listen", "recording", asked.id, reason=asked.reason, **told)
    start, end = part or (0, copy.size)
    blocks = aiter(ctx.parts.store.read(copy.store_key, start, end))
    try:
        first = await anext(blocks, b"")
    except Damaged as error:
        raise Unplayable(error.why) from error
    headers = {
        "Content-Type": Form.of(copy.store_key).media_type,
        "Accept-Ranges": "bytes",
        "Content-Length": str(end - start),
    }
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{copy.size}"
    response = web.StreamResponse(status=206 if part else 200, headers=headers)
    return await send_promised(ctx.request, response, first, blocks, end - start)


def _stretch(text: str) -> Stretch:
    found = _STRETCH.fullmatch(text)
    if not found:
        raise Invalid("bad-stretch", "遮盖的时段格式不正确。", fields={"stretch": "时段格式不正确"})
    return Stretch(int(found[1]), float(found[2]), float(found[3]))


TAKE = Permission.RECORDING_TAKE
ERRORS = ("listening-over", "recording-unknown", "recording-empty", "recording-destroyed", "recording-damaged")
ROUTES = (
    Route("GET", "/recordings/{id}/redaction", TAKE, Granted, choose, "制作脱敏副本", ERRORS, watched=True),
    Route("GET", "/recordings/{id}/redactions", TAKE, Granted, listed, "脱敏副本", ERRORS, watched=True),
    Route(
        "POST", "/recordings/{id}/redactions", TAKE, Redacting, make, "生成脱敏副本",
        (*ERRORS, "bad-stretch", "too-many-waiting"), watched=True,
    ),
    Route(
        "POST", "/recordings/{id}/redactions/{copy_id}/cancel", TAKE, Cancelling, cancel, "取消制作脱敏副本",
        ("no-redaction", "over-already"), watched=True,
    ),
    Route(
        "GET", "/recordings/{id}/redactions/{copy_id}/audio", TAKE, OneCopy, audio, "脱敏副本声音",
        (*ERRORS, "no-redaction", "range-not-satisfiable"), stream=True, watched=True,
    ),
)  # fmt: skip
