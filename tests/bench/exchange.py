"""Speaks into taps as Asterisk does, in a process of its own: what it costs is not the speech role's.

`python -m tests.bench.exchange` reads one JSON order a line, `{"tap", "port", "sound", "paced"}`, and answers with
`{"tap", "what": "began" | "ended", "at", "late"}`: `at` on CLOCK_MONOTONIC, which all processes of a machine share,
`late` the longest delay in seconds with which a frame left.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

FRAME = 320
FRAME_S = 0.02


@dataclass(frozen=True)
class Report:
    """What the exchange says of one tap."""

    tap: str
    what: str
    at: float
    late: float


class Exchange:
    """The other process, as the measurement sees it."""

    def __init__(self, heard: Callable[[Report], None]) -> None:
        self._heard = heard
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Exchange":
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __name__, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process and self._process.stdin and self._reader
        self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await self._process.wait()
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        await self._reader

    def play(self, tap: UUID, port: int, sound: Path, *, paced: bool) -> None:
        """Say `sound` (raw 8 kHz samples) into `tap`: a frame every 20 ms, or all at once."""
        assert self._process and self._process.stdin
        order = {"tap": str(tap), "port": port, "sound": str(sound), "paced": paced}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")

    async def _read(self) -> None:
        assert self._process and self._process.stdout
        async for line in self._process.stdout:
            self._heard(Report(**json.loads(line)))


async def _speak(order: dict[str, str]) -> None:
    sound, late = await asyncio.to_thread(Path(order["sound"]).read_bytes), 0.0
    _, writer = await asyncio.open_connection("127.0.0.1", int(order["port"]))
    try:
        writer.write(b"\x01\x00\x10" + UUID(order["tap"]).bytes)
        began = time.monotonic()
        _say(order, "began", began, 0.0)
        pieces = (sound[start : start + FRAME] for start in range(0, len(sound), FRAME))
        frames = [b"\x10" + len(piece).to_bytes(2, "big") + piece for piece in pieces]
        for number, frame in enumerate(frames if order["paced"] else [b"".join(frames)], 1):
            writer.write(frame)
            await writer.drain()
            if order["paced"]:
                due = began + number * FRAME_S
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                late = max(late, time.monotonic() - due)
        writer.write(b"\x00\x00\x00")
        await writer.drain()
    except ConnectionError:
        pass  # the tap was given up: Asterisk, too, only notices
    finally:
        _say(order, "ended", time.monotonic(), late)
        writer.close()


def _say(order: dict[str, str], what: str, at: float, late: float) -> None:
    print(json.dumps({"tap": order["tap"], "what": what, "at": at, "late": late}), flush=True)


async def _serve() -> None:
    talks: set[asyncio.Task[None]] = set()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        talk = asyncio.create_task(_speak(json.loads(line)))
        talks.add(talk)
        talk.add_done_callback(talks.discard)
    for talk in talks:
        talk.cancel()


if __name__ == "__main__":
    asyncio.run(_serve())
