"""A recording: playback with purpose and reason, a waveform, marks and the words; every look is in the ledger."""

import base64
from dataclasses import replace
from uuid import UUID

from aiohttp import web

from callflow.models import Call
from core.errors import Denied, Invalid, NotFound
from core.permissions import Permission
from crm.retention.holds import said as held_as
from crm.retention.queries import held_among
from crm.tickets.masking import mask_numbers
from recordings.archive import playback
from recordings.desk import marks, redactions
from recordings.desk.access import approval, require_listening
from recordings.desk.waveform import waveform
from recordings.models import Recording
from recordings.proof.check import compare
from recordings.proof.queries import sealed_on
from recordings.store.port import Damaged
from web.context import Context
from web.files import send_promised
from web.listening import Granted, OneRecording, Unplayable, Why, open_player, policy, require_grant
from web.pages import listening_requests
from web.route import Route
from web.watch import note_refusal
from web.words import Words, words

PLAYERS = {"audio", "video"}
"""What a browser says where a player asks (Fetch Metadata); a tab, a download or a script says another thing."""


class Listen(OneRecording, Why):
    """What for, and why."""


async def show(ctx: Context, asked: OneRecording) -> web.Response:
    """One recording, and the purpose and reason that listening asks for."""
    if not ctx.actor.may(Permission.RECORDING_VIEW):
        await require_listening(ctx.session, ctx.actor, asked.id)
    return await _page(ctx, asked.id)


async def listen(ctx: Context, asked: Listen) -> web.Response:
    """Write purpose and reason into the ledger and open the player."""
    by = await require_listening(ctx.session, ctx.actor, asked.id)
    reason, told = asked.said(), {"request": str(by.id)} if by else {}
    return await _page(ctx, asked.id, await open_player(ctx, asked.id, reason, **told), reason)


async def _page(ctx: Context, recording_id: UUID, query: str = "", reason: str = "") -> web.Response:
    session, actor = ctx.session, ctx.actor
    row = await session.get(Recording, recording_id)
    if row is None:
        raise NotFound("recording-unknown", "没有这份录音。")
    call = await session.get(Call, row.call_id) if row.call_id else None
    talk = await words(session, call) if call and query else Words()
    if not actor.may(Permission.CALL_VIEW):
        talk = replace(talk, lines=[replace(line, text=mask_numbers(line.text)) for line in talk.lines])
    return await ctx.page(
        "recording.html",
        place="recordings",
        recording=row,
        call=call,
        sees_call=actor.may(Permission.CALL_VIEW),
        query=query,
        reason=reason,
        purposes=[(one, one) for one in policy().purposes],
        talk=talk,
        marks=await marks.marks(session, actor, row.id) if query else (),
        by=None if actor.may(Permission.RECORDING_LISTEN) else await approval(session, actor, row.id),
        may_listen=actor.may(Permission.RECORDING_LISTEN),
        may_take=actor.may(Permission.RECORDING_TAKE),
        copies=await redactions.of_recording(session, row.id) if actor.may(Permission.RECORDING_TAKE) else (),
        me=actor.user_id,
        may_decide=actor.may(Permission.RECORDING_DECIDE),
        ask=listening_requests.form_values() if actor.may(Permission.RECORDING_ASK) else None,
        ended=playback.destroyed(row.destroyed_at, row.certificate) if row.destroyed_at else "",
        holds=(await held_among(session, [row.id])).get(row.id, []),
        held_as=held_as,
        sees_retention=actor.may(Permission.RETENTION_VIEW),
        sealed=(await sealed_on(session, [row.id])).get(row.id),
    )


async def audio(ctx: Context, asked: Granted) -> web.StreamResponse:
    """The sound, in ranges (RFC 9110, 14). The first block is there before the answer begins, so that what cannot be
    read is told in words."""
    require_grant(ctx, asked)
    if ctx.request.headers.get("Sec-Fetch-Dest", "audio") not in PLAYERS:
        raise Denied("player-only", "录音只能在播放器内收听；需要副本的，请办理录音导出。")
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
            await note_refusal(ctx.parts.database, ctx.request, AUDIO, ctx.signed_in, error)
            return web.Response(status=416, text=error.message, headers={"Content-Range": f"bytes */{total}"})
    blocks = aiter(opened.content)
    try:
        first = await anext(blocks, b"")
    except Damaged as error:
        raise Unplayable(error.why) from error
    if not first:
        raise Unplayable("文件不完整，缺少这一段")
    headers = {
        "Content-Type": opened.media_type,
        "Accept-Ranges": "bytes",
        "ETag": f'"{opened.digest}"',
        "Content-Length": str(opened.end - opened.start),
    }
    if opened.partial:
        headers["Content-Range"] = f"bytes {opened.start}-{opened.end - 1}/{opened.total}"
    response = web.StreamResponse(status=206 if opened.partial else 200, headers=headers)
    return await send_promised(ctx.request, response, first, blocks, opened.end - opened.start)


async def peaks(ctx: Context, asked: Granted) -> web.Response:
    """The waveform: loudness 0..255 of each stretch of time, a text in base64 for each channel."""
    require_grant(ctx, asked)
    try:
        found = await waveform(ctx.parts.database, ctx.parts.store, ctx.actor, asked.id)
    except Damaged as error:
        raise Unplayable(error.why) from error
    each = len(found.points) // found.channels
    parts = [found.points[each * n : each * (n + 1)] for n in range(found.channels)]
    return ctx.data({"channels": [base64.b64encode(part).decode() for part in parts]})


async def fault(ctx: Context, asked: Granted) -> web.Response:
    """Why a player broke off: the stored file is read as a whole and compared with the catalogue."""
    require_grant(ctx, asked)
    async with ctx.parts.database.session() as session:
        await require_listening(session, ctx.actor, asked.id)
        row = await playback.playable(session, asked.id)
    return ctx.data({"fault": await compare(ctx.parts.store, row)})


HEAR = (Permission.RECORDING_LISTEN, Permission.RECORDING_ASK)
ERRORS = (
    "listening-over", "not-approved", "recording-unknown", "recording-empty", "recording-destroyed",
    "recording-damaged",
)  # fmt: skip
AUDIO = Route(
    "GET", "/recordings/{id}/audio", HEAR, Granted, audio, "录音声音", (*ERRORS, "player-only"),
    stream=True, watched=True,
)  # fmt: skip
ROUTES = (
    Route(
        "GET", "/recordings/{id}", (Permission.RECORDING_VIEW, Permission.RECORDING_ASK), OneRecording, show, "录音",
        ("recording-unknown", "not-approved"), watched=True,
    ),
    Route(
        "POST", "/recordings/{id}", HEAR, Listen, listen, "调听录音",
        ("recording-unknown", "not-approved", "no-such-purpose"), watched=True,
    ),
    AUDIO,
    Route("GET", "/recordings/{id}/peaks", HEAR, Granted, peaks, "录音波形", ERRORS, stream=True, watched=True),
    Route("GET", "/recordings/{id}/fault", HEAR, Granted, fault, "录音故障原因", ERRORS, stream=True, watched=True),
)  # fmt: skip
