"""Where facts enter: into PostgreSQL within 200 ms, else onto the disk, from where they follow."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from prometheus_client import Counter

from callflow import store
from callflow.facts import Fact
from callflow.spool import Spool
from core.db import Database
from core.errors import Unavailable
from core.health import Health
from core.log import get
from core.service import Loop

log = get(__name__)

LIMIT_S = 0.2
"""Longest wait for PostgreSQL: a caller hears nothing of it."""
BATCH = 200
REPLAY_EVERY_S = 1.0

SAVED = Counter("hotline_line_facts_saved", "Facts written to PostgreSQL")
SPOOLED = Counter("hotline_line_facts_spooled", "Facts kept on disk because PostgreSQL was late or away")
POISON = Counter("hotline_line_facts_set_aside", "Facts and journal lines that nobody could read or store")


@dataclass
class _Batch:
    facts: list[Fact] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    saved: bool = False


class FactSink:
    """The line role's one door for facts. While a transaction runs, what arrives forms the next one."""

    name = "fact-sink"

    def __init__(self, db: Database, spool: Spool) -> None:
        self._db = db
        self._spool = spool
        self._disk = threading.Lock()
        self._next = _Batch()
        self._filled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._replay = Loop("fact-replay", REPLAY_EVERY_S, self.replay)
        self._trouble: str | None = None

    async def start(self) -> None:
        """Begin to write, and to replay what a former process left."""
        self._task = asyncio.create_task(self._run(), name=self.name)
        await self._replay.start()

    async def stop(self) -> None:
        """Keep what is still waiting, on disk."""
        await self._replay.stop()
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._next.facts:
            await self._keep(self._next.facts)

    async def health(self) -> Health:
        """Well while nothing waits on disk and nothing was set aside."""
        if self._trouble:
            return Health(self.name, False, self._trouble, "请检查磁盘空间。")
        if poisoned := self._spool.poisoned:
            return Health(self.name, False, f"有 {poisoned} 行记录无法识别。", "请查看 spool/facts/poison.txt。")
        waiting = self._spool.waiting
        return Health(self.name, waiting < 2, "有通话事实在等待写入数据库。" if waiting else "运行正常")

    async def put(self, *facts: Fact) -> None:
        """Keep facts for good: in PostgreSQL, or after 200 ms on disk. Raises OSError when neither can."""
        if not facts:
            return
        batch = self._next
        batch.facts.extend(facts)
        self._filled.set()
        try:
            async with asyncio.timeout(LIMIT_S):
                await batch.done.wait()
        except TimeoutError:
            pass  # kept on disk below; if the transaction still succeeds, replaying it changes nothing
        if not batch.saved:
            await self._keep(facts)

    async def _keep(self, facts: Sequence[Fact]) -> None:
        SPOOLED.inc(len(facts))
        try:
            await asyncio.to_thread(self._append, facts)
            self._trouble = None
        except OSError:
            self._trouble = "通话事实既不能写入数据库，也不能写入磁盘。"
            log.exception("facts.unwritable", count=len(facts))
            raise

    def _append(self, facts: Sequence[Fact]) -> None:
        with self._disk:
            self._spool.append(facts)

    async def _run(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            batch, self._next = self._next, _Batch()
            try:
                await self.save(batch.facts)
                batch.saved = True
            except Unavailable:
                log.warning("facts.database-away", count=len(batch.facts))
            except Exception:
                log.exception("facts.batch-failed", count=len(batch.facts))
            finally:
                batch.done.set()

    async def save(self, facts: Sequence[Fact]) -> None:
        """Store facts; one that PostgreSQL refuses is set aside and costs the others nothing.

        Raises Unavailable when the database is away.
        """
        for start in range(0, len(facts), BATCH):
            part = facts[start : start + BATCH]
            try:
                async with self._db.session() as session:
                    await store.save(session, part)
                SAVED.inc(len(part))
            except Unavailable:
                raise
            except Exception:
                log.exception("facts.refused", count=len(part))
                await self._one_by_one(part)

    async def _one_by_one(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            try:
                async with self._db.session() as session:
                    await store.save(session, [fact])
            except Unavailable:
                raise
            except Exception:
                log.exception("facts.set-aside", kind=fact.kind, linkedid=fact.linkedid)
                await self.set_aside([fact.model_dump_json(exclude={"data"})])

    async def set_aside(self, lines: Sequence[str]) -> None:
        """Keep unreadable lines for a person."""
        POISON.inc(len(lines))
        await asyncio.to_thread(self._spool.set_aside, lines)

    async def replay(self) -> None:
        """Bring what waits on disk into PostgreSQL."""
        if not self._spool.waiting:
            return
        await self._db.ping()
        with self._disk:
            complete = self._spool.rotate()
        for path in complete:
            facts, bad = await asyncio.to_thread(self._spool.read, path)
            await self.save(facts)
            if bad:
                await self.set_aside(bad)
            await asyncio.to_thread(self._spool.forget, path)
            log.info("facts.replayed", count=len(facts))
