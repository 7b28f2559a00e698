"""`hotline call`: one real call of a citizen, and what became of it, as JSON."""

import asyncio
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.fold import Field
from callflow.models import Call
from callflow.speak import RATE, speak
from core.clock import now
from core.errors import Unavailable
from core.phone import normalise
from crm.sms.models import Sms
from crm.tickets.models import Ticket
from hotline.runtime import Runtime
from hotline.softphone import On, Softphone
from recordings.models import Recording, RecordingState, Transcript, TranscriptState
from recordings.said import said

LOOK_EVERY_S = 0.2
LISTEN_S = 2.0
"""After the last word, so that the other side is heard out."""
SETTLE_S = 30.0
"""After the call: until record, recording, words and order have settled; then the report says what there is."""
SETTLED = (TranscriptState.FINAL, TranscriptState.NO_MODEL)


async def place(runtime: Runtime, say: str, caller: str, to: str, dtmf: str = "") -> dict[str, Any]:
    """Ring, press keys, wait for a person (or the message box), speak, hang up; what became of it.

    Raises Unavailable("not-answered") where the line does not take the call.
    """
    line = runtime.settings.line
    number, began = normalise(caller), now()
    try:
        with tempfile.TemporaryDirectory(prefix="hotline-call-") as folder:
            clip = await asyncio.to_thread(speak, say, Path(folder)) if say else None
            phone = Softphone(Path(folder) / "phone", server=f"{line.bind}:{line.sip_port}", user=caller)
            async with phone:
                await phone.dial(to)
                try:
                    await phone.wait_for(On.ESTABLISHED)
                except TimeoutError as error:
                    raise Unavailable("not-answered", f"{to} 没有应答，服务是否已用 make run 启动？") from error
                await phone.send_digits(dtmf)
                ended = asyncio.create_task(phone.wait_for(On.CLOSED, _patience(runtime) + 3600))
                await _speak(runtime, phone, clip, number, began, ended)
                await ended
        return await _outcome(runtime, number, began)
    finally:
        await runtime.db.close()


def _patience(runtime: Runtime) -> float:
    """Until the ladder has ended in the message box, whatever its rungs."""
    waits = runtime.settings.line.waits
    return waits.first_queue + waits.second_queue + 2 * (waits.duty_ring + 2 * waits.accept) + waits.outside_ring


async def _speak(
    runtime: Runtime, phone: Softphone, clip: Path | None, number: str, began: datetime, ended: asyncio.Task[Any]
) -> None:
    """Wait for a person, say it once, listen a little, hang up; stop when the line hangs up first."""
    until = time.monotonic() + _patience(runtime)
    while not ended.done() and time.monotonic() < until:
        async with runtime.db.session() as session:
            found = await _call(session, number, began)
        if found is not None and (found.connected_at is not None or Field.MESSAGE in found.evidence):
            break
        await asyncio.sleep(LOOK_EVERY_S)
    if ended.done():
        return
    if clip is not None:
        await phone.say(clip)
        size = await asyncio.to_thread(lambda: clip.stat().st_size)
        await asyncio.wait([ended], timeout=size / (RATE * 2) + LISTEN_S)
    if not ended.done():
        await phone.hang_up()


async def _call(session: AsyncSession, number: str, began: datetime) -> Call | None:
    query = select(Call).where(Call.caller.matches(number), Call.arrived_at >= began)
    return (await session.scalars(query.order_by(Call.arrived_at).limit(1))).first()


async def _outcome(runtime: Runtime, number: str, began: datetime) -> dict[str, Any]:
    until = time.monotonic() + SETTLE_S
    while True:
        async with runtime.db.session() as session:
            report, settled = await _report(session, await _call(session, number, began))
        if settled or time.monotonic() > until:
            return report
        await asyncio.sleep(LOOK_EVERY_S)


async def _report(session: AsyncSession, call: Call | None) -> tuple[dict[str, Any], bool]:
    """What is known of `call`, and whether nothing more is to come by itself."""
    if call is None:
        return {"answered": False, "error": "线路没有这次来电的记录"}, False
    end = call.connected_at or call.ended_at or now()
    recordings = select(Recording).where(Recording.call_id == call.id, Recording.state != RecordingState.EMPTY)
    recording = await session.scalar(recordings.order_by(Recording.started_at).limit(1))
    words = await session.get(Transcript, call.id)
    spoken = await said(session, [call.id])
    ticket = await session.scalar(select(Ticket).where(Ticket.call_id == call.id))
    messages = (await session.scalars(select(Sms).where(Sms.ticket_id == ticket.id))).all() if ticket else ()
    report = {
        "answered": call.connected_at is not None,
        "outcome": call.outcome,
        "queued_s": round((end - call.queued_at).total_seconds(), 1) if call.queued_at else None,
        "agent": call.agent_name,
        "recording": recording and {
            "id": str(recording.id), "kind": recording.kind, "seconds": round(recording.seconds, 1),
            "channels": recording.channels, "sha256": recording.digest,
            "protected_until": recording.protected_until.isoformat(),
        },
        "transcript": {
            "state": words.state if words else None,
            "segments": [{"side": row.side, "at": round(row.start_s, 2), "text": row.text} for row in spoken],
        },
        "order": ticket and {
            "number": ticket.number, "state": ticket.state, "category": ticket.category or _proposed(ticket),
            "fields": ticket.proposals,
        },
        "sms": [{"state": row.state, "text": row.text} for row in messages],
    }  # fmt: skip
    heard = call.connected_at is not None or Field.MESSAGE in call.evidence
    settled = call.ended_at is not None and (
        not heard
        or (
            (recording is not None and words is not None and words.state in SETTLED and ticket is not None)
            and bool(ticket.proposals or not spoken)
        )
    )
    return report, settled


def _proposed(ticket: Ticket) -> str | None:
    """The category that the words suggest, while nobody has decided."""
    proposal: dict[str, Any] = ticket.proposals.get("category", {})
    return proposal.get("value")
