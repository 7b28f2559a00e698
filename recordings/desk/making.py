"""What a worker makes of recordings, exports and redacted copies, one of a kind at a time: its row says how far it is,
a killed worker goes on, who cancels it is heard, and nothing half stays on the disk."""

import asyncio
import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.actor import Actor
from core.db import Database
from core.errors import Conflict, HotlineError, NotFound, Unavailable
from core.live import hint
from core.locks import try_hold
from core.log import get
from recordings.archive.rules import RATE, SAMPLE_BYTES
from recordings.desk.models import Making, MakingState
from recordings.models import Recording
from recordings.store.port import Damaged, Store

log = get(__name__)
EVERY_S = 2.0
TOLD_EVERY_S = 1.0
"""Between two notes of how far it is."""
RESERVE = 200 * 1024 * 1024
"""Bytes that are left free on the disk that something is made on."""
FULL = {errno.ENOSPC, errno.EDQUOT}
TO_MAKE = (MakingState.RUNNING, MakingState.QUEUED)
"""What a worker takes; what was begun comes first."""
M = TypeVar("M", bound=Making)
R = TypeVar("R")
Told = Callable[[int], None]


class Stopped(Exception):
    """It was cancelled meanwhile."""


class Failed(Exception):
    """It cannot be made; the text says why, in Chinese."""


class Unreadable(Exception):
    """A stored file cannot be read, or not as a whole; the text says why, in Chinese."""


def lossless(row: Recording) -> int:
    """Bytes that a copy of it takes at most: copies are lossless, whatever the form of the source is."""
    return max(row.size, round(row.seconds * RATE) * row.channels * SAMPLE_BYTES)


