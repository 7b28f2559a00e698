"""The line role's services: snapshot, files, reader with its intake, incident clock, rotation of the journals."""

import asyncio
from pathlib import Path

from prometheus_client import Gauge

from callflow import queries
from callflow.asterisk import AsteriskNode
from callflow.feed import LineFeed
from callflow.files import LineFiles
from callflow.incidents import service as incidents
from callflow.intake import Intake
from callflow.limits import CallerLimits
from callflow.numbers.service import TOPIC as LINE
from callflow.phones import fraud
from callflow.rotation import Rotation
from callflow.settings import LineSettings
from callflow.snapshot import SnapshotKeeper
from callflow.spoken.caller import SpokenCaller
from callflow.spoken.service import TOPIC as SPOKEN
from core.clock import now
from core.db import Database
from core.health import Health
from core.identity.service import SESSIONS
from core.live import RESYNC, listen
from core.secrets import Secrets
from core.service import Loop

WAITING = Gauge("hotline_line_waiting", "Callers waiting now", ["queue"], multiprocess_mode="livesum")
TALKING = Gauge("hotline_line_talking", "Calls in which people talk now", ["queue"], multiprocess_mode="livesum")
AGENTS = Gauge("hotline_line_agents", "Agents logged in now", ["queue"], multiprocess_mode="livesum")
PART = "电话线路"
FILES_EVERY_S, CLOCK_EVERY_S, SNAPSHOT_EVERY_S, ROTATE_EVERY_S = 60.0, 20.0, 5.0, 3600.0


class Line:
    """Everything that the line role runs for one node. `snapshot` and `limits` serve the flows."""

    name = "line"

    def __init__(self, db: Database, home: Path, settings: LineSettings, node: AsteriskNode) -> None:
        self._db = db
        self.limits = CallerLimits()
        self._intake = Intake(db, home / "state" / "set-aside.txt")
        self.snapshot = SnapshotKeeper(db, home / "state" / "snapshot")
        secrets = Secrets(home / "secrets")
        self.feed = LineFeed(db, self._intake, settings, lambda: secrets.get("ami-line"), node.folders.log, self.limits)
        self._spoken = SpokenCaller(db, self.feed.ami, settings, node.folders.sounds).loop
        self._files = Loop("line-files", FILES_EVERY_S, LineFiles(db, node).step)
        self._refresh = Loop("line-snapshot", SNAPSHOT_EVERY_S, self._refreshed)
        self._clock = Loop("incident-clock", CLOCK_EVERY_S, self._minute)
        self._rotation = Loop("line-journals", ROTATE_EVERY_S, Rotation(db, node).step)
        self._listener: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start all parts; none needs the database to be there."""
        for part in (self._refresh, self._files, self.feed, self._spoken, self._clock, self._rotation):
            await part.start()
        self._listener = asyncio.create_task(self._listen(), name="line-hints")

    async def stop(self) -> None:
        """Stop all parts; Asterisk and its calls go on."""
        if self._listener:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        for part in (self._rotation, self._clock, self._spoken, self.feed, self._files, self._refresh):
            await part.stop()

    async def health(self) -> Health:
        """The first trouble of any part."""
        parts = (
            self.feed, self._intake, self._files, self._refresh, self._spoken, self._clock, self._rotation,
        )  # fmt: skip
        for one in [await part.health() for part in parts]:
            if not one.ok:
                return Health(PART, False, one.detail, one.mend)
        return Health(PART, True, "运行正常")

    async def _listen(self) -> None:
        async for hint in listen(self._db.dsn, [LINE, SESSIONS, "agents", SPOKEN]):
            if hint.topic in (LINE, RESYNC):
                self._refresh.wake()
            if hint.topic in (LINE, SESSIONS, RESYNC):
                self._files.wake()
            if (hint.topic == "agents" and hint.id) or hint.topic in (SESSIONS, RESYNC):
                self.feed.wake()
            if hint.topic in (SPOKEN, RESYNC):
                self._spoken.wake()

    async def _refreshed(self) -> None:
        snapshot = await self.snapshot.refresh()
        self.limits.tidy(now(), snapshot.limits_of)
        async with self._db.session() as session:
            for queue in await queries.queue_status(session):
                WAITING.labels(queue.name).set(queue.waiting)
                TALKING.labels(queue.name).set(queue.talking)
                AGENTS.labels(queue.name).set(sum(1 for one in queue.agents if one.logged_in_at))

    async def _minute(self) -> None:
        async with self._db.session() as session:
            await incidents.observe(session, now())
            await fraud.watch(session, now())
