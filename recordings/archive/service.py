"""Ingest as a service: it scans by itself; hints only wake it earlier."""

import asyncio
import contextlib

from callflow.store import ENDED
from core.db import Database
from core.health import Health
from core.live import listen
from core.service import Loop
from recordings.archive.ingest import Ingest

REST_S = 1.0
"""Recordings that end within this time are archived together."""
PART = "录音归档"


class IngestService:
    """Runs in the worker role on the machine of the spool."""

    name = "recording-ingest"

    def __init__(self, db: Database, ingest: Ingest, *, every_s: float) -> None:
        self._dsn = db.dsn
        self._loop = Loop(self.name, every_s, ingest.scan, rest_s=REST_S)
        self._listener: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Scan now and from now on."""
        await self._loop.start()
        self._listener = asyncio.create_task(self._listen(), name="recording-ingest-hints")

    async def stop(self) -> None:
        """A scan that is cut short goes on at the next start."""
        if self._listener:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
        await self._loop.stop()

    async def health(self) -> Health:
        """Not well while finished recordings cannot be archived."""
        state = await self._loop.health()
        mend = "" if state.ok else "请检查录音存储的空间和连接；录音保留在暂存区，恢复后自动归档。"
        return Health(PART, state.ok, state.detail, mend)

    async def _listen(self) -> None:
        async for _ in listen(self._dsn, [ENDED]):
            self._loop.wake()
