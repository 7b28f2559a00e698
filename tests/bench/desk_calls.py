"""Calls as Asterisk tells of them, each event stamped as it is written; and desks that listen, each hint stamped as its
bytes arrive."""

import asyncio
import bisect
import math
import re
import ssl
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit
from uuid import UUID

from tests.bench.desk_manager import IDLE, TALKING, Manager

TALK = (("CHAN_START", 0.0), ("ANSWER", 0.35), ("APP_START", 0.7), ("BRIDGE_ENTER", 1.05), ("HANGUP", 1.6))
"""Events of one call and when they come, in seconds: far enough apart that a hint belongs to one of them."""
POP = "BRIDGE_ENTER"
"""With it the call is the agent's, and stands in the top bar."""
DEVICES = {POP: TALKING, "HANGUP": IDLE}
"""What the manager says of the agent's telephone, `ASIDE_S` before the journal says the rest."""
ASIDE_S = 0.15
AGENTS = "agents"
_HINT = re.compile(rb"data: (\S+) (\S*)\n")
LOST_S = 5.0
AGAIN_S = 3.0
"""A browser that was refused asks again after this long (live-worker.js)."""


@dataclass(frozen=True)
class Written:
    """One event: what hint it leads to, and when it was written, on both clocks."""

    call: str
    topic: str
    event: str
    at: float
    wall: float


class Exchange:
    """Writes what Asterisk would."""

    def __init__(self, journal: Path, manager: Manager) -> None:
        journal.parent.mkdir(parents=True, exist_ok=True)
        self._file = journal.open("a", encoding="utf-8")
        self._manager = manager
        self.written: list[Written] = []

    def say(self, linkedid: str, event: str, extension: str) -> None:
        """One line of the journal."""
        trunk, agent = f"PJSIP/trunk-{int(linkedid.split('.')[1]):08x}", f"PJSIP/{extension}-00000001"
        more = {"APP_START": ("Queue", "hotline", ""), POP: ("", "", agent)}.get(event, ("", "", ""))
        extra = '{""hangupcause"":16,""hangupsource"":""' + trunk + '""}' if event == "HANGUP" else ""
        number = f"1390{int(linkedid.split('.')[1]):07d}"
        at, wall = time.monotonic(), time.time()
        row = (event, f"{wall:.6f}", linkedid, linkedid, trunk, number, "12345", "citizen", *more, "", extra)
        self._file.write(",".join(f'"{one}"' for one in row) + "\n")
        self._file.flush()
        self.written.append(Written(linkedid, "call", event, at, wall))

    async def call(self, n: int, extension: str) -> None:
        """One call from its first event to its last."""
        began, linkedid = time.monotonic(), f"{int(time.time())}.{n}"
        for event, after in TALK:
            if device := DEVICES.get(event):
                await asyncio.sleep(max(0.0, began + after - ASIDE_S - time.monotonic()))
                at = self._manager.tell(extension, device)
                self.written.append(Written(linkedid, AGENTS, "QueueMemberStatus", at, time.time()))
            await asyncio.sleep(max(0.0, began + after - time.monotonic()))
            self.say(linkedid, event, extension)

    def close(self) -> None:
        """The journal's end."""
        self._file.close()


class Stream(asyncio.Protocol):
    """One connection to `/live` and what came over it, with the instant of each arrival."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._transport: asyncio.Transport | None = None
        self.came: list[tuple[float, bytes]] = []
        self.answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask as an EventSource does."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(
            f"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n"
            f"Cookie: __Host-hotline={self._token}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Bytes of the stream."""
        self.came.append((time.monotonic(), data))
        if not self.answered.done():
            if b"event: hello" in data:
                self.answered.set_result(True)
            elif not data.startswith(b"HTTP/1.1 200"):
                self.answered.set_result(False)

    def connection_lost(self, exc: Exception | None) -> None:
        """The server has ended it."""
        if not self.answered.done():
            self.answered.set_result(False)

    def close(self) -> None:
        """Gone."""
        if self._transport:
            self._transport.abort()


@dataclass
class Listener:
    """One desk. `refused`: what it was answered before it was let in."""

    refused: list[str] = field(default_factory=list)
    stream: Stream | None = None

    async def open(self, url: str, context: ssl.SSLContext, token: str) -> None:
        """Listen, asking again until it is let in, as the desks' worker does."""
        where = urlsplit(url)
        while True:
            _, stream = await asyncio.get_running_loop().create_connection(
                lambda: Stream(token), where.hostname, where.port, ssl=context, ssl_handshake_timeout=60
            )
            if await stream.answered:
                self.stream = stream
                return
            stream.close()
            self.refused.append(b"".join(data for _, data in stream.came)[-300:].decode(errors="replace"))
            await asyncio.sleep(AGAIN_S)

    def heard(self) -> Iterator[tuple[float, str, str]]:
        """Each hint: the instant of its bytes, its topic, its id."""
        for at, data in self.stream.came if self.stream else ():
            for topic, id in _HINT.findall(data):
                yield at, topic.decode(), id.decode()

    def close(self) -> None:
        """Gone."""
        if self.stream:
            self.stream.close()


def latencies(
    written: Sequence[Written], ids: dict[str, UUID], listeners: Sequence[Listener], topic: str
) -> list[float]:
    """Milliseconds from each event of `topic` until each desk heard the next hint about it; infinite after `LOST_S`."""
    found: list[float] = []
    for listener in listeners:
        times: dict[str, list[float]] = {}
        for at, said, id in listener.heard():
            if said == topic:
                times.setdefault(id if topic == "call" else "", []).append(at)
        for one in written:
            if one.topic == topic:
                heard = times.get(str(ids.get(one.call)) if topic == "call" else "", [])
                n = bisect.bisect_left(heard, one.at)
                late = heard[n] - one.at if n < len(heard) else math.inf
                found.append(late * 1000 if late < LOST_S else math.inf)
    return found
