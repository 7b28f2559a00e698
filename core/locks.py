"""Advisory locks: one holder in the whole cluster, freed when the holder's connection ends."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from core.db import Database, outage_told


def lock_key(name: str) -> int:
    """A name's 64-bit key."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


_LOCK = text("SELECT count(pg_advisory_xact_lock(key)) FROM unnest(CAST(:keys AS bigint[])) AS key")


async def lock(session: AsyncSession, *names: str) -> None:
    """Hold these locks until the transaction ends; taken in one order, so that nobody waits in a circle."""
    if names:
        await session.execute(_LOCK, {"keys": sorted({lock_key(name) for name in names})})


@asynccontextmanager
async def try_hold(db: Database, name: str) -> AsyncIterator[AsyncConnection | None]:
    """The lock `name` on a connection of its own, or None when somebody else holds it.

    The holder asks `still_held(connection)` now and then: a lock is gone with its connection. Raises `Unavailable`
    when the database is away.
    """
    with outage_told():
        async with db.engine.connect() as connection:
            auto = await connection.execution_options(isolation_level="AUTOCOMMIT")
            key = {"key": lock_key(name)}
            held = (await auto.execute(text("SELECT pg_try_advisory_lock(:key)"), key)).scalar_one()
            try:
                yield auto if held else None
            finally:
                if held and not auto.invalidated:
                    await auto.execute(text("SELECT pg_advisory_unlock(:key)"), key)


async def still_held(connection: AsyncConnection) -> None:
    """Raise the driver's error when the connection, and with it the lock, is gone."""
    await connection.execute(text("SELECT 1"))
