"""Where the wrapped data keys are: a table beside the catalogue, so that wrapping them anew touches no object.

Destroying a row makes its object unreadable wherever copies of it lie: keys are therefore not kept beside the objects.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast
from uuid import UUID

from sqlalchemy import Table, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from core.db import Database, new_id
from core.errors import Conflict
from core.rows import update_rows
from recordings.store.models import ArchiveKey
from recordings.store.suite import Suite

BATCH = 500
"""Keys wrapped anew in one transaction."""


@dataclass(frozen=True)
class WrappedKey:
    """One row."""

    id: UUID
    store_key: str
    digest: str
    suite: Suite
    master_id: str
    wrapped: bytes


Wrap = Callable[[UUID], Awaitable[tuple[str, bytes]]]
"""Id of a new data key -> master key's id, wrapped data key."""


class DataKeys(Protocol):
    """Wrapped data keys. Every method raises `Unavailable` while they cannot be asked."""

    async def keep(self, store_key: str, digest: str, suite: Suite, wrap: Wrap) -> WrappedKey:
        """The key of this content under this name, durable: the one that is there, else a new one."""

    async def find(self, id: UUID) -> WrappedKey | None:
        """The key of this id."""

    async def knows(self, store_key: str) -> bool:
        """Whether an object of this name was ever encrypted, and its key not destroyed."""

    async def destroy(self, store_key: str) -> None:
        """Make every object that was stored under this name unreadable for ever. Raises `Conflict("key-kept")` for what
        is in the catalogue and on no certificate."""

    async def under_others(self, present: str, after: UUID | None) -> Sequence[WrappedKey]:
        """The next keys behind `after` that another master key than `present` wraps."""

    async def replace(self, keys: Sequence[WrappedKey]) -> None:
        """Store these, wrapped anew."""


class TableKeys:
    """The table, on connections of its own: a key is committed before anything is encrypted with it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def keep(self, store_key: str, digest: str, suite: Suite, wrap: Wrap) -> WrappedKey:
        """See `DataKeys.keep`."""
        wanted = select(ArchiveKey).where(
            ArchiveKey.store_key == store_key, ArchiveKey.digest == digest, ArchiveKey.suite == suite.value
        )
        async with self._db.session() as session:
            if row := await session.scalar(wanted):
                return _plain(row)
        id = new_id()
        master_id, wrapped = await wrap(id)  # no connection is held meanwhile: a device may take its time
        values = {"id": id, "store_key": store_key, "digest": digest, "suite": suite.value}
        made = insert(ArchiveKey).values(**values, master_id=master_id, wrapped=wrapped)
        async with self._db.session() as session:
            await session.execute(made.on_conflict_do_nothing())
            return _plain((await session.scalars(wanted)).one())

    async def find(self, id: UUID) -> WrappedKey | None:
        """See `DataKeys.find`."""
        async with self._db.session() as session:
            row = await session.get(ArchiveKey, id)
            return _plain(row) if row else None

    async def knows(self, store_key: str) -> bool:
        """See `DataKeys.knows`."""
        async with self._db.session() as session:
            found = select(ArchiveKey.id).where(ArchiveKey.store_key == store_key).limit(1)
            return await session.scalar(found) is not None

    async def destroy(self, store_key: str) -> None:
        """See `DataKeys.destroy`."""
        try:
            async with self._db.session() as session:
                await session.execute(delete(ArchiveKey).where(ArchiveKey.store_key == store_key))
        except IntegrityError as error:
            raise Conflict("key-kept", "这份文件已经归档，它的数据密钥只能依经批准的销毁清单销毁。") from error

    async def under_others(self, present: str, after: UUID | None) -> Sequence[WrappedKey]:
        """See `DataKeys.under_others`."""
        old = select(ArchiveKey).where(ArchiveKey.master_id != present).order_by(ArchiveKey.id).limit(BATCH)
        async with self._db.session() as session:
            rows = await session.scalars(old if after is None else old.where(ArchiveKey.id > after))
            return [_plain(row) for row in rows]

    async def replace(self, keys: Sequence[WrappedKey]) -> None:
        """See `DataKeys.replace`."""
        async with self._db.session() as session:
            await update_rows(
                session,
                cast(Table, ArchiveKey.__table__),
                [{"id": key.id, "master_id": key.master_id, "wrapped": f"\\x{key.wrapped.hex()}"} for key in keys],
            )


def _plain(row: ArchiveKey) -> WrappedKey:
    return WrappedKey(row.id, row.store_key, row.digest, Suite(row.suite), row.master_id, row.wrapped)


class MemoryKeys:
    """Keys that last as long as the process: for measuring, and for tests of what stands on the port."""

    def __init__(self) -> None:
        self.rows: dict[UUID, WrappedKey] = {}

    async def keep(self, store_key: str, digest: str, suite: Suite, wrap: Wrap) -> WrappedKey:
        """See `DataKeys.keep`."""
        for row in self.rows.values():
            if (row.store_key, row.digest, row.suite) == (store_key, digest, suite):
                return row
        id = new_id()
        self.rows[id] = WrappedKey(id, store_key, digest, suite, *await wrap(id))
        return self.rows[id]

    async def find(self, id: UUID) -> WrappedKey | None:
        """See `DataKeys.find`."""
        return self.rows.get(id)

    async def knows(self, store_key: str) -> bool:
        """See `DataKeys.knows`."""
        return any(row.store_key == store_key for row in self.rows.values())

    async def destroy(self, store_key: str) -> None:
        """See `DataKeys.destroy`."""
        self.rows = {id: row for id, row in self.rows.items() if row.store_key != store_key}

    async def under_others(self, present: str, after: UUID | None) -> Sequence[WrappedKey]:
        """See `DataKeys.under_others`."""
        rows = sorted((row for row in self.rows.values() if row.master_id != present), key=lambda row: row.id)
        return [row for row in rows if after is None or row.id > after][:BATCH]

    async def replace(self, keys: Sequence[WrappedKey]) -> None:
        """See `DataKeys.replace`."""
        self.rows |= {key.id: key for key in keys}
