"""What was missed: journals read from the last position, and calls that ended unseen."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from callflow import store
from callflow.facts import Fact, Kind, Source, fact
from callflow.intake import Intake
from callflow.models import Call, Node
from callflow.places.rules import waits
from callflow.reading import JournalReader, Parse
from callflow.sources import cdr, cel, messages, queue_log
from core.clock import now
from core.db import Database
from core.log import get

log = get(__name__)

ROUNDING = timedelta(seconds=1)
"""Asterisk tells its uptime in whole seconds."""
SETTLING = timedelta(seconds=5)
"""An end may reach the journal this much later than it leaves the list of channels."""

JOURNALS: dict[str, tuple[str, Parse]] = {
    "cel": ("cel-custom/events.csv", lambda line, node: cel.facts(cel.parse(line), node)),
    "queue_log": ("queue_log", queue_log.facts),
    "cdr": ("cdr-custom/calls.csv", cdr.facts),
    "messages": (messages.FILE, messages.facts),
}
LIVE = "cel"
"""Says everything as it happens; the others repeat it, for the day when it is lost."""


class Reconciler:
    """Closes the gaps of one node. Everything here may run at any time and any number of times."""

    def __init__(
        self,
        db: Database,
        intake: Intake,
        node: str,
        log_folder: Path,
        hear: Callable[[Fact], None] | None = None,
    ) -> None:
        self._db = db
        self._node = node
        self._absent: set[str] = set()
        self._journals = {
            name: JournalReader(db, intake, node, name, log_folder / file, parse, hear if name == LIVE else None)
            for name, (file, parse) in JOURNALS.items()
        }

    @property
    def live(self) -> JournalReader:
        """The journal of channel events, which is read as it grows."""
        return self._journals[LIVE]

    async def read_journals(self) -> int:
        """Turn everything new in the journals into rows; how many facts."""
        return sum([await journal.catch_up() for journal in self._journals.values()])

    async def forget(self) -> None:
        """Another process reads this node from now on."""
        for journal in self._journals.values():
            await journal.forget()

    async def booted(self, booted_at: datetime, died_at: datetime | None, live: set[str]) -> int:
        """Asterisk says since when it runs: calls of an earlier run are over; how many there were.

        They end when the connection to the dead one was lost (`died_at`), else at its last sign of life. `live`:
        linkedids of all channels, which no call of an earlier run can have. A kept place outlives Asterisk.
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
                if call.linkedid not in live and not waits(store.read_state(call))
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
            absent = {
                call.linkedid: call for call in calls if call.linkedid not in live and not waits(store.read_state(call))
            }
            twice = [call for linkedid, call in absent.items() if linkedid in self._absent]
            self._absent = set(absent)
            await store.save(session, [self._over(Kind.GONE, call, asked_at) for call in twice])
            return len(absent) - len(twice)

    def _over(self, kind: Kind, call: Call, at: datetime) -> Fact:
        return fact(self._node, call.linkedid, Source.AMI, kind, at)
