"""The worker's service for replicas: each follows the primary on its own, and 系统状态 says how far each is behind."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from core import clock
from core.db import Database
from core.health import Health
from core.locks import try_hold
from core.service import Loop
from recordings.store.copies import Lag
from recordings.store.replicate import Replica
from recordings.store.replicated import ReplicatedStore

PART = "录音副本"
EVERY_S = 2.0
COMPARE_EVERY_S = 24 * 3600.0
LONGEST_STEP_S = 10.0
"""Then somebody else, such as a command, may work at the replica."""
LATE = timedelta(hours=1)
"""A replica that is further behind is not well."""
MEND = "请检查该副本的磁盘或网络；恢复后自动补齐。也可运行 hotline archive mirror --to 副本名称 尽快补齐。"


def lock_of(name: str) -> str:
    """Of who works at this replica."""
    return f"archive-replica:{name}"


class Replication:
    """Brings every store that is not the primary up to it; one worker at a time does. Without replicas it rests."""

    name = PART

    def __init__(self, db: Database, stores: ReplicatedStore, *, days: Callable[[], int], mb_per_s: float) -> None:
        names = stores.names if len(stores.names) > 1 else ()
        self._stores = stores
        self._followers = [Follower(db, stores, name, days, mb_per_s) for name in names]

    async def start(self) -> None:
        """Go on where the last process ended."""
        for follower in self._followers:
            await follower.loop.start()

    async def stop(self) -> None:
        """A copy that is being made is made again."""
        for follower in self._followers:
            await follower.loop.stop()

    async def step(self) -> None:
        """One step of each, also where another fails with what this raises."""
        outcome = await asyncio.gather(*(one.step() for one in self._followers), return_exceptions=True)
        for error in outcome:
            if isinstance(error, BaseException):
                raise error

    async def health(self) -> Health:
        """Not well while a replica is away or more than an hour behind."""
        if not self._followers:
            return Health(PART, True, "没有设置副本")
        said = [await follower.said() for follower in self._followers]
        shown = [line for _, line in said if line]
        ok = all(fine for fine, _ in said)
        return Health(PART, ok, "；".join(shown), "" if ok else MEND)


class Follower:
    """One store's part in it."""

    def __init__(
        self, db: Database, stores: ReplicatedStore, name: str, days: Callable[[], int], mb_per_s: float
    ) -> None:
        self._db, self._stores, self._name, self._days = db, stores, name, days
        self._replica = Replica(db, stores, name, mb_per_s)
        self._compared = -COMPARE_EVERY_S
        self.loop = Loop(f"{PART}：{name}", EVERY_S, self.step)

    async def step(self) -> None:
        """Compare once a day, copy what is due, else read what nobody has read for a cycle."""
        async with try_hold(self._db, lock_of(self._name)) as held:
            if held is None:
                return
            if await self._replica.is_primary():
                await self._stores.copies.forget(self._name)
                self._compared = -COMPARE_EVERY_S
                return
            if time.monotonic() - self._compared >= COMPARE_EVERY_S:
                await self._replica.compare()
                self._compared = time.monotonic()
            began = time.monotonic()
            while not (await self._replica.catch_up()).nothing:
                if time.monotonic() - began > LONGEST_STEP_S:
                    return
            await self._replica.read_again(clock.now() - timedelta(days=self._days()))

    async def said(self) -> tuple[bool, str]:
        """Whether it is well, and a sentence; none where it is the primary."""
        if await self._replica.is_primary():
            return True, f"{self._name}：主存储"
        state = await self.loop.health()
        lag = await self._stores.copies.lag(self._name)
        fine = state.ok and not late(lag, clock.now())
        trouble = state.detail if not state.ok else lag.trouble
        more = f"，{trouble.rstrip('。')}" if trouble else ""
        return fine, f"{self._name}：{behind(lag, clock.now())}{more}"


def late(lag: Lag, at: datetime) -> bool:
    """Whether it is further behind than is well."""
    return lag.since is not None and lag.since < at - LATE


def behind(lag: Lag, at: datetime) -> str:
    """How far, for the person on duty."""
    if lag.since is None:
        return "已同步"
    minutes = int((at - lag.since).total_seconds() // 60)
    ago = f"{minutes} 分钟" if minutes < 120 else f"{minutes // 60} 小时"
    return f"落后 {lag.count} 份，最早的已等待 {ago}"
