"""Work that must happen even if a process dies now: jobs in PostgreSQL, through procrastinate (its only importer).

A job is deferred on the caller's own session, so it exists exactly if the caller's change does. A job that
raises `Unavailable` is tried again with capped, jittered back-off; any other error makes it a failed job, which
a person can see and replay. A job may run twice: its handler is idempotent by a unique key of what it writes.
"""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar, cast

import procrastinate
from procrastinate.jobs import Job as QueuedJob
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import FRESH_S, Database
from core.errors import Unavailable
from core.health import Health
from core.live import Listener
from core.log import call as log_call
from core.log import get

log = get(__name__)
T = TypeVar("T")

STALLED_AFTER_S = 60.0
SWEEP_EVERY_S = 15.0
HEARTBEAT_S = 10.0
POLL_S = 5.0
KEEP_FINISHED_H = 24 * 7
FORGET_EVERY_S = 3600.0
"""Looking for old finished jobs reads all of them."""


@dataclass(frozen=True)
class Retry(procrastinate.BaseRetryStrategy):
    """How often and how soon a job is tried again after `Unavailable`: base * 2**n, at most `cap_s`, ±25 %."""

    attempts: int = 50
    base_s: float = 1.0
    cap_s: float = 300.0

    def delay(self, attempt: int, spread: float) -> float:
        """Seconds before try number `attempt` + 1; `spread` in 0..1 chooses within ±25 %."""
        return min(self.cap_s, self.base_s * 2.0 ** min(attempt, 30)) * (0.75 + spread / 2)

    def get_retry_decision(self, *, exception: BaseException, job: QueuedJob) -> procrastinate.RetryDecision | None:
        """procrastinate's question; None means: failed, for a person to see."""
        if not isinstance(exception, Unavailable) or job.attempts >= self.attempts:
            return None
        wait = round(self.delay(job.attempts, random.random()) * 1000)
        return procrastinate.RetryDecision(retry_in={"milliseconds": wait})  # by the time that the database goes by


@dataclass(frozen=True)
class JobContext:
    """What a handler works with: the database and the services of its process."""

    db: Database
    services: Mapping[type, object] = field(default_factory=dict)
    attempt: int = 0

    def service(self, kind: type[T]) -> T:
        """The process's service of this type; `Unavailable` when this process has none."""
        if kind not in self.services:
            raise Unavailable("service-missing", f"本进程未提供服务：{kind.__name__}")
        return cast(T, self.services[kind])


Handler = Callable[..., Awaitable[None]]


@dataclass(frozen=True)
class Job:
    """A handler with the name under which it is queued."""

    name: str
    handler: Handler
    queue: str
    retry: Retry


JOBS: dict[str, Job] = {}


def job(name: str, *, queue: str = "default", retry: Retry | None = None) -> Callable[[Handler], Job]:
    """Make `async def handler(ctx: JobContext, **json_args)` a job named `name`."""

    def decorate(handler: Handler) -> Job:
        if name in JOBS:
            raise ValueError(f"two jobs are named {name}")
        made = JOBS[name] = Job(name, handler, queue, retry or Retry())
        return made

    return decorate


_DEFER = text(
    "SELECT (procrastinate_defer_jobs_v1(ARRAY[ROW(:queue, :task, :priority, :lock, :queueing_lock,"
    " CAST(:args AS jsonb), CAST(:at AS timestamptz))::procrastinate_job_to_defer_v1]))[1]"
)


async def defer(
    session: AsyncSession,
    what: Job,
    *,
    at: datetime | None = None,
    lock: str | None = None,
    queueing_lock: str | None = None,
    priority: int = 0,
    **args: Any,
) -> int | None:
    """Queue `what` with JSON `args` in this transaction -> the job's number.

    Jobs with the same `lock` run one after the other. With a `queueing_lock`, None when one already waits
    (the lock frees when that job starts, so this thins work out and is no idempotency).
    """
    row = {
        "queue": what.queue,
        "task": what.name,
        "priority": priority,
        "lock": lock,
        "queueing_lock": queueing_lock,
        "args": json.dumps(args, ensure_ascii=False),
        "at": at,
    }
    if queueing_lock is None:
        return cast(int, (await session.execute(_DEFER, row)).scalar_one())
    try:
        async with session.begin_nested():
            return cast(int, (await session.execute(_DEFER, row)).scalar_one())
    except IntegrityError as error:
        if "procrastinate_jobs_queueing_lock" not in str(error.orig):
            raise
        return None


class _Connection(Listener):
    """The queue's connection: each statement commits by itself, since none of its acts takes two."""

    used_at = 0.0


async def _commit_by_itself(connection: _Connection) -> None:
    await connection.set_autocommit(True)


async def _note_use(connection: _Connection) -> None:
    connection.used_at = time.monotonic()


