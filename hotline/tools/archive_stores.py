"""`hotline archive mirror` and `hotline archive switch`: another store for all recordings, while calls go on."""

import asyncio
import time
from collections.abc import Callable

from core.db import Database
from core.errors import Conflict
from core.locks import try_hold
from hotline.settings import Settings
from hotline.tools.archive import instance
from recordings.store import switch as stores_switch
from recordings.store.choose import open_store
from recordings.store.replicate import Replica
from recordings.store.replication import lock_of
from recordings.store.switch import Mirrored

SAY_EVERY_S = 5.0
LOOK_EVERY_S = 0.2
PATIENCE_S = 60.0
Say = Callable[[str], object]


async def mirror(settings: Settings, name: str, mb_per_s: float | None, say: Say) -> Mirrored:
    """Copy whatever the store lacks. Raises `Invalid("store-unknown")`, `Conflict("already-primary" | "mirroring")`."""
    async with instance(settings) as runtime:
        stores = open_store(settings.recordings, runtime.home, runtime.db, runtime.secrets)
        replica = Replica(runtime.db, stores, name, mb_per_s)
        if await replica.is_primary():
            raise Conflict("already-primary", f"“{name}”就是主存储。")
        return await _alone(runtime.db, replica, name, _Progress(say))


async def _alone(db: Database, replica: Replica, name: str, told: Callable[[int, int], object]) -> Mirrored:
    """The worker lets the replica go at the end of a step."""
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        async with try_hold(db, lock_of(name)) as held:
            if held is not None:
                return await stores_switch.mirror(replica, told)
        await asyncio.sleep(LOOK_EVERY_S)
    raise Conflict("mirroring", f"另一个命令正在向“{name}”复制。")


async def switch(settings: Settings, name: str, *, lost: bool) -> str:
    """Make it the primary -> the one before. Raises as `recordings.store.switch.switch`."""
    async with instance(settings) as runtime:
        stores = open_store(settings.recordings, runtime.home, runtime.db, runtime.secrets)
        return await stores_switch.switch(runtime.db, stores, name, lost=lost)


class _Progress:
    """Says how far it is, not too often."""

    def __init__(self, say: Say) -> None:
        self._say, self._said = say, 0.0

    def __call__(self, copied: int, size: int) -> None:
        if time.monotonic() - self._said >= SAY_EVERY_S:
            self._said = time.monotonic()
            self._say(f"已复制 {copied} 份，{size / 1e6:.1f} MB")
