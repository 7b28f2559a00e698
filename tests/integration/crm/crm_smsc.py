"""The SMSC of tests/smsc as a child process, and waiting for what it says."""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from npm_package import NODE, install

FOLDER = Path(__file__).parents[2] / "smsc"
PATIENCE_S = 20.0


class Smsc:
    """`happened` holds every event so far; `port` is where it listens (the same after a restart)."""

    def __init__(self) -> None:
        self.port = 0
        self.happened: list[dict[str, Any]] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await asyncio.to_thread(install, FOLDER, "smpp")
        before = len(self.happened)
        self._process = await asyncio.create_subprocess_exec(
            str(NODE),
            "smsc.js",
            str(self.port),
            cwd=FOLDER,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._reader = asyncio.create_task(self._read(self._process))
        self.port = (await self.event("listening", after=before))["port"]

    async def stop(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._reader:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader

    async def tell(self, **command: Any) -> None:
        """Send a command and wait until it was carried out."""
        assert self._process
        assert self._process.stdin
        before = len(self.happened)
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        await self.event("done", after=before)

    async def event(self, name: str, *, after: int = 0, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """The first event of this name since number `after`."""

        async def seen() -> dict[str, Any] | None:
            return next((one for one in self.happened[after:] if one["event"] == name), None)

        return await eventually(seen, patience_s)

    def count(self, name: str) -> int:
        return sum(one["event"] == name for one in self.happened)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        async for line in process.stdout:
            self.happened.append(json.loads(line))


async def eventually(ask: Callable[[], Awaitable[Any]], patience_s: float = PATIENCE_S) -> Any:
    """What `ask` gives as soon as it gives something true."""
    limit = time.monotonic() + patience_s
    while time.monotonic() < limit:
        if found := await ask():
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("what was waited for did not happen")