class Workshop(Generic[M]):
    """The worker's part of one kind. `work`: a folder of its own, on disk, for what is not whole yet."""

    kind: type[M]
    said: str
    """What is made, as people say it: 导出, 脱敏."""

    def __init__(self, db: Database, store: Store, *, work: Path) -> None:
        self._db, self._store, self._work = db, store, work

    async def step(self) -> None:
        """Do what comes before, clear what nobody wants any more, make what waits."""
        async with try_hold(self._db, f"making {self.kind.__tablename__}") as held:
            if held is None:
                return
            await asyncio.to_thread(self._work.mkdir, mode=0o700, parents=True, exist_ok=True)
            await self._before()
            while (one := await self._next()) is not None:
                await self._clear(but=str(one.id))
                await self._make(one)
            await self._clear()

    async def _before(self) -> None:
        """What is over in time."""

    async def _made(self, one: M, folder: Path) -> None:
        """Make it, to `READY`. Raises `Stopped`, `Failed`, `Unavailable`, OSError."""
        raise NotImplementedError

    def _finish(self, kept: M, one: M) -> None:
        """What its row says beside where it lies, now that it is made; `one` is as the worker has it in hand."""

    async def _ready(self, session: AsyncSession, one: M) -> None:
        """It is there: in the ledger and on the pages."""
        raise NotImplementedError

    async def _failed(self, session: AsyncSession, one: M) -> None:
        """It failed: in the ledger and on the pages."""
        raise NotImplementedError

    async def _next(self) -> M | None:
        async with self._db.session() as session:
            wanted = select(self.kind).where(self.kind.state.in_(TO_MAKE))
            wanted = wanted.order_by(self.kind.state.desc(), self.kind.id).limit(1).with_for_update()
            one = await session.scalar(wanted)
            if one is not None:
                one.state = MakingState.RUNNING
            return one

    async def _make(self, one: M) -> None:
        """To its end, whichever that is; `Unavailable` leaves it for the next step."""
        folder = self._work / str(one.id)
        no_room = f"磁盘空间不足，{self.said}没有完成，已清除半成品。请扩充磁盘后重新办理。"
        try:
            await asyncio.to_thread(folder.mkdir, mode=0o700, exist_ok=True)
            await self._made(one, folder)
        except Stopped:
            log.info("making.stopped", kind=self.kind.__tablename__, id=str(one.id))
        except Failed as error:
            await self._fail(one, str(error))
        except Unavailable as error:
            if error.id != "archive-full":
                raise
            await self._fail(one, no_room)
        except OSError as error:
            log.warning("making.disk", kind=self.kind.__tablename__, id=str(one.id), error=str(error))
            await self._fail(one, no_room if error.errno in FULL else "工作目录无法读写，请联系系统管理员。")
        except Exception:
            log.exception("making.failed", kind=self.kind.__tablename__, id=str(one.id))
            await self._fail(one, f"{self.said}时出现错误，已记录，请联系系统管理员。")
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _going(self, session: AsyncSession, one: M) -> M:
        """Its row, for a change. Raises `Stopped`."""
        kept = await session.get(self.kind, one.id, with_for_update=True)
        if kept is None or kept.state != MakingState.RUNNING:
            raise Stopped
        return kept

    async def _require_room(self, size: int) -> None:
        """Raise OSError where this many bytes would leave too few on the disk."""
        if (await asyncio.to_thread(shutil.disk_usage, self._work)).free < RESERVE + size:
            raise OSError(errno.ENOSPC, "less is free than is left free")

    async def _fetch(self, key: str, target: BinaryIO) -> None:
        """The stored file into `target`. Raises `Unreadable`, `Unavailable`."""
        try:
            async for block in self._store.read(key):
                await asyncio.to_thread(target.write, block)
        except (Damaged, NotFound) as error:
            raise unreadable(error) from error
        target.seek(0)

    async def _in_thread(self, one: M, topic: str, id: UUID, work: Callable[[Told], R]) -> R:
        """What takes long, in a thread: it tells how far it is, which is noted now and then and hinted at, and ends
        when it is cancelled or this worker ends. Raises `Stopped` and whatever it raises."""
        far, over = 0, False

        def told(done: int) -> None:
            nonlocal far
            far = done
            if over:
                raise Stopped

        task = asyncio.create_task(asyncio.to_thread(work, told))
        try:
            while not (await asyncio.wait({task}, timeout=TOLD_EVERY_S))[0]:
                async with self._db.session() as session:
                    kept = await self._going(session, one)
                    kept.done = min(far, kept.total)
                    hint(session, topic, id)
            return task.result()
        finally:
            over = True
            if not task.done():
                await asyncio.wait({task})

    async def _keep(self, one: M, key: str, file: BinaryIO, digest: str) -> None:
        """Store what was made, and say on its row that it is ready; who cancelled it meanwhile finds nothing stored."""
        size = file.seek(0, 2)
        await self._store.put(key, file, digest)
        try:
            async with self._db.session() as session:
                kept = await self._going(session, one)
                kept.state, kept.finished_at, kept.done = MakingState.READY, clock.now(), kept.total
                kept.store_key, kept.size, kept.digest = key, size, digest
                self._finish(kept, one)
                await self._ready(session, kept)
        except Stopped:
            await self._store.delete(key)
            raise

    async def _fail(self, one: M, why: str) -> None:
        async with self._db.session() as session:
            kept = await session.get(self.kind, one.id, with_for_update=True)
            if kept is not None and kept.state == MakingState.RUNNING:
                kept.state, kept.trouble, kept.finished_at = MakingState.FAILED, why[:300], clock.now()
                await self._failed(session, kept)

    async def _clear(self, but: str = "") -> None:
        """Folders of what ended without this worker."""
        for folder in await asyncio.to_thread(lambda: list(self._work.iterdir())):
            if folder.name != but:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def unreadable(error: Exception) -> Unreadable:
    """Why a recording cannot be read, for whoever has to see to it."""
    return Unreadable(error.message.rstrip("。") if isinstance(error, HotlineError) else "不是完整的录音文件，无法解码")


def stop(one: Making, waits: tuple[str, ...], said: str) -> None:
    """Nobody wants it any more. Raises `Conflict("over-already")` where it is over."""
    if one.state not in waits:
        raise Conflict("over-already", f"这次{said}已经结束，请刷新页面。")
    one.state, one.finished_at = MakingState.CANCELLED, clock.now()


def asker_of(one: Making) -> Actor:
    """In whose name the worker makes it."""
    return Actor(one.by_id, one.by_name)
