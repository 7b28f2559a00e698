"""What was missed: journals read from the last position, and calls that ended unseen."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from callflow import journals, store
from callflow.facts import Fact, Kind, Source, fact
from callflow.intake import Intake
from callflow.models import Call, JournalPosition, Node
from callflow.sources import cdr, cel, messages, queue_log
from core.clock import now
from core.db import Database
from core.errors import Invalid
from core.log import get

log = get(__name__)

CHUNK_BYTES = 128 * 1024
AT_ONCE = 40
"""Lines read in one go: about two milliseconds, in which no flow is answered."""
ROUNDING = timedelta(seconds=1)
"""Asterisk tells its uptime in whole seconds."""
SETTLING = timedelta(seconds=5)
"""An end may reach the journal this much later than it leaves the list of channels."""

Parse = Callable[[str, str], Sequence[Fact]]
JOURNALS: dict[str, tuple[str, Parse]] = {
    "cel": ("cel-custom/events.csv", lambda line, node: cel.facts(cel.parse(line), node)),
    "queue_log": ("queue_log", queue_log.facts),
    "cdr": ("cdr-custom/calls.csv", cdr.facts),
    "messages": (messages.FILE, messages.facts),
}


class Reconciler:
    """Closes the gaps of one node. Everything here may run at any time and any number of times."""

    def __init__(self, db: Database, intake: Intake, node: str, log_folder: Path) -> None:
        self._db = db
        self._intake = intake
        self._node = node
        self._folder = log_folder
        self._absent: set[str] = set()
        self._turn = asyncio.Lock()

    async def read_journals(self) -> int:
        """Turn everything new in the journals into rows; how many facts. The position follows
        its facts: after a crash between both, some are read again, which changes nothing."""
        count = 0
        async with self._turn:
            for name, (file, parse) in JOURNALS.items():
                while read := await self._read_some(name, self._folder / file, parse):
                    count += read
        return count

    async def _read_some(self, name: str, path: Path, parse: Parse) -> int:
        key = (self._node, name)
        async with self._db.session() as session:
            row = await session.get(JournalPosition, key)
        at = journals.Position(row.inode, row.offset) if row else journals.Position()
        chunk = await asyncio.to_thread(journals.read, path, at, CHUNK_BYTES)
        if chunk.end == at:
            return 0
        facts: list[Fact] = []
        bad: list[str] = []
        for n, line in enumerate(chunk.lines):
            if n % AT_ONCE == 0:
                await asyncio.sleep(0)
            try:
                facts.extend(parse(line, self._node))
            except (Invalid, ValueError):
                bad.append(f"{name} {line}")
        if bad:
            await self._intake.set_aside(bad)
        position = {"inode": chunk.end.inode, "offset": chunk.end.offset}
        await self._intake.save(facts)
        async with self._db.session() as session:
            statement = insert(JournalPosition).values(node=self._node, journal=name, **position)
            await session.execute(statement.on_conflict_do_update(index_elements=["node", "journal"], set_=position))
        return max(1, len(facts))

    async def booted(self, booted_at: datetime, died_at: datetime | None, live: set[str]) -> int:
        """Asterisk says since when it runs: calls of an earlier run are over; how many there were.

        They end when the connection to the dead one was lost (`died_at`), else at its last sign of life. `live`:
        linkedids of all channels, which no call of an earlier run can have.
        """
        async with self._db.session() as session:
            node = await session.get(Node, self._node, with_for_update=True)
            if node is None:
                node = Node(node=self._node, booted_at=booted_at, seen_at=booted_at)
                session.add(node)
            died_at = min(died_at or node.seen_at, booted_at)
            calls = await session.scalars(
                select(Call).where(
                    Call.node == self._node, Call.ended_at.is_(None), Call.arrived_at < booted_at - ROUNDING
                )
            )
            cut = [
                self._over(Kind.INTERRUPTED, call, max(died_at, call.changed_at_latest))
                for call in calls
                if call.linkedid not in live
            ]
            node.booted_at, node.seen_at = booted_at, now()
            await store.save(session, cut)
        if cut:
            log.warning("line.calls-cut-off", count=len(cut))
        return len(cut)

    async def alive(self) -> None:
        """Note a sign of life of Asterisk."""
        async with self._db.session() as session:
            if node := await session.get(Node, self._node, with_for_update=True):
                node.seen_at = now()

    async def sweep(self, live: set[str], asked_at: datetime) -> int:
        """Close calls that no channel belongs to any more, seen so twice -> how many lack a channel for the first time:
        their end may stand in a journal. `live`: linkedids of all channels."""
        async with self._db.session() as session:
            calls = await session.scalars(
                select(Call).where(
                    Call.node == self._node, Call.ended_at.is_(None), Call.arrived_at < asked_at - SETTLING
                )
            )
            absent = {call.linkedid: call for call in calls if call.linkedid not in live}
            twice = [call for linkedid, call in absent.items() if linkedid in self._absent]
            self._absent = set(absent)
            await store.save(session, [self._over(Kind.GONE, call, asked_at) for call in twice])
            return len(absent) - len(twice)

    def _over(self, kind: Kind, call: Call, at: datetime) -> Fact:
        return fact(self._node, call.linkedid, Source.AMI, kind, at)
