"""A journal into rows: ahead in memory, behind in PostgreSQL, and no fact left out or changed by either."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from line_facts import the_call
from sqlalchemy import select

from callflow import reading
from callflow.facts import Fact, Kind
from callflow.intake import Intake
from callflow.models import Call, JournalPosition
from callflow.reading import JournalReader
from callflow.sources import cel
from core.db import Database
from core.errors import Unavailable

BEGIN = '"CHAN_START","1795427034.1","{0}","{0}","PJSIP/trunk-00000002","{1}","12345","citizen","","","","",""\n'
END = '"HANGUP","1795427060.2","{0}","{0}","PJSIP/trunk-00000002","{1}","h","citizen","","","","",""\n'

Make = Callable[[], JournalReader]


@pytest.fixture
def journal(home: Path) -> Path:
    path = home / "events.csv"
    path.write_text(BEGIN.format("n.1", "13800000001"))
    return path


@pytest.fixture
def heard() -> list[Fact]:
    return []


@pytest.fixture
def make(db: Database, agent: UUID, home: Path, journal: Path, heard: list[Fact]) -> Make:
    """A reader as one that has just started: it remembers nothing."""
    return lambda: JournalReader(
        db,
        Intake(db, home / "aside.txt"),
        "node1",
        "cel",
        journal,
        lambda line, node: cel.facts(cel.parse(line), node),
        heard.append,
    )


def write(journal: Path, line: str, call: str = "n.1") -> None:
    with journal.open("a") as file:
        file.write(line.format(call, "13800000001"))


async def noted(db: Database) -> int | None:
    async with db.session() as session:
        offset: int | None = await session.scalar(select(JournalPosition.offset))
        return offset


async def test_a_crash_before_the_note_lets_lines_be_read_twice_and_changes_no_row(
    db: Database, journal: Path, make: Make
) -> None:
    first = make()
    await first.read()
    await first.store()
    write(journal, END)
    await first.read()
    await first.store()
    before = await the_call(db, "n.1")
    assert before.outcome
    again = make()
    assert await again.catch_up() == 2
    after = await the_call(db, "n.1")
    assert (after.changed_at, after.evidence) == (before.changed_at, before.evidence)
    assert await make().catch_up() == 0


async def test_what_was_read_and_not_stored_is_never_noted(db: Database, journal: Path, make: Make) -> None:
    reader = make()
    await reader.read()
    await reader.keep()
    assert await noted(db) is None
    reader._intake._db = away = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(Unavailable):
        await reader.store()
    await reader.keep()
    assert await noted(db) is None
    reader._intake._db = db
    await reader.store()
    await reader.keep()
    assert await noted(db) == len(BEGIN.format("n.1", "13800000001"))
    assert await the_call(db, "n.1")
    await away.close()


async def test_while_the_database_is_away_it_hears_on_and_stores_everything_later(
    db: Database, journal: Path, make: Make, heard: list[Fact]
) -> None:
    reader = make()
    await reader.catch_up()
    reader._intake._db = away = Database("postgresql://nobody@127.0.0.1:1/none")
    for n in (1, 2):
        write(journal, BEGIN if n == 2 else END, f"n.{n}")
        await reader.read()
        with pytest.raises(Unavailable):
            await reader.store()
    assert [(fact.linkedid, fact.kind) for fact in heard[1:]] == [("n.1", Kind.ENDED), ("n.2", Kind.ARRIVED)]
    reader._intake._db = db
    assert await reader.store() == 2
    assert (await the_call(db, "n.1")).outcome
    assert (await the_call(db, "n.2")).outcome is None
    await away.close()


async def test_what_is_too_much_to_wait_in_memory_waits_in_the_journal(
    db: Database, journal: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_WAITING", 1)
    reader = make()
    await reader.read()
    write(journal, END)
    assert not reader.grown()
    assert await reader.read(), "there is more, but no room"
    await reader.store()
    assert (await the_call(db, "n.1")).outcome is None
    assert reader.grown()
    await reader.catch_up()
    assert (await the_call(db, "n.1")).outcome


async def test_who_reads_again_after_another_begins_where_that_one_stopped(
    db: Database, journal: Path, make: Make, heard: list[Fact]
) -> None:
    mine, other = make(), make()
    await mine.catch_up()
    await mine.forget()
    write(journal, END)
    await other.catch_up()
    heard.clear()
    assert await mine.catch_up() == 0
    assert heard == []
    async with db.session() as session:
        assert len(list(await session.scalars(select(Call)))) == 1
