"""Redacted copies 脱敏副本: asked for at a recording, made by the worker, linked to their source by digests, with who
made them and why."""

from collections.abc import Sequence
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any
from uuid import UUID

from soundfile import LibsndfileError
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.db import new_id
from core.errors import Conflict, Denied, Gone, NotFound
from core.ledger import record
from core.live import hint
from core.locks import lock
from core.permissions import Permission
from recordings.archive.playback import playable
from recordings.desk.making import Failed, Unreadable, Workshop, asker_of, lossless, stop, unreadable
from recordings.desk.models import MakingState, Redaction
from recordings.desk.redact import Stretch, as_rows, bleep, masked, tidied
from recordings.models import Recording
from recordings.said import SaidLine, said

MOST_WAITING = 20
"""Copies of one person that are being made at a time."""
TOPIC = "redactions"
"""Hints carry the recording's id."""
WAITS = (MakingState.QUEUED, MakingState.RUNNING)


async def ask(
    session: AsyncSession, actor: Actor, recording_id: UUID, wanted: Sequence[Stretch], reason: str
) -> Redaction:
    """Have a copy made; the page shows how far it is.

    Raises `Denied`, `NotFound`, `Gone`, `Invalid("bad-stretch")`, `Conflict("too-many-waiting")`.
    """
    actor.require(Permission.RECORDING_TAKE)
    actor.require(Permission.RECORDING_LISTEN)
    if actor.user_id is None:
        raise Denied("not-permitted", "只有工作人员可以制作脱敏副本。")
    row = await playable(session, recording_id)
    stretches = tidied(wanted, row.channels, row.seconds)
    await lock(session, f"redactions:{actor.user_id}")
    mine = (Redaction.by_id == actor.user_id, Redaction.state.in_(WAITS))
    if (await session.scalar(select(func.count()).select_from(Redaction).where(*mine)) or 0) >= MOST_WAITING:
        raise Conflict("too-many-waiting", f"您已有 {MOST_WAITING} 份脱敏副本在制作，请等候完成。")
    made = Redaction(
        id=new_id(),
        recording_id=row.id,
        stretches=as_rows(stretches),
        lines=[],
        reason=reason.strip(),
        by_id=actor.user_id,
        by_name=actor.name,
        source_digest=row.digest,
        state=MakingState.QUEUED,
        total=2 * ceil(row.seconds),
    )
    session.add(made)
    hint(session, TOPIC, row.id)
    return made


async def cancel(session: AsyncSession, actor: Actor, recording_id: UUID, id: UUID) -> None:
    """Nobody needs it. Raises `NotFound("no-redaction")`, also for another's, `Conflict("over-already")`."""
    await one_of(session, recording_id, id)
    one = await session.get_one(Redaction, id, with_for_update=True, populate_existing=True)
    if one.by_id != actor.user_id and not actor.may(Permission.RECORDING_DECIDE):
        raise NotFound("no-redaction", "没有这份脱敏副本。")
    stop(one, WAITS, "脱敏")
    hint(session, TOPIC, recording_id)


class Redactor(Workshop[Redaction]):
    """The worker's part. A copy that a killed worker had begun is made from its beginning: it is one file."""

    kind = Redaction
    said = "脱敏"

    async def _made(self, one: Redaction, folder: Path) -> None:
        stretches = [Stretch(**each) for each in one.stretches]
        async with self._db.session() as session:
            try:
                row = await playable(session, one.recording_id)
            except (NotFound, Gone) as error:
                raise Failed(error.message) from error
            one.lines = await words_without(session, row, stretches)
        await self._require_room(3 * lossless(row))
        with (folder / "source").open("w+b") as source, (folder / "copy").open("w+b") as target:
            try:
                await self._fetch(row.store_key, source)
                digests = await self._in_thread(one, TOPIC, row.id, partial(bleep, source, target, stretches))
            except (Unreadable, LibsndfileError) as error:
                why = error if isinstance(error, Unreadable) else unreadable(error)
                raise Failed(f"录音无法读取：{why}。请告知档案员，修复后重新制作。") from error
            one.sm3 = digests.sm3
            await self._keep(one, f"redacted/{row.id}/{one.id}.flac", target, digests.sha256)

    def _finish(self, kept: Redaction, one: Redaction) -> None:
        kept.lines, kept.sm3 = one.lines, one.sm3

    async def _ready(self, session: AsyncSession, one: Redaction) -> None:
        told = {"redaction": str(one.id), "digest": one.digest, "source": one.source_digest}
        await self._record(session, one, "recording.redact", one.reason, **told)

    async def _failed(self, session: AsyncSession, one: Redaction) -> None:
        await self._record(session, one, "recording.not-redacted", one.trouble, redaction=str(one.id))

    async def _record(self, session: AsyncSession, one: Redaction, action: str, why: str, **told: str) -> None:
        await record(session, asker_of(one), action, "recording", one.recording_id, reason=why, **told)
        hint(session, TOPIC, one.recording_id)


async def of_recording(session: AsyncSession, recording_id: UUID) -> Sequence[Redaction]:
    """A recording's copies, the newest first."""
    wanted = select(Redaction).where(Redaction.recording_id == recording_id)
    return (await session.scalars(wanted.order_by(Redaction.id.desc()))).all()


async def one_of(session: AsyncSession, recording_id: UUID, id: UUID) -> Redaction:
    """One copy. Raises `NotFound("no-redaction")`."""
    found = await session.get(Redaction, id)
    if found is None or found.recording_id != recording_id:
        raise NotFound("no-redaction", "没有这份脱敏副本。")
    return found


async def ready(session: AsyncSession, recording_id: UUID, id: UUID) -> Redaction:
    """One copy that is made. Raises `NotFound("no-redaction")`."""
    found = await one_of(session, recording_id, id)
    if found.state != MakingState.READY:
        raise NotFound("no-redaction", "这份脱敏副本还没有做成。")
    return found


async def lines_of(session: AsyncSession, row: Recording) -> list[SaidLine]:
    """What was said in this recording as everybody reads it, in order, with its timed words."""
    if row.call_id is None:
        return []
    begins, ends = row.offset_s, row.offset_s + row.seconds
    found = await said(session, {row.call_id}, words=True)
    return [one for one in found if one.start_s < ends and one.end_s > begins]


async def words_without(session: AsyncSession, row: Recording, covered: Sequence[Stretch]) -> list[dict[str, Any]]:
    """The transcript of the copy, on the recording's own time line."""
    lines = []
    for one in await lines_of(session, row):
        span = (one.start_s - row.offset_s, one.end_s - row.offset_s)
        words = [
            {**word, "start": word["start"] - row.offset_s, "end": word["end"] - row.offset_s} for word in one.words
        ]
        text = masked(one.side, one.text, words, span, covered)
        lines.append({"side": one.side.value, "start": span[0], "end": span[1], "text": text})
    return lines
