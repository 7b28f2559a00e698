"""What brings a replica up to the primary and keeps it there, one step after the other; each may be the last.

Whatever is to be done stands in `archive_copies`: a kill, an outage and a backlog change nothing but how long it takes.
"""

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core import clock
from core.actor import SYSTEM
from core.db import Database
from core.errors import HotlineError, NotFound, Unavailable
from core.ledger import record
from core.log import get
from recordings.store.copies import Copies
from recordings.store.models import ArchiveCopy
from recordings.store.replicated import ReplicatedStore

log = get(__name__)
BATCH = 20
ON_ITS_WAY = timedelta(minutes=1)
"""A copy is noted before its object is put; for so long nobody wonders where it is."""
NEVER_CAME = timedelta(days=1)
"""A copy was noted and its object did not come into the primary for so long: the put died, another took its place."""


@dataclass(frozen=True)
class Done:
    """What one step did."""

    copied: int = 0
    size: int = 0
    read_again: int = 0
    failed: tuple[str, ...] = ()
    """A sentence each."""

    @property
    def nothing(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.copied or self.read_again or self.failed)


class Replica:
    """One replica. Raises `Unavailable` while it, the primary or the database is away."""

    def __init__(self, db: Database, stores: ReplicatedStore, name: str, mb_per_s: float | None) -> None:
        stores.within(name)
        self._db, self._stores, self._name = db, stores, name
        self._bytes_per_s = mb_per_s * 1e6 if mb_per_s else None

    @property
    def _copies(self) -> Copies:
        return self._stores.copies

    async def is_primary(self) -> bool:
        """Whether it is none at present."""
        return await self._copies.primary() == self._name

    async def compare(self) -> None:
        """List both stores and note what the replica lacks."""
        await self.want_unknown()
        await self.want_lost()

    async def want_unknown(self) -> None:
        """What the primary's list has and nobody noted."""
        primary, _ = await self._stores.primary()
        there = [stat.key async for stat in self._stores.within(primary).list()]
        await self._copies.want_unknown(self._name, there)

    async def want_lost(self) -> None:
        """What the replica held and its list has no more."""
        held = await self._copies.held(self._name)
        here = {stat.key: stat.size async for stat in self._stores.within(self._name).list()}
        lost = [name for name, size in held.items() if here.get(name) != size]
        if lost:
            await self._lost(lost, "副本中的文件缺失或长度不符")

    async def catch_up(self) -> Done:
        """Copy and delete the next of what is due."""
        primary, done = await self._copies.primary(), Done()
        for copy in await self._copies.due(self._name, BATCH):
            began = time.monotonic()
            try:
                size = await self._bring(copy, primary)
                if size is not None:
                    done = replace(done, copied=done.copied + 1, size=done.size + size)
                    await self._pause(began, size)
            except Unavailable:
                raise
            except HotlineError as error:
                log.warning("archive.not-copied", name=copy.name, store=self._name, why=error.message)
                await self._copies.failed(copy, error.message)
                done = replace(done, failed=(*done.failed, f"{copy.name}：{error.message}"))
        return done

    async def read_again(self, before: datetime) -> Done:
        """Read the next copies that nobody has read since, and have those replaced that are not what was copied."""
        done = Done()
        for copy in await self._copies.read_before(self._name, before, BATCH):
            began = time.monotonic()
            try:
                digest, size = await self._stores.digest_in(self._name, copy.name)
            except NotFound:
                digest, size = "", 0
            if digest == copy.digest:
                await self._copies.verified(copy, digest, size)
            else:
                await self._lost([copy.name], "副本中的文件缺失或内容不符")
            done = replace(done, read_again=done.read_again + 1)
            await self._pause(began, size)
        return done

    async def _bring(self, copy: ArchiveCopy, primary: str) -> int | None:
        """Its bytes; None where its object is not in the primary yet."""
        if copy.doomed:
            await self._stores.within(self._name).delete(copy.name)
            await self._copies.gone(copy)
            return 0
        try:
            return await self._stores.copy(copy, primary)
        except NotFound:
            age = clock.now() - copy.wanted_at
            if age < ON_ITS_WAY:
                return None
            if age < NEVER_CAME:
                raise
            log.warning("archive.never-came", name=copy.name, store=self._name)
            await self._copies.gone(copy)
            return 0

    async def _lost(self, names: list[str], why: str) -> None:
        log.warning("archive.replica-wrong", store=self._name, names=names[:BATCH], count=len(names), why=why)
        await self._copies.want_again(self._name, names, why)
        async with self._db.session() as session:
            about = ("archive.replica-wrong", "archive", self._name)
            await record(session, SYSTEM, *about, finding=why, count=len(names), names=names[:BATCH])

    async def _pause(self, began: float, size: int) -> None:
        if self._bytes_per_s:
            await asyncio.sleep(max(0.0, size / self._bytes_per_s - (time.monotonic() - began)))
