"""The journals hold what the database could not take; a bad fact costs the others nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from line_facts import answered, the_call
from sqlalchemy import event, func, select

from callflow.intake import Intake
from callflow.models import Call
from core.db import Database
from core.errors import Unavailable

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture
def statements(db: Database) -> Iterator[list[str]]:
    """What is asked of the database, in the order of asking."""
    asked: list[str] = []

    def note(*args: Any) -> None:
        asked.append(args[2])

    event.listen(db.engine.sync_engine, "before_cursor_execute", note)
    yield asked
    event.remove(db.engine.sync_engine, "before_cursor_execute", note)


async def test_what_is_saved_is_there(db: Database, agent: UUID, intake: Intake) -> None:
    await intake.save(answered())
    assert (await the_call(db)).outcome == "answered"
    assert (await intake.health()).ok


async def test_what_is_said_again_costs_no_statement(
    db: Database, agent: UUID, intake: Intake, statements: list[str]
) -> None:
    await intake.save(answered())
    statements.clear()
    await intake.save(answered())
    assert statements == []
    await intake.save(answered("2.0"))
    assert statements
    assert (await the_call(db, "2.0")).outcome == "answered"


async def test_many_calls_cost_as_many_statements_as_one(
    db: Database, agent: UUID, intake: Intake, statements: list[str]
) -> None:
    statements.clear()
    await intake.save(answered("1.0"))
    one = len(statements)
    await intake.save([fact for n in range(2, 22) for fact in answered(f"{n}.0", caller=f"1380000{n:04d}")])
    assert len(statements) == 2 * one
    async with db.session() as session:
        assert await session.scalar(select(func.count()).where(Call.outcome == "answered")) == 21


async def test_without_a_database_it_says_so_and_forgets_nothing_it_did_not_store(
    db: Database, agent: UUID, home: Path
) -> None:
    away = Database(NOWHERE)
    intake = Intake(away, home / "aside.txt")
    with pytest.raises(Unavailable):
        await intake.save(answered())
    await intake.save([])
    assert not (await intake.health()).ok, "nothing to store says nothing of the database"
    await away.close()
    intake._db = db
    await intake.save(answered())
    assert (await the_call(db)).outcome == "answered"
    assert (await intake.health()).ok


async def test_a_fact_that_the_database_refuses_costs_the_others_nothing(
    db: Database, agent: UUID, intake: Intake, home: Path
) -> None:
    good = answered()
    bad = good[0].model_copy(update={"node": "n" * 70})
    await intake.save([bad, *good])
    assert (await the_call(db)).outcome == "answered"
    async with db.session() as session:
        assert await session.scalar(select(func.count()).select_from(Call)) == 1
    assert (home / "facts" / "aside.txt").exists()
    assert not (await intake.health()).ok
