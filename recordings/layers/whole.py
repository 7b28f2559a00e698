"""All that is kept of a call's words, for whoever must keep it with the case: every layer, not the one that counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from recordings.layers.models import TranscriptCorrection
from recordings.models import Transcript, TranscriptRun, TranscriptSegment


@dataclass(frozen=True)
class Whole:
    """`state` is None where nothing was ever heard of the call."""

    state: Transcript | None
    segments: Sequence[TranscriptSegment]
    corrections: Sequence[TranscriptCorrection]
    runs: Sequence[TranscriptRun]


async def whole(session: AsyncSession, call_id: UUID) -> Whole:
    """The segments in the order in which they were said, people's corrections, and which model heard what."""
    of_call = TranscriptSegment.call_id == call_id
    segments = select(TranscriptSegment).where(of_call)
    segments = segments.order_by(TranscriptSegment.start_s, TranscriptSegment.side, TranscriptSegment.id)
    over = TranscriptCorrection.segment_id.in_(select(TranscriptSegment.id).where(of_call))
    corrections = select(TranscriptCorrection).where(over).order_by(TranscriptCorrection.id)
    runs = select(TranscriptRun).where(TranscriptRun.call_id == call_id).order_by(TranscriptRun.id)
    return Whole(
        await session.get(Transcript, call_id),
        (await session.scalars(segments)).all(),
        (await session.scalars(corrections)).all(),
        (await session.scalars(runs)).all(),
    )
