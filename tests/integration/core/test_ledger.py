"""The ledger is complete and shows tampering."""

import asyncio

from sqlalchemy import text

from core import ledger
from core.actor import SYSTEM
from core.db import Database
from core.ledger.service import seal, verify


async def note(db: Database, number: int) -> None:
    async with db.session() as session:
        await ledger.record(session, SYSTEM, "test.act", "thing", number, reason="测试", value=number)


async def seal_all(db: Database) -> None:
    """Seal until nothing is left: transactions of other databases hold the horizon back for a moment, too."""
    left = 1
    while left:
        await seal(db)
        async with db.session() as session:
            left = (await session.execute(text("SELECT count(*) FROM ledger WHERE seal IS NULL"))).scalar_one()


async def test_rows_of_concurrent_transactions_are_chained_without_gap(db: Database) -> None:
    await asyncio.gather(*(note(db, number) for number in range(20)), seal(db))
    await seal_all(db)
    async with db.session() as session:
        places = (await session.execute(text("SELECT seal FROM ledger ORDER BY seal"))).scalars().all()
        assert places == list(range(1, 21))
        assert await verify(session) is None


async def test_a_running_transaction_holds_back_what_came_after_it(db: Database) -> None:
    async with db.session() as early:
        await ledger.record(early, SYSTEM, "test.early", "thing", 1)
        await early.flush()
        await note(db, 2)
        assert await seal(db) == 0
    await seal_all(db)
    async with db.session() as session:
        assert await verify(session) is None


async def test_a_changed_row_and_a_missing_row_are_found(db: Database) -> None:
    for number in range(4):
        await note(db, number)
    await seal_all(db)
    async with db.session() as session:
        await session.execute(text("UPDATE ledger SET reason = '改' WHERE seal = 3"))
        assert await verify(session) == 3
        await session.rollback()
    async with db.session() as session:
        await session.execute(text("DELETE FROM ledger WHERE seal = 2"))
        assert await verify(session) == 2