async def _try_if_stale(connection: _Connection) -> None:
    """As `Database` does: only a connection that rested is asked whether it is there, not each at every statement."""
    if time.monotonic() - connection.used_at >= FRESH_S:
        await AsyncConnectionPool.check_connection(connection)


def _pool(**given: Any) -> AsyncConnectionPool[Any]:
    ours = {"configure": _commit_by_itself, "check": _try_if_stale, "reset": _note_use}
    return AsyncConnectionPool(**given | ours, connection_class=_Connection)


def _app(dsn: str) -> procrastinate.App:
    connector = procrastinate.PsycopgConnector(conninfo=dsn, min_size=1, max_size=4, timeout=5, pool_factory=_pool)
    return procrastinate.App(connector=connector)


class Worker:
    """Runs the jobs of the given queues (None: all); survives an outage of the database."""

    name = "jobs"

    def __init__(
        self,
        db: Database,
        *,
        services: Mapping[type, object] | None = None,
        queues: list[str] | None = None,
        concurrency: int = 8,
    ) -> None:
        self._db = db
        self._services = dict(services or {})
        self._queues = queues
        self._concurrency = concurrency
        self._task: asyncio.Task[None] | None = None
        self._trouble: str | None = None

    async def start(self) -> None:
        """Begin to take jobs."""
        self._task = asyncio.create_task(self._run(), name="jobs")

    async def stop(self) -> None:
        """Let running jobs end (at most ten seconds), take no more."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def health(self) -> Health:
        """Well while the queue can be read."""
        return Health("后台任务", self._trouble is None, self._trouble or "运行正常", "检查数据库是否可用。")

    async def _run(self) -> None:
        while True:
            try:
                async with _app(self._db.dsn).open_async() as app:
                    for known in JOBS.values():
                        app.task(name=known.name, queue=known.queue, retry=known.retry, pass_context=True)(
                            self._runner(known)
                        )
                    self._trouble = None
                    async with asyncio.TaskGroup() as group:
                        sweeper = group.create_task(self._sweep(app))
                        await app.run_worker_async(
                            queues=self._queues or sorted({known.queue for known in JOBS.values()}),
                            concurrency=self._concurrency,
                            install_signal_handlers=False,
                            listen_notify=True,
                            fetch_job_polling_interval=POLL_S,
                            shutdown_graceful_timeout=10,
                            update_heartbeat_interval=HEARTBEAT_S,
                            stalled_worker_timeout=STALLED_AFTER_S,
                        )
                        sweeper.cancel()
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # noqa: BLE001 - a worker outlives its database
                self._trouble = "任务队列暂时不可用"
                log.warning("jobs.reconnecting", error=type(error).__name__)
            await asyncio.sleep(1)

    def _runner(self, known: Job) -> Callable[..., Awaitable[None]]:
        async def run(context: procrastinate.JobContext, **args: Any) -> None:
            attempt, id = (context.job.attempts, context.job.id) if context.job else (0, None)
            with log_call(_call_of(args)):
                try:
                    await known.handler(JobContext(self._db, self._services, attempt), **args)
                except Unavailable as error:
                    log.warning("job.later", job=known.name, id=id, attempt=attempt, error=error.id)
                    raise
                except Exception:
                    log.exception("job.failed", job=known.name, id=id, attempt=attempt)
                    raise

        return run

    async def _sweep(self, app: procrastinate.App) -> None:
        """Give the jobs of killed workers back, and forget old finished ones."""
        forget_at = 0.0
        while True:
            await _revive(app)
            if time.monotonic() >= forget_at:
                await app.job_manager.delete_old_jobs(nb_hours=KEEP_FINISHED_H)
                forget_at = time.monotonic() + FORGET_EVERY_S
            await asyncio.sleep(SWEEP_EVERY_S)


def _call_of(args: Mapping[str, Any]) -> str | None:
    """The one call that a job's events tell of; None where they tell of none or of several."""
    calls = {event.get("call_id") for event in args.get("events", ())}
    return calls.pop() if len(calls) == 1 else None


async def _revive(app: procrastinate.App) -> None:
    for stalled in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
        log.warning("jobs.revived", job=stalled.id, task=stalled.task_name)
        await app.job_manager.retry_job(stalled)


async def revive_stalled(db: Database) -> None:
    """Give the jobs of killed workers back now; running workers do it by themselves."""
    async with _app(db.dsn).open_async() as app:
        await _revive(app)


async def run_pending(db: Database, *, services: Mapping[type, object] | None = None) -> None:
    """Run what is due now and return (tests and commands; the same runner as the worker's)."""
    worker = Worker(db, services=services)
    async with _app(db.dsn).open_async() as app:
        for known in JOBS.values():
            app.task(name=known.name, queue=known.queue, retry=known.retry, pass_context=True)(worker._runner(known))
        await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False, concurrency=4)
