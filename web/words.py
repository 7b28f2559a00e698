"""The words of a call as pages show them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from callflow.phones import voices
from callflow.phones.voices import Voices
from recordings.models import LivePartial, Recording, Side, TranscriptSegment

SHOWN_SEGMENTS = 500
"""While the call goes on its page fetches them again and again."""


@dataclass(frozen=True)
class Line:
    """One utterance as the page shows it; `growing` while it is still being spoken, `who` where it is not the one whose
    column it stands in."""

    side: Side
    at: float | None
    text: str
    growing: bool = False
    who: str = ""


@dataclass(frozen=True)
class Words:
    """What was said, in order, and whose columns they are."""

    voices: Voices = field(default_factory=Voices)
    lines: Sequence[Line] = ()
    before: bool = False
    """Whether more was said before; the page of a call that is over has all of it."""


async def words(session: AsyncSession, call: Call) -> Words:
    """What was said so far, in order, with what is just being said at the end."""
    of = await voices.of_call(session, call)
    segments = (
        select(TranscriptSegment, Recording.part)
        .outerjoin(Recording, Recording.id == TranscriptSegment.recording_id)
        .where(TranscriptSegment.call_id == call.id)
    )
    if call.ended_at:
        rows = list(await session.execute(segments.order_by(TranscriptSegment.start_s, TranscriptSegment.id)))
    else:
        newest = segments.order_by(TranscriptSegment.start_s.desc(), TranscriptSegment.id.desc())
        rows = list(await session.execute(newest.limit(SHOWN_SEGMENTS + 1)))[::-1]
    before = call.ended_at is None and len(rows) > SHOWN_SEGMENTS
    lines = [
        Line(one.side, one.start_s, one.text, who=_who(of, call, one, part))
        for one, part in (rows[-SHOWN_SEGMENTS:] if before else rows)
    ]
    partials = select(LivePartial).where(LivePartial.call_id == call.id).order_by(LivePartial.at)
    lines += [Line(one.side, None, one.text, True) for one in await session.scalars(partials) if one.text]
    return Words(of, lines, before)


def _who(of: Voices, call: Call, one: TranscriptSegment, part: int | None) -> str:
    if one.side is Side.CITIZEN or call.connected_at is None:
        return ""
    who = of.second_at(call.connected_at + timedelta(seconds=one.start_s), part)
    return "" if who == of.second else who
