"""What was said in calls, as everybody reads it: the one place that knows which words count.

They are the newest layer, with people's corrections on top. Whoever reads words, reads them here.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import among
from recordings.models import Recording, Side, TranscriptSegment

NEAR_S = 0.5
"""A live utterance may begin so long before the first sample of the recording that holds it."""
IN_FORCE: ColumnElement[bool] = and_(TranscriptSegment.replaced_by.is_(None), TranscriptSegment.under.is_(None))
TEXT: ColumnElement[str] = func.coalesce(TranscriptSegment.corrected, TranscriptSegment.text)


@dataclass(frozen=True)
class SaidLine:
    """One utterance; times on the call's timeline. `words` of a corrected line are none: nobody timed what a person
    wrote."""

    id: UUID
    call_id: UUID
    recording_id: UUID | None
    side: Side
    start_s: float
    end_s: float
    text: str
    corrected: bool = False
    words: Sequence[Any] = ()

    def lies_in(self, row: Recording) -> bool:
        """Whether this recording of the call holds it: the one that it was read from, else the one of that time."""
        if self.recording_id is not None:
            return self.recording_id == row.id
        return row.offset_s - NEAR_S <= self.start_s < row.offset_s + row.seconds

    def second_of(self, row: Recording) -> float:
        """Where it begins in the recording."""
        return max(0.0, self.start_s - row.offset_s)


async def said(
    session: AsyncSession,
    call_ids: Collection[UUID],
    *,
    having: Sequence[str] = (),
    side: Side | None = None,
    words: bool = False,
    first: int | None = None,
    newest: int | None = None,
) -> list[SaidLine]:
    """The lines of these calls in the order in which they were said: all, the `first` or the `newest` so many; with
    `having` those in which one of these words stands. With `words` the timed words, which are most of what is read."""
    one = TranscriptSegment
    columns = (
        one.id,
        one.call_id,
        one.recording_id,
        one.side,
        one.start_s,
        one.end_s,
        TEXT,
        one.corrected.is_not(None),
    )
    wanted = select(*columns, *((one.words,) if words else ())).where(among(one.call_id, call_ids), IN_FORCE)
    if having:
        has: list[ColumnElement[bool]] = [TEXT.icontains(word, autoescape=True) for word in having]
        wanted = wanted.where(or_(*has))
    if side:
        wanted = wanted.where(one.side == side)
    order: tuple[Any, ...] = (one.call_id, one.start_s, one.id)
    if newest is not None:
        order = (one.start_s.desc(), one.id.desc())
    limit = newest if newest is not None else first
    rows = [tuple(row) for row in await session.execute(wanted.order_by(*order).limit(limit))]
    return [_line(*row) for row in (reversed(rows) if newest is not None else rows)]


def _line(
    id: UUID, call_id: UUID, recording_id: UUID | None, side: Side, start_s: float, end_s: float, text: str,
    corrected: bool, words: Sequence[Any] = (),
) -> SaidLine:  # fmt: skip
    return SaidLine(id, call_id, recording_id, Side(side), start_s, end_s, text, corrected, () if corrected else words)
