"""The ledger as its sealer leaves it a moment later: transactions of other databases hold it back as well."""

import asyncio

from sqlalchemy import select

from core.db import Database
from core.ledger.models import LedgerEntry
from core.ledger.service import seal

WAITS, WAIT_S = 3000, 0.02


async def chained(db: Database) -> None:
    """Every row has its place in the chain."""
    waiting = select(LedgerEntry.id).where(LedgerEntry.seal.is_(None)).limit(1)
    for _ in range(WAITS):
        await seal(db)
        async with db.session() as session:
            if await session.scalar(waiting) is None:
                return
        await asyncio.sleep(WAIT_S)
    raise AssertionError("the ledger is not chained")
