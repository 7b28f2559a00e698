"""Sealing 封存: after midnight the day's catalogue becomes one signed line that can stand on paper."""

from datetime import date, timedelta
from typing import cast

from sqlalchemy import Table, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.db import Database
from core.errors import NotFound
from core.locks import try_hold
from core.log import get
from core.rows import insert_rows
from recordings.models import Recording
from recordings.proof.merkle import leaf_hash, root
from recordings.proof.models import ArchiveLeaf, ArchiveSeal
from recordings.proof.signing import Signer
from recordings.proof.statement import chinese_day, leaf, link, text
from recordings.store.digests import sha256, sm3

log = get(__name__)
SETTLE = timedelta(minutes=10)
"""After midnight: by then every transaction that catalogued something before it has ended."""
DAY = timedelta(days=1)
LEAVES = cast(Table, ArchiveLeaf.__table__)


async def seal_due(db: Database, signer: Signer) -> list[date]:
    """Seal each day that is over and has no seal, the oldest first, also those of an outage and those without a
    recording -> which."""
    made: list[date] = []
    async with try_hold(db, "archive-seal") as held:
        while held is not None:
            async with db.session() as session:
                day = await _next(session)
                if day is None:
                    break
                await _seal(session, signer, day)
            log.info("archive.sealed", day=day.isoformat())
            made.append(day)
    return made


async def _next(session: AsyncSession) -> date | None:
    """The first day without a seal; None where it is not over."""
    last = await session.scalar(select(ArchiveSeal.day).order_by(ArchiveSeal.day.desc()).limit(1))
    if last:
        day = last + DAY
    else:
        first = await session.scalar(select(Recording.catalogued_at).order_by(Recording.catalogued_at).limit(1))
        if first is None:
            return None
        day = clock.local(first).date()
    return day if clock.midnight(day + DAY) + SETTLE <= clock.now() else None


async def _seal(session: AsyncSession, signer: Signer, day: date) -> None:
    """What was catalogued until the day's end and stands in no seal before."""
    rows = await session.scalars(
        select(Recording)
        .where(Recording.catalogued_at < clock.midnight(day + DAY))
        .where(~exists().where(ArchiveLeaf.recording_id == Recording.id))
        .order_by(Recording.catalogued_at, Recording.id)
    )
    said = [(row.id, leaf(row)) for row in rows]
    leaves = [(id, leaf_hash(sha256, one), leaf_hash(sm3, one)) for id, one in said]
    made = ArchiveSeal(
        day=day,
        count=len(leaves),
        root=root(sha256, [one for _, one, _ in leaves]).hex(),
        root_sm3=root(sm3, [one for _, _, one in leaves]).hex(),
        previous=link(await session.get(ArchiveSeal, day - DAY)),
        public_key=signer.public_key(),
    )
    made.signature = signer.sign(text(made))
    session.add(made)
    await session.flush()
    if leaves:
        await insert_rows(
            session,
            LEAVES,
            [
                {"recording_id": id, "day": day, "place": place, "hash": one.hex(), "hash_sm3": other.hex()}
                for place, (id, one, other) in enumerate(leaves)
            ],
        )


async def seal_of(session: AsyncSession, day: date) -> ArchiveSeal:
    """The seal of a day. Raises `NotFound("not-sealed")`."""
    found = await session.get(ArchiveSeal, day)
    if found is None:
        raise NotFound("not-sealed", f"{chinese_day(day)}还没有封存：每天零点十分以后封存前一天。")
    return found
