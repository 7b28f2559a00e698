"""How far the words of a call are: written where it changes, final when nothing is missing."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core import clock
from core.events import publish
from core.live import hint
from recordings.events import TranscriptFinal
from recordings.finding import found_anew
from recordings.models import LiveCoverage, Recording, Side, Source, Transcript, TranscriptSegment, TranscriptState
from recordings.speech.rules import Span, gaps

TOPIC = "words"


async def mark(
    session: AsyncSession, call_id: UUID, state: TranscriptState, reason: str = "", lag_s: float = 0.0
) -> None:
    """Set the state of a call's words, tell pages of it; a final transcript announces itself."""
    final_at = clock.now() if state is TranscriptState.FINAL else None
    values = {"state": state, "reason": reason, "lag_s": lag_s, "final_at": final_at}
    await session.execute(
        insert(Transcript)
        .values(call_id=call_id, **values)
        .on_conflict_do_update(index_elements=["call_id"], set_=values)
    )
    if state is TranscriptState.FINAL:
        await publish(session, TranscriptFinal(call_id=call_id))
        await found_anew(session, [call_id])
    hint(session, TOPIC, call_id)


async def covered(session: AsyncSession, call_id: UUID, side: Side) -> list[Span]:
    """What live decoding covered of one side."""
    rows = await session.execute(
        select(LiveCoverage.start_s, LiveCoverage.end_s).where(
            LiveCoverage.call_id == call_id, LiveCoverage.side == side
        )
    )
    return [(start, end) for start, end in rows]


async def said_live(session: AsyncSession, call_id: UUID, side: Side) -> list[Span]:
    """Where one side's live utterances lie."""
    rows = await session.execute(
        select(TranscriptSegment.start_s, TranscriptSegment.end_s).where(
            TranscriptSegment.call_id == call_id,
            TranscriptSegment.side == side,
            TranscriptSegment.source == Source.LIVE,
            TranscriptSegment.replaced_by.is_(None),
        )
    )
    return [(start, end) for start, end in rows]


async def settle_after_live(session: AsyncSession, call: Call) -> bool:
    """At the end of a call: final when live words cover both sides, else pending -> whether it is final."""
    if call.connected_at is None or call.ended_at is None:
        return False
    talk = (0.0, (call.ended_at - call.connected_at).total_seconds())
    missing = [side for side in Side if gaps(talk, await covered(session, call.id, side))]
    if missing:
        sides = "双方" if len(missing) == len(Side) else "一方"
        await mark(session, call.id, TranscriptState.PENDING, f"{sides}的部分话语将由录音转写补全。")
        return False
    await mark(session, call.id, TranscriptState.FINAL)
    return True


async def settle_after_batch(session: AsyncSession, call_id: UUID, *, grown: bool) -> None:
    """After a recording was decoded: final once the call is over and none of its recordings waits.

    What was final already is announced again only where words were added (`grown`).
    """
    call = await session.get(Call, call_id)
    waiting = await session.scalar(
        select(Recording.id).where(Recording.call_id == call_id, Recording.transcribed_at.is_(None)).limit(1)
    )
    if call is None or call.ended_at is None or waiting is not None:
        return
    known = await session.get(Transcript, call_id)
    if grown or known is None or known.state is not TranscriptState.FINAL:
        await mark(session, call_id, TranscriptState.FINAL)
