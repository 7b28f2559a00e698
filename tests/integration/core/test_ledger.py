"""The ledger is complete and shows tampering."""

import asyncio

import pytest
from by_hand import AS_OWNER, BY_HAND
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from core import ledger
from core.actor import SYSTEM
from core.db import Database
from core.ledger.sealer import Sealer
from core.ledger.service import Link, head, seal, verify

"""What a superuser can do, and nobody else: past the triggers."""


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
        await session.execute(BY_HAND)
        await session.execute(text("UPDATE ledger SET reason = '改' WHERE seal = 3"))
        assert await verify(session) == 3
        await session.rollback()
    async with db.session() as session:
        await session.execute(BY_HAND)
        await session.execute(text("DELETE FROM ledger WHERE seal = 2"))
        assert await verify(session) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET reason = '改' WHERE seal = 1",
        "UPDATE ledger SET seal = NULL, digest = NULL WHERE seal = 1",
        "UPDATE ledger SET at = at - interval '1 day' WHERE seal IS NULL",
        "DELETE FROM ledger WHERE seal = 1",
        "DELETE FROM ledger WHERE seal IS NULL",
        "TRUNCATE ledger",
    ],
)
async def test_the_database_refuses_to_change_what_was_written(db: Database, statement: str) -> None:
    await note(db, 1)
    await seal_all(db)
    await note(db, 2)
    with pytest.raises(IntegrityError, match="only added to"):
        async with db.session() as session:
            await session.execute(AS_OWNER)
            await session.execute(text(statement))
    await seal_all(db)
    async with db.session() as session:
        assert await verify(session) is None


async def test_a_part_of_the_chain_is_verified_between_two_known_places(db: Database) -> None:
    anchors = []
    for number in range(6):
        await note(db, number)
        await seal_all(db)
        async with db.session() as session:
            anchors.append(await head(session))
    assert [one.place for one in anchors] == [1, 2, 3, 4, 5, 6]
    async with db.session() as session:
        assert await verify(session, anchors[1], anchors[3]) is None
        assert await verify(session, anchors[1], anchors[1]) is None
        assert await verify(session, Link(2, "f" * 64), anchors[3]) == 3
        assert await verify(session, anchors[1], Link(4, "f" * 64)) == 4
        assert await verify(session, anchors[1], Link(9, "f" * 64)) == 7
        await session.execute(BY_HAND)
        await session.execute(text("DELETE FROM ledger WHERE seal >= 5"))
        assert await verify(session) is None, "a chain that was cut at its end is whole by itself"
        assert await verify(session, anchors[3], anchors[5]) == 5, "and too short for whoever knows where it led"
        await session.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM ledger WHERE seal > 2",
        "DELETE FROM ledger",
        "UPDATE ledger SET seal = NULL, digest = NULL, reason = '改'",
    ],
)
async def test_the_sealer_knows_where_the_chain_ended(db: Database, statement: str) -> None:
    """Cut at its end, or made anew, it is whole by itself."""
    sealer = Sealer(db)
    for number in range(4):
        await note(db, number)
    while (await sealer_head(db)).place < 4:
        await sealer.step()
    await sealer.step()
    assert (await sealer.health()).ok
    async with db.session() as session:
        await session.execute(BY_HAND)
        await session.execute(text(statement))
    await sealer.step()
    health = await sealer.health()
    assert not health.ok and health.detail.startswith("第 4 条或其后的审计日志被改动、删除")
    await seal_all(db)
    async with db.session() as session:
        assert await verify(session) is None
        told = (await session.execute(text("SELECT subject_id FROM ledger WHERE action = 'ledger.cut'"))).scalars()
        assert told.all() == ["4"], "and it is on record, once"
    await sealer.step()
    assert not (await sealer.health()).ok, "until somebody has looked and starts it anew"


async def sealer_head(db: Database) -> Link:
    async with db.session() as session:
        return await head(session)


EXCHANGED = """
UPDATE ledger AS one SET action = two.action, subject_id = two.subject_id, detail = two.detail
FROM ledger AS two WHERE one.seal IN (2, 3) AND two.seal = 5 - one.seal
"""
INSERTED = """
UPDATE ledger SET seal = -seal WHERE seal > 2;
INSERT INTO ledger (at, actor_name, action, subject, subject_id, detail, seal, digest)
SELECT at, actor_name, action, subject, '99', detail, 3, digest FROM ledger WHERE seal = 2;
UPDATE ledger SET seal = 1 - seal WHERE seal < 0
"""
TAMPERING = {
    "a letter flipped": ("UPDATE ledger SET actor_name = 'x' || substr(actor_name, 2) WHERE seal = 2", 2),
    "another value": ("UPDATE ledger SET detail = jsonb_set(detail, '{value}', '7') WHERE seal = 3", 3),
    "cut": ("UPDATE ledger SET reason = left(reason, 1) WHERE seal = 3", 3),
    "emptied": ("UPDATE ledger SET reason = NULL WHERE seal = 1", 1),
    "deleted": ("DELETE FROM ledger WHERE seal = 3", 3),
    "the first deleted": ("DELETE FROM ledger WHERE seal = 1", 1),
    "exchanged": (EXCHANGED, 2),
    "places exchanged": (
        "UPDATE ledger SET seal = 100 WHERE seal = 2; UPDATE ledger SET seal = 2 WHERE seal = 3;"
        " UPDATE ledger SET seal = 3 WHERE seal = 100",
        2,
    ),
    "back-dated": ("UPDATE ledger SET at = at - interval '1 day' WHERE seal = 4", 4),
    "inserted": (INSERTED, 3),
    "by another": ("UPDATE ledger SET actor_id = gen_random_uuid() WHERE seal = 2", 2),
    "of another": ("UPDATE ledger SET subject_id = '9' WHERE seal = 2", 2),
    "digest": ("UPDATE ledger SET digest = reverse(digest) WHERE seal = 4", 4),
}


@pytest.mark.parametrize("name", TAMPERING)
async def test_whatever_is_tampered_with_is_found_where_it_is(db: Database, name: str) -> None:
    statements, place = TAMPERING[name]
    for number in range(4):
        await note(db, number)
    await seal_all(db)
    async with db.session() as session:
        assert await verify(session) is None
    async with db.session() as session:
        await session.execute(BY_HAND)
        for statement in statements.split(";"):
            await session.execute(text(statement))
    async with db.session() as session:
        assert await verify(session) == place
