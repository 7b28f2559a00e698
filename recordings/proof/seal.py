"""Sealing 封存: after midnight the day's catalogue becomes one signed line that can stand on paper."""

from datetime import date, timedelta
from typing import Any, cast

from sqlalchemy import Table, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.actor import SYSTEM
from core.db import Database
from core.errors import NotFound
from core.ledger.service import head, record
from core.locks import try_hold
from core.log import get
from core.rows import insert_rows
from recordings.archived import Archived, catalogues
from recordings.proof.merkle import leaf_hash, root
from recordings.proof.models import ArchiveLeaf, ArchiveSeal
from recordings.proof.signing import Signer
from recordings.proof.statement import SEALED, chinese_day, leaf, link, text
from recordings.store.digests import sha256, sm3

log = get(__name__)
SETTLE = timedelta(minutes=10)
"""After midnight: by then every transaction that catalogued something before it has ended."""
DAY = timedelta(days=1)
AT_ONCE = 1000
"""Rows in memory: the first seal of a kind holds all that there was before."""
LEAVES = cast(Table, ArchiveLeaf.__table__)


async def seal_due(db: Database, signer: Signer) -> list[date]:
    """Seal each day that is over and has no seal, the oldest first, also those of an outage and those on which nothing
    came -> which."""
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
        begun = [await session.scalar(select(table.came()).order_by(table.came()).limit(1)) for table in catalogues()]
        if not any(begun):
            return None
        day = clock.local(min(first for first in begun if first)).date()
    return day if clock.midnight(day + DAY) + SETTLE <= clock.now() else None


async def _seal(session: AsyncSession, signer: Signer, day: date) -> None:
    """What was archived until the day's end and stands in no seal before. The ledger says how many of each kind: a kind
    that is not in its words was not asked for yet when the seal was made."""
    leaves, of = list[dict[str, Any]](), dict[str, int]()
    for table in catalogues():
        found = await session.stream_scalars(
            select(table)
            .where(table.came() < clock.midnight(day + DAY))
            .where(~exists().where(ArchiveLeaf.object_id == table.id))
            .order_by(table.came(), table.id)
            .execution_options(yield_per=AT_ONCE)
        )
        before = len(leaves)
        leaves += [_leaf(row) async for row in found]
        of[table.what] = len(leaves) - before
    ledger = await head(session)
    made = ArchiveSeal(
        day=day,
        ledger_place=ledger.place,
        ledger_digest=ledger.digest,
        count=len(leaves),
        root=root(sha256, [bytes.fromhex(one["hash"]) for one in leaves]).hex(),
        root_sm3=root(sm3, [bytes.fromhex(one["hash_sm3"]) for one in leaves]).hex(),
        previous=link(await session.get(ArchiveSeal, day - DAY)),
        public_key=signer.public_key(),
    )
    made.signature = signer.sign(text(made))
    session.add(made)
    about = ("archive-seal", day.isoformat())
    await record(session, SYSTEM, SEALED, *about, count=made.count, of=of, digest=link(made))
    await session.flush()
    if leaves:
        await insert_rows(session, LEAVES, [one | {"day": day, "place": place} for place, one in enumerate(leaves)])


def _leaf(row: Archived) -> dict[str, Any]:
    """A leaf's row, but for its place."""
    said = leaf(row)
    hashes = {"hash": leaf_hash(sha256, said).hex(), "hash_sm3": leaf_hash(sm3, said).hex()}
    return {"recording_id": row.id, "what": row.what, **hashes}


async def seal_of(session: AsyncSession, day: date) -> ArchiveSeal:
    """The seal of a day. Raises `NotFound("not-sealed")`."""
    found = await session.get(ArchiveSeal, day)
    if found is None:
        raise NotFound("not-sealed", f"{chinese_day(day)}还没有封存：每天零点十分以后封存前一天。")
    return found
