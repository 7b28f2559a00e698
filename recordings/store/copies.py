"""What each replica holds of the archive, and which store is the primary: two tables that every process reads.

A copy is noted as wanted before its object is put into the primary, and a switch looks at these notes under the same
lock: no object can come into the old primary unseen by a switch.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, Select, Table, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.db import Database, among
from core.locks import lock
from core.rows import insert_rows
from recordings.archived import catalogues
from recordings.settings import MAIN
from recordings.store.models import ArchiveCopy, ArchivePrimary
from recordings.store.port import SUFFIX

LOCK = "archive-primary"
AT_ONCE = 5000
"""Names in one statement."""
RETRY_AFTER = timedelta(seconds=30)
"""A copy that could not be made is tried again after so long."""
C = ArchiveCopy
COPIES = cast(Table, C.__table__)
HELD = C.verified_at.is_not(None) & ~C.doomed
"""The replica has it, and it was read there."""


@dataclass(frozen=True)
class Lag:
    """How far a replica is behind."""

    count: int
    """Objects that are to be copied or deleted there."""
    since: datetime | None
    """When the oldest of them came."""
    trouble: str
    """What was wrong with one that was tried; empty where nothing was."""


class Copies:
    """Each method is one short transaction. All raise `Unavailable` while the database is away."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def primary(self) -> str:
        """Name of the primary."""
        async with self._db.session() as session:
            return await primary_of(session)

    async def want(self, stores: Collection[str], name: str, *, doomed: bool = False) -> None:
        """These stores are to hold the object, or (`doomed`) to hold it no more."""
        if not stores:
            return
        new = {"wanted_at": clock.now(), "doomed": doomed, "verified_at": None, "tried_at": None, "trouble": ""}
        made = insert(C).values([{"store": store, "name": name, **new} for store in stores])
        async with self._db.session() as session:
            await lock(session, LOCK)
            await session.execute(made.on_conflict_do_update(index_elements=["store", "name"], set_=new))

    async def want_unknown(self, store: str, names: Sequence[str]) -> int:
        """Of these objects those that nobody ever noted for this store are wanted -> how many."""
        count = 0
        for start in range(0, len(names), AT_ONCE):
            rows = [{"store": store, "name": name} for name in names[start : start + AT_ONCE]]
            async with self._db.session() as session:
                made = await insert_rows(session, COPIES, rows, then="ON CONFLICT DO NOTHING RETURNING name")
                count += len(made.all())
        return count

    async def want_again(self, store: str, names: Collection[str], why: str) -> None:
        """What the replica holds of these is not what was copied there."""
        again = {"verified_at": None, "tried_at": None, "wanted_at": clock.now(), "trouble": why[:300]}
        async with self._db.session() as session:
            await session.execute(update(C).where(C.store == store, among(C.name, names), HELD).values(**again))

    async def due(self, store: str, limit: int) -> Sequence[ArchiveCopy]:
        """The next to copy or to delete, those that were never tried first."""
        at = clock.now() - RETRY_AFTER
        tried = or_(C.tried_at.is_(None), C.tried_at < at)
        wanted = select(C).where(C.store == store, C.verified_at.is_(None), tried)
        return await self._all(wanted.order_by(C.tried_at.nulls_first(), C.wanted_at).limit(limit))

    async def read_before(self, store: str, before: datetime, limit: int) -> Sequence[ArchiveCopy]:
        """Copies that nobody has read since, the longest unread first."""
        wanted = select(C).where(C.store == store, C.verified_at < before, ~C.doomed)
        return await self._all(wanted.order_by(C.verified_at).limit(limit))

    async def held(self, store: str) -> dict[str, int]:
        """Names and sizes of all that the replica holds by these notes."""
        async with self._db.session() as session:
            rows = await session.execute(select(C.name, C.size).where(C.store == store, HELD))
            return {row.name: row.size for row in rows}

    async def holders(self, key: str) -> Sequence[str]:
        """Replicas that hold the file `key`, encrypted or plain."""
        async with self._db.session() as session:
            names = among(C.name, [key, key + SUFFIX])
            return (await session.scalars(select(C.store).where(names, HELD).distinct().order_by(C.store))).all()

    async def verified(self, copy: ArchiveCopy, digest: str, size: int) -> None:
        """The replica's bytes were read and are these. Nothing where it was wanted anew meanwhile."""
        new = {"verified_at": clock.now(), "digest": digest, "size": size, "trouble": ""}
        await self._change(copy, new)

    async def failed(self, copy: ArchiveCopy, why: str) -> None:
        """It stays due."""
        await self._change(copy, {"tried_at": clock.now(), "trouble": why[:300]})

    async def gone(self, copy: ArchiveCopy) -> None:
        """The replica neither holds it nor is to."""
        async with self._db.session() as session:
            await session.execute(delete(C).where(*_same(copy)))

    async def forget(self, store: str) -> None:
        """The primary has no rows: those of a put that a switch overtook mean nothing. Nothing where it is none."""
        async with self._db.session() as session:
            await lock(session, LOCK)
            if await primary_of(session) == store:
                await session.execute(delete(C).where(C.store == store))

    async def lag(self, store: str) -> Lag:
        """How far it is behind."""
        due = select(func.count(), func.min(C.wanted_at), func.max(C.trouble))
        async with self._db.session() as session:
            row = (await session.execute(due.where(C.store == store, C.verified_at.is_(None)))).one()
            return Lag(row[0], row[1], row[2] or "")

    async def digest_in_catalogue(self, key: str) -> str | None:
        """What its catalogue says of the file of this name; None for what stands in none."""
        async with self._db.session() as session:
            for table in catalogues():
                if found := await session.scalar(select(table.digest).where(table.store_key == key).limit(1)):
                    return found
        return None

    async def suspect(self, key: str) -> None:
        """The check reads this object next."""
        async with self._db.session() as session:
            for table in catalogues():
                await session.execute(update(table).where(table.store_key == key).values(checked_at=None))

    async def _all(self, wanted: Select[ArchiveCopy]) -> Sequence[ArchiveCopy]:
        async with self._db.session() as session:
            return (await session.scalars(wanted)).all()

    async def _change(self, copy: ArchiveCopy, new: dict[str, object]) -> None:
        async with self._db.session() as session:
            await session.execute(update(C).where(*_same(copy)).values(**new))


def _same(copy: ArchiveCopy) -> tuple[ColumnElement[bool], ...]:
    return (C.store == copy.store, C.name == copy.name, C.wanted_at == copy.wanted_at)


async def primary_of(session: AsyncSession) -> str:
    """Name of the primary."""
    return await session.scalar(select(ArchivePrimary.store)) or MAIN
