"""Copying a whole archive into another store, and making that store the primary, while calls go on."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import case, delete, func, insert, literal, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.actor import SYSTEM
from core.db import Database
from core.errors import Conflict
from core.ledger import record
from core.locks import lock
from recordings.models import Recording
from recordings.store.copies import HELD, LOCK, primary_of
from recordings.store.models import ArchiveCopy, ArchivePrimary
from recordings.store.port import SUFFIX
from recordings.store.replicate import BATCH, Replica
from recordings.store.replicated import ReplicatedStore

C = ArchiveCopy
MOMENT_S = 5.0
LOOK_EVERY_S = 0.05
SHOWN = 20
"""Missing objects that are named."""


class StoreIncomplete(Conflict):
    """The store is not fit to be the primary; the sentence says what it lacks."""

    def __init__(self, name: str, absent: list[str]) -> None:
        some = "、".join(absent[:SHOWN]) + ("等" if len(absent) > SHOWN else "")
        mend = f"请先运行 hotline archive mirror --to {name}。"
        super().__init__("store-incomplete", f"“{name}”还缺 {len(absent)} 份，不能成为主存储：{some}。{mend}")


@dataclass(frozen=True)
class Mirrored:
    """What was copied, and what could not be, a sentence each."""

    copied: int
    size: int
    failed: tuple[str, ...]


async def mirror(replica: Replica, told: Callable[[int, int], object]) -> Mirrored:
    """Copy all that the store lacks, verified; `told` is given objects and bytes now and then.

    May be interrupted at any time and run again: what is noted as verified is not read again. Raises `Unavailable`.
    """
    await replica.compare()
    copied, size, failed = 0, 0, list[str]()
    while not (done := await replica.catch_up()).nothing:
        copied, size = copied + done.copied, size + done.size
        failed += done.failed
        told(copied, size)
    return Mirrored(copied, size, tuple(failed))


async def switch(db: Database, stores: ReplicatedStore, name: str, *, lost: bool = False) -> str:
    """Make this store the primary -> the name of the one before, which follows it from then on.

    Both are listed first. Then nothing is stored anywhere for the moment in which the last few objects are copied.
    `lost`: the primary is gone for good; the notes and the catalogue alone tell what there was.
    Raises `StoreIncomplete`, `Conflict("already-primary")`.
    """
    replica = Replica(db, stores, name, None)
    before, _ = await stores.primary()
    if before == name:
        raise Conflict("already-primary", f"“{name}”已经是主存储。")
    if not lost:
        await replica.want_unknown()
    await replica.want_lost()
    async with db.session() as session:
        await lock(session, LOCK)
        if await primary_of(session) != before:
            raise Conflict("already-primary", "另一个命令刚刚更换了主存储，请重新查看。")
        give_up = time.monotonic() + MOMENT_S
        while due := await _due(session, name):
            if lost or len(due) > BATCH or time.monotonic() > give_up:
                raise StoreIncomplete(name, sorted(due | await _uncopied(session, name)))
            await replica.catch_up()
            await asyncio.sleep(LOOK_EVERY_S)
        if uncopied := await _uncopied(session, name):
            raise StoreIncomplete(name, sorted(uncopied))
        await _turn(session, before, name, keep=not lost)
        await record(session, SYSTEM, "archive.switch", "archive", name, before=before, lost=lost)
    return before


async def _due(session: AsyncSession, name: str) -> set[str]:
    """What the store is to get or to lose by the notes."""
    due = await session.scalars(select(C.name).where(C.store == name, C.verified_at.is_(None)))
    return {one.removesuffix(SUFFIX) for one in due}


async def _uncopied(session: AsyncSession, name: str) -> set[str]:
    """What the catalogue has and the store has not."""
    encrypted = C.name.endswith(SUFFIX, autoescape=True)
    held = select(case((encrypted, func.left(C.name, -len(SUFFIX))), else_=C.name)).where(C.store == name, HELD)
    return set(await session.scalars(select(Recording.store_key).where(Recording.digest != "").except_(held)))


async def _turn(session: AsyncSession, before: str, name: str, *, keep: bool) -> None:
    """The new primary has no notes; those of the old one say that it holds what the new one was copied from it."""
    await session.execute(delete(C).where(C.store == before))
    if keep:
        columns = [C.name, C.wanted_at, C.trouble, C.verified_at, C.digest, C.size, C.doomed]
        own = select(literal(before), *columns).where(C.store == name)
        await session.execute(insert(C).from_select(["store", *(column.key for column in columns)], own))
    await session.execute(delete(C).where(C.store == name))
    new = {"store": name, "since": clock.now()}
    made = upsert(ArchivePrimary).values(id=1, **new)
    await session.execute(made.on_conflict_do_update(index_elements=["id"], set_=new))
