"""Journals that grew large or old: set aside and removed, and never before they were read."""

import os
from datetime import timedelta
from pathlib import Path

from callflow import journals
from callflow.asterisk import AsteriskNode
from callflow.installation import AsteriskInstall
from callflow.models import JournalPosition
from callflow.rotation import KEEP, Rotation
from callflow.settings import LineSettings
from core.clock import frozen, now
from core.db import Database


class DeafNode(AsteriskNode):
    """A node whose Asterisk rests; it remembers what it would have been told."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, AsteriskInstall(Path("/bin/false"), home, home, "22"), LineSettings())
        self.told: list[str] = []

    async def cli(self, command: str) -> str:
        self.told.append(command)
        return ""


def prepared(home: Path) -> tuple[DeafNode, Path]:
    node = DeafNode(home)
    journal = node.folders.log / "queue_log"
    journal.parent.mkdir(parents=True)
    journal.write_text("one\ntwo\n")
    return node, journal


async def stands(db: Database, at: journals.Position) -> None:
    async with db.session() as session:
        await session.merge(JournalPosition(node="node1", journal="queue_log", inode=at.inode, offset=at.offset))


def aside(journal: Path) -> list[Path]:
    return sorted(journal.parent.glob("queue_log.*"))


async def test_a_large_journal_is_set_aside_and_read_to_its_end(db: Database, tmp_path: Path) -> None:
    node, journal = prepared(tmp_path)
    rotation = Rotation(db, node, largest=4)
    await rotation.step()
    assert aside(journal) == [], "nobody has read it yet"
    await stands(db, journals.Position(journal.stat().st_ino, 4))
    await rotation.step()
    assert len(aside(journal)) == 1
    assert node.told == ["logger reload"]
    journal.write_text("three\n")
    rest = journals.read(journal, journals.Position(aside(journal)[0].stat().st_ino, 4), 1000)
    assert rest.lines == ["two"]
    assert journals.read(journal, rest.end, 1000).lines == ["three"]


async def test_an_old_one_goes_only_when_its_reader_has_left_it(db: Database, tmp_path: Path) -> None:
    node, journal = prepared(tmp_path)
    await stands(db, journals.Position(journal.stat().st_ino, 0))
    await Rotation(db, node, largest=4).step()
    journal.write_text("three\n")
    rotation = Rotation(db, node)
    with frozen(now() + KEEP + timedelta(days=1)):
        os.utime(journal)
        await rotation.step()
        assert len(aside(journal)) == 1, "its reader still stands in it"
        await stands(db, journals.Position(journal.stat().st_ino, 0))
        await rotation.step()
        assert aside(journal) == []
    assert journal.read_text() == "three\n"
