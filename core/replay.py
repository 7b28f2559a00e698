"""Jobs that gave up: a list that a person can see and replay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Text, column, func, or_, select, table, text
from sqlalchemy.dialects.postgresql import ENUM, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.db import UtcDateTime, among
from core.errors import Conflict
from core.ledger import record
from core.permissions import Permission

_STATUS = ENUM("failed", name="procrastinate_job_status", create_type=False)
_TYPE = ENUM("failed", name="procrastinate_job_event_type", create_type=False)
_JOBS = table(
    "procrastinate_jobs",
    column("id", BigInteger),
    column("task_name", Text),
    column("args", JSONB),
    column("attempts"),
    column("status", _STATUS),
)
_EVENTS = table("procrastinate_events", column("job_id", BigInteger), column("type", _TYPE), column("at", UtcDateTime))
"""The queue's own tables, as far as they are read here."""


@dataclass(frozen=True)
class FailedJob:
    """A job that gave up, for a person to replay."""

    id: int
    name: str
    args: dict[str, Any]
    attempts: int
    failed_at: datetime | None


@dataclass(frozen=True)
class Sought:
    """One word of a search: it is a job's number, or stands in what jobs of these names do."""

    number: int | None
    names: Sequence[str]


@dataclass(frozen=True)
class Wanted:
    """Which failed jobs, by their number; all of `words` are true of each."""

    words: Sequence[Sought] = ()
    name: str = ""
    oldest_first: bool = False


async def failed_jobs(
    session: AsyncSession, wanted: Wanted | None = None, *, after: int | None = None, limit: int = 50
) -> list[FailedJob]:
    """A page of the failed jobs, from behind the number `after` on."""
    wanted = wanted or Wanted()
    failed_at = func.max(_EVENTS.c.at).filter(_EVENTS.c.type == "failed")
    query = (
        select(_JOBS.c.id, _JOBS.c.task_name, _JOBS.c.args, _JOBS.c.attempts, failed_at)
        .outerjoin(_EVENTS, _EVENTS.c.job_id == _JOBS.c.id)
        .where(_JOBS.c.status == "failed")
        .group_by(_JOBS.c.id, _JOBS.c.task_name, _JOBS.c.args, _JOBS.c.attempts)
        .order_by(_JOBS.c.id if wanted.oldest_first else _JOBS.c.id.desc())
        .limit(limit)
    )
    if wanted.name:
        query = query.where(_JOBS.c.task_name == wanted.name)
    for word in wanted.words:
        query = query.where(or_(_JOBS.c.id == word.number, among(_JOBS.c.task_name, word.names)))
    if after is not None:
        query = query.where(_JOBS.c.id > after if wanted.oldest_first else _JOBS.c.id < after)
    return [FailedJob(*row) for row in await session.execute(query)]


async def count_failed(session: AsyncSession) -> int:
    """How many jobs wait for a person."""
    return await session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'")) or 0


async def replay(session: AsyncSession, actor: Actor, job_id: int, reason: str) -> None:
    """A person queues a failed job once more. Raises Denied, or Conflict where it does not wait for that any more."""
    actor.require(Permission.SYSTEM_ADMIN)
    found = await session.execute(
        text("SELECT task_name FROM procrastinate_jobs WHERE id = :id AND status = 'failed' FOR UPDATE"), {"id": job_id}
    )
    name = found.scalar_one_or_none()
    if name is None:
        raise Conflict("job-not-failed", "这项任务已被重新执行，或已不存在。")
    await session.execute(text("SELECT procrastinate_retry_job_v2(:id, now(), NULL, NULL, NULL)"), {"id": job_id})
    await record(session, actor, "job.replay", "job", job_id, reason=reason, name=name)
