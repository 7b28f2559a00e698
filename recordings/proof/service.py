"""The worker's two services: one seals each day after midnight, one reads the whole archive again and again."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from core import clock
from core.db import Database
from core.health import Health
from core.locks import still_held, try_hold
from core.service import Loop
from recordings.models import Recording
from recordings.proof.check import (
    Standing,
    behind,
    check_object,
    check_seal,
    in_turn,
    seals_to_check,
    standing,
    to_check,
)
from recordings.proof.seal import seal_due
from recordings.proof.signing import Signer
from recordings.proof.statement import chinese_day
from recordings.store.masters import MasterKeys
from recordings.store.models import ArchiveKey
from recordings.store.replicated import ReplicatedStore

SEAL_EVERY_S = 60.0
CHECK_EVERY_S = 30.0
SEALING, CHECKING = "录音封存", "录音核验"
"""Parts of the health board."""
MEND = "请按处置手册“录音”处理：从备份恢复文件，再运行 hotline archive verify。"


def sealer(db: Database, signer: Signer) -> Loop:
    """The service that seals."""

    async def step() -> None:
        await seal_due(db, signer)

    return Loop(SEALING, SEAL_EVERY_S, step)


class CheckService:
    """Reads every archived object in a cycle of `days()` days, slower than `mb_per_s`; one worker at a time does."""

    name = CHECKING

    def __init__(
        self,
        db: Database,
        stores: ReplicatedStore,
        signer: Signer,
        masters: MasterKeys,
        *,
        days: Callable[[], int],
        mb_per_s: float,
    ) -> None:
        self._db, self._stores, self._signer, self._masters = db, stores, signer, masters
        self._days, self._bytes_per_s = days, mb_per_s * 1e6
        self._loop = Loop(self.name, CHECK_EVERY_S, self.step)
        self._standing: Standing | None = None
        self._absent: tuple[str, ...] = ()
        self._known: frozenset[str] = frozenset()

    async def start(self) -> None:
        """Begin where the last process ended: what was read is written down."""
        await self._loop.start()

    async def stop(self) -> None:
        """An object that is being read is read again."""
        await self._loop.stop()

    async def step(self) -> None:
        """Read whatever is due. Raises `Unavailable` without a device that holds master keys: nothing can be read then,
        and nothing be said of a recording."""
        self._known = await self._masters.known()
        async with try_hold(self._db, "archive-check") as held:
            if held is not None:
                await self._read_due(held)
        await self._look()

    async def health(self) -> Health:
        """Not well while anything was found wrong, a master key is absent, or reading lags two cycles behind."""
        found = self._standing
        if found is None:
            return await self._loop.health()
        wrong = [f"缺少主密钥 {one}" for one in self._absent]
        for one in found.wrong:
            some, more = "、".join(map(str, one.first)), "等" if one.count > len(one.first) else ""
            wrong.append(f"{one.count} 份{one.called}与归档时不同：{some}{more}")
        wrong += [f"{chinese_day(day)}的封存核验发现问题" for day in found.wrong_days[:3]]
        if wrong:
            return Health(CHECKING, False, "；".join(wrong), MEND)
        if behind(found, clock.now(), self._days()):
            mend = "请调高设置 recordings.verify_mb_per_s，或在运行规则中放宽核验周期。"
            return Health(CHECKING, False, "核验赶不上周期：有档案超过两个周期没有核验", mend)
        said = await self._loop.health()
        shown = {one: count for one, count in found.counts.items() if count or one == Recording.called}
        every = "、".join(f"{count} 份{called}" for called, count in shown.items())
        return Health(CHECKING, said.ok, said.detail if not said.ok else f"{every}，未发现问题")

    async def _read_due(self, held: AsyncConnection) -> None:
        cycle = timedelta(days=self._days())
        while True:
            async with self._db.session() as session:
                rows = await to_check(session, clock.now() - cycle)
            for some in in_turn(rows):
                await still_held(held)
                began = time.monotonic()
                await asyncio.gather(*(check_object(self._db, self._stores, row) for row in some))
                due = sum(row.size for row in some) / self._bytes_per_s
                await asyncio.sleep(max(0.0, due - (time.monotonic() - began)))
            if not rows:
                break
            await self._look()
        async with self._db.session() as session:
            days = await seals_to_check(session, clock.now() - cycle)
        for day in days:
            await still_held(held)
            await check_seal(self._db, day, self._signer.known())

    async def _look(self) -> None:
        async with self._db.session() as session:
            used = set(await session.scalars(select(ArchiveKey.master_id).distinct()))
            self._standing = await standing(session)
        self._absent = tuple(sorted(used - self._known))
