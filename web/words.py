"""The words of a call as pages show them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from callflow.phones import voices
from callflow.phones.voices import Voices
from recordings.models import LivePartial, Recording, Side
from recordings.said import SaidLine, said

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
    rows = await said(session, [call.id], newest=None if call.ended_at else SHOWN_SEGMENTS + 1)
    parts = {
        row.id: row.part
        for row in await session.execute(select(Recording.id, Recording.part).where(Recording.call_id == call.id))
    }
    before = call.ended_at is None and len(rows) > SHOWN_SEGMENTS
    lines = [
        Line(one.side, one.start_s, one.text, who=who(of, call, one, parts.get(one.recording_id)))
        for one in (rows[-SHOWN_SEGMENTS:] if before else rows)
    ]
    partials = select(LivePartial).where(LivePartial.call_id == call.id).order_by(LivePartial.at)
    lines += [Line(one.side, None, one.text, True) for one in await session.scalars(partials) if one.text]
    return Words(of, lines, before)


def who(of: Voices, call: Call, one: SaidLine, part: int | None) -> str:
    """Who said it, where it is not the one whose column it stands in."""
    if one.side is Side.CITIZEN or call.connected_at is None:
        return ""
    name = of.second_at(call.connected_at + timedelta(seconds=one.start_s), part)
    return "" if name == of.second else name
