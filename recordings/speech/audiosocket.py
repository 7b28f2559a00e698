"""The AudioSocket server: Asterisk sends one side of a call per connection, twenty milliseconds at a time.

Frame: kind (1 byte), length (2 bytes, big endian), payload; res_audiosocket of Asterisk 22.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Protocol
from uuid import UUID

from core.log import get

log = get(__name__)
INTRODUCTION_S = 2.0
"""A peer has this long to say which tap it is."""
SILENCE_S = 10.0
"""Asterisk sends audio all the time; a peer that sends nothing for this long is gone."""
KEEP_ALIVE_S = 1.0
"""Asterisk gives up after two seconds without a frame from us."""
MAX_CONNECTIONS = 512
MAX_AUDIO = 6400
"""Bytes of one audio frame: 400 ms; Asterisk sends 20 ms."""
CHUNK = 16384
"""Bytes taken from a connection at a time: one frame of a voice in time, many of one that catches up."""


class Kind(IntEnum):
    """Frame kinds."""

    HANGUP = 0x00
    IDENTITY = 0x01
    DTMF = 0x03
    AUDIO = 0x10
    ERROR = 0xFF


HEAD = 3
_LONGEST = {Kind.HANGUP: 16, Kind.IDENTITY: 16, Kind.DTMF: 1, Kind.AUDIO: MAX_AUDIO, Kind.ERROR: 16}
SILENCE = bytes([Kind.AUDIO, 1, 0x40]) + bytes(320)
BYE = bytes([Kind.HANGUP, 0, 0])


class BadFrame(ValueError):
    """The peer does not speak AudioSocket."""


class Listener(Protocol):
    """Who gets the audio of one tap."""

    def opened(self, hang_up: Callable[[], None]) -> None:
        """The tap is there; `hang_up` ends it."""

    def audio(self, samples: bytes) -> None:
        """More samples."""

    def closed(self) -> None:
        """No more will come."""


async def read_frame(reader: asyncio.StreamReader) -> tuple[Kind, bytes]:
    """The next frame. Raises `BadFrame`; `IncompleteReadError` when the peer is gone."""
    kind, length = _announced(await reader.readexactly(HEAD))
    return kind, await reader.readexactly(length)


def take_frames(arrived: bytearray) -> Iterator[tuple[Kind, bytes]]:
    """The whole frames at the front of `arrived`, which keeps the rest. Raises `BadFrame`."""
    start = 0
    try:
        while len(arrived) - start >= HEAD:
            kind, length = _announced(arrived[start : start + HEAD])
            end = start + HEAD + length
            if len(arrived) < end:
                return
            yield kind, bytes(arrived[start + HEAD : end])
            start = end
    finally:
        del arrived[:start]


def _announced(head: bytes | bytearray) -> tuple[Kind, int]:
    try:
        kind = Kind(head[0])
    except ValueError:
        raise BadFrame(f"frame kind {head[0]:#x}") from None
    length = int.from_bytes(head[1:], "big")
    if length > _LONGEST[kind] or (kind is Kind.IDENTITY and length != 16) or (kind is Kind.AUDIO and length % 2):
        raise BadFrame(f"{kind.name} frame of {length} bytes")
    return kind, length


class AudioSocketServer:
    """Accepts the taps that were announced with `expect`, and nobody else."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._expected: dict[UUID, Listener] = {}
        self._peers: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port that it listens on (0 in the settings chooses one)."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server else self._port

    @property
    def connections(self) -> int:
        """Peers that are connected now."""
        return len(self._peers)

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, self._host, self._port)

    async def stop(self) -> None:
        """Hang up all taps."""
        if self._server:
            self._server.close()
        for peer in list(self._peers):
            peer.cancel()
        await asyncio.gather(*self._peers, return_exceptions=True)
        self._server = None

    def expect(self, tap: UUID, listener: Listener) -> None:
        """The next connection that says it is `tap` belongs to `listener`."""
        self._expected[tap] = listener

    def forget(self, tap: UUID) -> None:
        """Nobody waits for `tap` any more."""
        self._expected.pop(tap, None)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._peers.add(task)
        listener: Listener | None = None
        try:
            if len(self._peers) > MAX_CONNECTIONS:
                raise BadFrame("too many connections")
            async with asyncio.timeout(INTRODUCTION_S):
                listener = await self._introduced(reader)
            listener.opened(writer.close)
            await self._carry(reader, writer, listener)
        except (BadFrame, TimeoutError) as error:
            log.warning("audiosocket.refused", reason=str(error) or "silent")
        except (asyncio.IncompleteReadError, ConnectionError):
            log.debug("audiosocket.gone")
        finally:
            self._peers.discard(task)
            if listener:
                listener.closed()
            with contextlib.suppress(OSError, RuntimeError):
                if not writer.is_closing():
                    writer.write(BYE)
                writer.close()

    async def _introduced(self, reader: asyncio.StreamReader) -> Listener:
        kind, payload = await read_frame(reader)
        if kind is not Kind.IDENTITY:
            raise BadFrame("no identity first")
        listener = self._expected.pop(UUID(bytes=payload), None)
        if listener is None:
            raise BadFrame("nobody waits for this identity")
        return listener

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: Listener) -> None:
        loop = asyncio.get_running_loop()
        alive_at, arrived = 0.0, bytearray()
        while True:
            async with asyncio.timeout(SILENCE_S):
                chunk = await reader.read(CHUNK)
            if not chunk:
                raise asyncio.IncompleteReadError(bytes(arrived), None)
            arrived += chunk
            for kind, payload in take_frames(arrived):
                if kind in {Kind.HANGUP, Kind.ERROR}:
                    return
                if kind is Kind.AUDIO:
                    listener.audio(payload)
            if loop.time() - alive_at >= KEEP_ALIVE_S and not writer.is_closing():
                writer.write(SILENCE)
                alive_at = loop.time()
