"""One journal of a node into rows: read as it grows, stored when PostgreSQL takes it, read on after a restart."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy.dialects.postgresql import insert

from callflow import journals
from callflow.facts import Fact
from callflow.intake import Intake
from callflow.models import JournalPosition
from core.db import Database
from core.errors import Invalid

CHUNK_BYTES = 128 * 1024
FRESH_BYTES = 16 * 1024
"""So little was just written and lies in memory; more is read in a thread, since a disk may be slow."""
AT_ONCE = 40
"""Lines read in one go: less than a millisecond, in which no flow is answered."""
MOST_WAITING = 20_000
"""Facts, some thousand calls, that wait for a database that is away; what comes after them waits in the journal."""

Parse = Callable[[str, str], Sequence[Fact]]


class JournalReader:
    """Reads one journal; `parse` turns a line into facts, `hear` is told of each as soon as it was read.

    `read()` goes ahead in memory, `store()` follows when PostgreSQL takes what was read, and `keep()` notes there how
    far that is. Facts may be said again, so the note may be old: after a crash some lines are read twice, which
    changes nothing. All three may run at any time and at the same time.
    """

    def __init__(
        self,
        db: Database,
        intake: Intake,
        node: str,
        name: str,
        path: Path,
        parse: Parse,
        hear: Callable[[Fact], None] | None = None,
    ) -> None:
        self._db = db
        self._intake = intake
        self._node = node
        self._name = name
        self._path = path
        self._parse = parse
        self._hear = hear
        self._read: journals.Position | None = None
        """None: where an earlier reader stopped, which PostgreSQL knows."""
        self._waiting: list[Fact] = []
        """Facts between `_stored` and `_read`."""
        self._stored = self._noted = journals.Position()
        self._reading, self._storing = asyncio.Lock(), asyncio.Lock()

    @property
    def waiting(self) -> bool:
        """Whether facts wait for `store()`."""
        return bool(self._waiting)

    def grown(self) -> bool:
        """Whether there is something to read, and room for it."""
        if len(self._waiting) >= MOST_WAITING:
            return False
        return self._read is None or journals.unread(self._path, self._read) > 0

    async def read(self) -> bool:
        """One chunk into facts, which wait for `store()` -> whether there is another one. Raises Unavailable while
        nobody knows where to begin, OSError where the disk does not take a line that nobody can read."""
        async with self._reading:
            if len(self._waiting) >= MOST_WAITING:
                return True
            at = self._read or await self._begin()
            if journals.unread(self._path, at) <= FRESH_BYTES:
                chunk = journals.read(self._path, at, CHUNK_BYTES)
            else:
                chunk = await asyncio.to_thread(journals.read, self._path, at, CHUNK_BYTES)
            facts: list[Fact] = []
            bad: list[str] = []
            for n, line in enumerate(chunk.lines, 1):
                if n % AT_ONCE == 0:
                    await asyncio.sleep(0)
                try:
                    facts.extend(self._parse(line, self._node))
                except (Invalid, ValueError):
                    bad.append(f"{self._name} {line}")
            if bad:
                await self._intake.set_aside(bad)
            self._read = chunk.end
            self._waiting += facts
            if self._hear:
                for fact in facts:
                    self._hear(fact)
            return chunk.more and chunk.end != at

    async def store(self) -> int:
        """Bring what was read to PostgreSQL -> how many facts. Raises Unavailable, and they wait on."""
        async with self._storing:
            facts, end = list(self._waiting), self._read
            await self._intake.save(facts)
            del self._waiting[: len(facts)]
            if end:
                self._stored = end
            return len(facts)

    async def keep(self) -> None:
        """Note in PostgreSQL how far the journal is stored."""
        async with self._storing:
            end = self._stored
            if end == self._noted:
                return
            position = {"inode": end.inode, "offset": end.offset}
            statement = insert(JournalPosition).values(node=self._node, journal=self._name, **position)
            async with self._db.session() as session:
                await session.execute(
                    statement.on_conflict_do_update(index_elements=["node", "journal"], set_=position)
                )
            self._noted = end

    async def catch_up(self) -> int:
        """Everything that the journal holds now into rows -> how many facts. What is written meanwhile waits for the
        next reading, or a busy hour would never end this one."""
        count, more = 0, True
        while more:
            more = await self.read()
            count += await self.store()
        await self.keep()
        return count

    async def forget(self) -> None:
        """Somebody else reads on: begin where they will have stopped."""
        async with self._reading, self._storing:
            self._read, self._waiting, self._stored = None, [], self._noted

    async def _begin(self) -> journals.Position:
        async with self._db.session() as session:
            row = await session.get(JournalPosition, (self._node, self._name))
        self._stored = self._noted = journals.Position(row.inode, row.offset) if row else journals.Position()
        return self._stored
