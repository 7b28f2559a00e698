"""Puts what a model heard over what was there: older words become an older layer, people's corrections stay on top."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import new_id
from recordings.layers.rules import Kept, parted
from recordings.models import Kind, Recording, Side, Source, TranscriptRun, TranscriptSegment, Why
from recordings.speech.engine import Engine, Utterance
from recordings.speech.rules import Span
from recordings.speech.words import segment


@dataclass(frozen=True)
class Spoken:
    """An utterance with times relative to the start of the stretch in which it was heard."""

    side: Side
    span: Span
    utterance: Utterance


async def lay(
    session: AsyncSession,
    row: Recording,
    engine: Engine,
    why: Why,
    spoken: Sequence[Spoken],
    job_id: UUID | None = None,
) -> None:
    """Write what was heard in place of the words of the same stretches; a stretch without words keeps what it has."""
    if row.call_id is None or not spoken:
        return
    run = TranscriptRun(
        id=new_id(),
        call_id=row.call_id,
        recording_id=row.id,
        engine=engine.kind,
        model=engine.name,
        model_digest=engine.digest,
        why=why,
        job_id=job_id,
    )
    session.add(run)
    await session.flush()
    kept = await _give_way(session, row, run.id, {(one.side, one.span) for one in spoken})
    for one in spoken:
        of_side = [line for line in kept if line.side is one.side]
        for line, utterance in parted(one.utterance, one.span[0], of_side):
            made = segment(row.call_id, one.side, utterance, one.span[0], Source.BATCH, row.id)
            made.run_id, made.under = run.id, line
            session.add(made)


async def _give_way(
    session: AsyncSession, row: Recording, run_id: UUID, places: Collection[tuple[Side, Span]]
) -> list[Kept]:
    """The words there become an older layer of this run, but for the lines that people corrected -> those.

    All are locked first: whoever corrects one at this moment is waited for, or finds it replaced. What lies under a
    corrected line gives way as well: the newest words come forth when the correction is taken back.
    """
    standing = select(TranscriptSegment).where(
        _of(row), or_(*(_within(*place) for place in places)), TranscriptSegment.replaced_by.is_(None)
    )
    kept = []
    for one in await session.scalars(
        standing.order_by(TranscriptSegment.start_s, TranscriptSegment.id).with_for_update()
    ):
        if one.corrected is None:
            one.replaced_by = run_id
        elif one.under is None:
            kept.append(Kept(one.id, Side(one.side), (one.start_s, one.end_s)))
    return kept


def _of(row: Recording) -> ColumnElement[bool]:
    """Words of this recording: read from it, or heard live while it was made."""
    whose = TranscriptSegment.recording_id == row.id
    if row.kind is Kind.TALK:
        whose = or_(whose, TranscriptSegment.recording_id.is_(None))
    return and_(TranscriptSegment.call_id == row.call_id, whose)


def _within(side: Side, span: Span) -> ColumnElement[bool]:
    start, end = span
    return and_(TranscriptSegment.side == side, TranscriptSegment.start_s < end, TranscriptSegment.end_s > start)
