"""重新转写: a list of recordings is made, and heard again when live words and new recordings leave room."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, insert, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.actor import Actor
from core.errors import Conflict, Invalid, NotFound
from core.ledger.service import record
from core.live import hint
from core.permissions import Permission
from recordings.layers.models import Outcome, Retranscription, RetranscriptionItem, Scope
from recordings.models import Recording, RecordingState, TranscriptRun, TranscriptSegment, Why
from recordings.queries import speech_status
from recordings.said import IN_FORCE

MOST = 5_000
"""Recordings of one job: about a week of one core at a tenth of real time."""
TOPIC = "recordings"


@dataclass(frozen=True)
class Progress:
    """A job and how far it is, by outcome."""

    job: Retranscription
    done: dict[Outcome, int]

    @property
    def count(self) -> int:
        return sum(self.done.values())

    @property
    def state(self) -> str:
        if self.count >= self.job.total:
            return "已完成"
        return "已停止" if self.job.stopped_at else "进行中" if self.count else "等待中"


async def ask(
    session: AsyncSession,
    actor: Actor,
    scope: Scope,
    reason: str,
    *,
    recording_id: UUID | None = None,
    first: date | None = None,
    last: date | None = None,
) -> Retranscription:
    """Make the list. `OLDER` takes the newest `MOST` of what is there; the next job takes the next ones.

    Raises Invalid("no-reason"), Invalid("no-period"), Invalid("too-many-recordings"), Invalid("nothing-to-transcribe"),
    Conflict("no-model").
    """
    actor.require(Permission.TRANSCRIPT_AGAIN)
    if len(reason.strip()) < 2:
        raise Invalid("no-reason", "请填写重新转写的原因。", fields={"reason": "请填写原因"})
    if scope is Scope.PERIOD and (first is None or last is None or last < first):
        raise Invalid("no-period", "请填写起始日和截止日。", fields={"first": "请填写起始日，不晚于截止日"})
    wanted = select(Recording.id).where(*await _conditions(session, scope, recording_id, first, last))
    ids = (await session.scalars(wanted.order_by(Recording.id.desc()).limit(MOST + 1))).all()
    if not ids:
        raise Invalid("nothing-to-transcribe", "没有需要重新转写的录音：没有声音、还没有转写过、已在排队或已过保存期。")
    if len(ids) > MOST and scope is not Scope.OLDER:
        raise Invalid("too-many-recordings", f"一次最多重新转写 {MOST} 份录音，请缩小时段后分几次提出。")
    assert actor.user_id is not None
    job = Retranscription(
        scope=scope,
        first=first if scope is Scope.PERIOD else None,
        last=last if scope is Scope.PERIOD else None,
        reason=reason.strip(),
        asked_id=actor.user_id,
        asked_name=actor.name,
        total=min(len(ids), MOST),
    )
    session.add(job)
    await session.flush()
    await session.execute(insert(RetranscriptionItem), [{"job_id": job.id, "recording_id": id} for id in ids[:MOST]])
    subject = ("recording", recording_id) if recording_id else ("retranscription", job.id)
    await record(session, actor, "transcript.again", *subject, reason=job.reason, scope=scope.label, count=job.total)
    hint(session, TOPIC, job.id)
    return job


async def _conditions(
    session: AsyncSession, scope: Scope, recording_id: UUID | None, first: date | None, last: date | None
) -> list[ColumnElement[bool]]:
    """Of recordings that have sound, were transcribed once, and wait in no job."""
    waiting = (
        exists()
        .where(
            RetranscriptionItem.recording_id == Recording.id,
            RetranscriptionItem.outcome.is_(None),
            Retranscription.id == RetranscriptionItem.job_id,
            Retranscription.stopped_at.is_(None),
        )
        .select_from(RetranscriptionItem)
    )
    kept = Recording.destroyed_at.is_(None), Recording.words_ended_at.is_(None)
    sound = Recording.state != RecordingState.EMPTY, Recording.transcribed_at.is_not(None), *kept, ~waiting
    if scope is Scope.ONE:
        return [*sound, Recording.id == recording_id]
    if scope is Scope.PERIOD:
        assert first is not None
        assert last is not None
        end = clock.midnight(last + timedelta(days=1))
        return [*sound, Recording.started_at >= clock.midnight(first), Recording.started_at < end]
    present = next((one.model_digest for one in await speech_status(session) if one.model_digest), None)
    if present is None:
        raise Conflict("no-model", "语音转写服务未运行，不知道当前的模型；请在服务恢复后再提出。")
    return [*sound, _heard_by_another(present)]


def _heard_by_another(digest: str) -> ColumnElement[bool]:
    """Words in force of its call that another model heard, or nobody knows which."""
    of = TranscriptSegment.recording_id
    return (
        exists()
        .select_from(TranscriptSegment)
        .where(
            TranscriptSegment.call_id == Recording.call_id,
            or_(of == Recording.id, of.is_(None)),
            IN_FORCE,
            TranscriptSegment.corrected.is_(None),
            ~exists()
            .where(TranscriptRun.id == TranscriptSegment.run_id, TranscriptRun.model_digest == digest)
            .correlate(TranscriptSegment),
        )
        .correlate(Recording)
    )


async def stop(session: AsyncSession, actor: Actor, job_id: UUID) -> Retranscription:
    """Hear no more of it; what was heard stays. Raises NotFound("no-such-job"), Conflict("job-over")."""
    actor.require(Permission.TRANSCRIPT_AGAIN)
    job = await session.get(Retranscription, job_id, with_for_update=True)
    if job is None:
        raise NotFound("no-such-job", "没有这项重新转写。")
    (one,) = await _progress(session, select(Retranscription).where(Retranscription.id == job_id))
    if job.stopped_at is not None or one.count >= job.total:
        raise Conflict("job-over", "这项重新转写已经结束。")
    job.stopped_at, job.stopped_by = clock.now(), actor.name
    await record(session, actor, "transcript.again-stop", "retranscription", job.id, done=one.count, count=job.total)
    return job


async def jobs(session: AsyncSession, actor: Actor, limit: int = 50) -> list[Progress]:
    """The newest first."""
    actor.require(Permission.TRANSCRIPT_AGAIN)
    return await _progress(session, select(Retranscription).order_by(Retranscription.id.desc()).limit(limit))


async def _progress(session: AsyncSession, wanted: Select[Any]) -> list[Progress]:
    found: Sequence[Retranscription] = (await session.scalars(wanted)).all()
    item = RetranscriptionItem
    tally = select(item.job_id, item.outcome, func.count().label("n")).where(
        item.job_id.in_([job.id for job in found]), item.outcome.is_not(None)
    )
    done: dict[UUID, dict[Outcome, int]] = {job.id: {} for job in found}
    for row in await session.execute(tally.group_by(item.job_id, item.outcome)):
        done[row.job_id][Outcome(row.outcome)] = row.n
    return [Progress(job, done[job.id]) for job in found]


async def next_item(session: AsyncSession, passed: set[UUID]) -> tuple[UUID, Recording] | None:
    """What is to be heard next: of the oldest job that was not stopped -> the job and the recording."""
    item = RetranscriptionItem
    wanted = (
        select(item.job_id, Recording)
        .join(Retranscription, Retranscription.id == item.job_id)
        .join(Recording, Recording.id == item.recording_id)
        .where(item.outcome.is_(None), Retranscription.stopped_at.is_(None), Recording.id.not_in(passed))
        .order_by(item.job_id, item.recording_id.desc())
        .limit(1)
    )
    row = (await session.execute(wanted)).first()
    return (row[0], row[1]) if row else None


async def heard_before(session: AsyncSession, row: Recording, digest: str) -> bool:
    """Whether this model heard the whole recording again already."""
    run = TranscriptRun
    same = select(literal(1)).where(run.recording_id == row.id, run.model_digest == digest, run.why == Why.AGAIN)
    return await session.scalar(same.limit(1)) is not None


async def settle(session: AsyncSession, job_id: UUID, recording_id: UUID, outcome: Outcome) -> None:
    """Note what became of it."""
    item = await session.get(RetranscriptionItem, (job_id, recording_id), with_for_update=True)
    if item is not None and item.outcome is None:
        item.outcome, item.at = outcome, clock.now()
        hint(session, TOPIC, job_id)
