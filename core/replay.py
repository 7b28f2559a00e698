"""Jobs that gave up: a list that a person can see and replay."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.errors import Conflict
from core.ledger import record
from core.permissions import Permission


@dataclass(frozen=True)
class FailedJob:
    """A job that gave up, for a person to replay."""

    id: int
    name: str
    args: dict[str, Any]
    attempts: int
    failed_at: datetime | None


async def failed_jobs(session: AsyncSession, *, before: int | None = None, limit: int = 50) -> list[FailedJob]:
    """The newest failed jobs, those with a number below `before`."""
    rows = await session.execute(
        text(
            "SELECT j.id, j.task_name, j.args, j.attempts, max(e.at) FROM procrastinate_jobs j"
            " LEFT JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'failed'"
            " WHERE j.status = 'failed' AND j.id < :before GROUP BY j.id ORDER BY j.id DESC LIMIT :limit"
        ),
        {"before": before or 2**63 - 1, "limit": limit},
    )
    return [FailedJob(*row) for row in rows]


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
