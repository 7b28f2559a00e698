"""What was said, as words: they end with the sound, or before it where the bureau has decided so."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import now
from core.events import publish
from recordings.events import WordsErased
from recordings.finding import found_anew
from recordings.layers.models import TranscriptCorrection
from recordings.models import LiveCoverage, Recording, Transcript, TranscriptSegment


async def erase_words(session: AsyncSession, rows: Sequence[Recording], why: str) -> None:
    """Those of these recordings in all their layers, also as they were heard live; with the words of a call's last
    recording all that is left of them. `why` is what the transcript says from then on, in Chinese."""
    for row in rows:
        row.words_ended_at, row.transcribed_at = now(), row.transcribed_at or now()
    await session.flush()
    for row in rows:
        await _end_lines(session, TranscriptSegment.recording_id == row.id)
        if row.call_id is None:
            continue
        others = select(Recording.id).where(Recording.call_id == row.call_id, Recording.words_ended_at.is_(None))
        some_left = await session.scalar(others.where(Recording.destroyed_at.is_(None)).limit(1)) is not None
        lines, spans = [TranscriptSegment.call_id == row.call_id], [LiveCoverage.call_id == row.call_id]
        if some_left:
            ends = row.offset_s + row.seconds
            lines += [TranscriptSegment.start_s >= row.offset_s, TranscriptSegment.start_s < ends]
            lines += [TranscriptSegment.recording_id.is_(None)]
            spans += [LiveCoverage.start_s >= row.offset_s, LiveCoverage.start_s < ends]
        await _end_lines(session, *lines)
        await session.execute(delete(LiveCoverage).where(*spans))
        if not some_left:
            await publish(session, WordsErased(call_id=row.call_id))
        await session.execute(update(Transcript).where(Transcript.call_id == row.call_id).values(reason=why))
    await found_anew(session, {row.call_id for row in rows if row.call_id})


async def _end_lines(session: AsyncSession, *where: ColumnElement[bool]) -> None:
    """With what people made of them."""
    lines = select(TranscriptSegment.id).where(*where)
    await session.execute(delete(TranscriptCorrection).where(TranscriptCorrection.segment_id.in_(lines)))
    await session.execute(delete(TranscriptSegment).where(*where))
