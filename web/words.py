"""The words of a call as pages show them."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from recordings.models import LivePartial, Side, TranscriptSegment

SHOWN_SEGMENTS = 500


@dataclass(frozen=True)
class Line:
    """One utterance as the page shows it; `growing` while it is still being spoken."""

    side: Side
    at: float | None
    text: str
    growing: bool = False


async def words(session: AsyncSession, call_id: UUID) -> list[Line]:
    """What was said so far, in order, with what is just being said at the end."""
    segments = (
        select(TranscriptSegment)
        .where(TranscriptSegment.call_id == call_id)
        .order_by(TranscriptSegment.start_s)
        .limit(SHOWN_SEGMENTS)
    )
    lines = [Line(one.side, one.start_s, one.text) for one in await session.scalars(segments)]
    partials = select(LivePartial).where(LivePartial.call_id == call_id).order_by(LivePartial.at)
    lines += [Line(one.side, None, one.text, True) for one in await session.scalars(partials) if one.text]
    return lines
