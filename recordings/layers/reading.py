"""The layers of a recording for people: each line with what lies beneath it, and two layers beside each other."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.errors import NotFound
from core.permissions import Permission
from recordings.layers.models import TranscriptCorrection
from recordings.layers.rules import Stretch, compared
from recordings.models import Recording, Side, TranscriptRun, TranscriptSegment
from recordings.said import SaidLine, said


@dataclass(frozen=True)
class Earlier:
    """What an older layer has in a line's time."""

    text: str
    run: TranscriptRun | None


@dataclass(frozen=True)
class Layered:
    """A line as it counts, what the machine heard, who corrected it (the newest first), what older models heard."""

    said: SaidLine
    second: float
    machine: str
    run: TranscriptRun | None
    corrections: Sequence[TranscriptCorrection]
    earlier: Sequence[Earlier]


@dataclass(frozen=True)
class Layers:
    """The lines of a recording, and the runs that gave it words, the newest first."""

    lines: Sequence[Layered]
    runs: Sequence[TranscriptRun]


async def layers(session: AsyncSession, actor: Actor, recording_id: UUID) -> Layers:
    """Raises NotFound("recording-unknown")."""
    actor.require(Permission.RECORDING_VIEW)
    actor.require(Permission.CALL_VIEW)
    row = await session.get(Recording, recording_id)
    if row is None:
        raise NotFound("recording-unknown", "没有这份录音。")
    if row.call_id is None:
        return Layers((), ())
    segments = await session.scalars(select(TranscriptSegment).where(TranscriptSegment.call_id == row.call_id))
    by_id = {one.id: one for one in segments}
    found = await session.scalars(
        select(TranscriptRun).where(TranscriptRun.call_id == row.call_id).order_by(TranscriptRun.at.desc())
    )
    runs = {one.id: one for one in found}
    corrected: dict[UUID, list[TranscriptCorrection]] = defaultdict(list)
    wanted = select(TranscriptCorrection).where(TranscriptCorrection.segment_id.in_(by_id))
    for one in await session.scalars(wanted.order_by(TranscriptCorrection.at.desc(), TranscriptCorrection.id.desc())):
        corrected[one.segment_id].append(one)

    def layered(line: SaidLine) -> Layered:
        of = by_id[line.id]
        older = sorted((one for one in by_id.values() if _beneath(one, of)), key=lambda one: one.start_s)
        earlier = [Earlier(one.text, runs.get(one.run_id) if one.run_id else None) for one in older]
        run = runs.get(of.run_id) if of.run_id else None
        return Layered(line, line.second_of(row), of.text, run, corrected[of.id], earlier)

    lines = [layered(line) for line in await said(session, [row.call_id]) if line.lies_in(row)]
    return Layers(lines, [one for one in runs.values() if one.recording_id in (None, row.id)])


def _beneath(one: TranscriptSegment, line: TranscriptSegment) -> bool:
    """Whether it is an older layer of this line: of its side and time, and either replaced or under it."""
    overlaps = one.start_s < line.end_s and one.end_s > line.start_s
    return one.side == line.side and overlaps and (one.replaced_by is not None or one.under == line.id)


async def comparison(session: AsyncSession, actor: Actor, run_id: UUID) -> list[Stretch]:
    """What a run heard beside what it replaced. Raises NotFound("no-such-run")."""
    actor.require(Permission.CALL_VIEW)
    run = await session.get(TranscriptRun, run_id)
    if run is None or run.recording_id is None:
        raise NotFound("no-such-run", "没有这次转写。")
    one = TranscriptSegment
    newer = (await session.scalars(select(one).where(one.run_id == run_id))).all()
    older = (await session.scalars(select(one).where(one.replaced_by == run_id))).all()
    kept = (await session.scalars(select(one).where(one.id.in_({row.under for row in newer if row.under})))).all()
    beside = {row.id: row for row in (*older, *kept)}
    return compared(map(_timed, beside.values()), map(_timed, newer))


def _timed(row: TranscriptSegment) -> tuple[Side, float, float, str]:
    return Side(row.side), row.start_s, row.end_s, row.text
