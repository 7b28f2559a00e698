"""One socket from Asterisk: lines in, commands out. Knows at any moment whether a line may arrive."""

import asyncio
from collections.abc import Callable
from typing import cast

from prometheus_client import Histogram

from ivr.agi import wire
from ivr.agi.wire import BadPeer, HungUp, Mute, Reply, Request

COMMAND = Histogram(
    "hotline_agi_command_seconds",
    "From a command to Asterisk until its reply; commands that wait for the caller are left out",
    buckets=(0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5),
)
HIGH_WATER = 64 * 1024
"""A peer that does not read costs this much memory, then its connection."""


class Connection(asyncio.Protocol):
    """Header first, then strictly one reply per command; `HANGUP` may come at any time.

    `opened` is called once the header is whole. Whatever is wrong closes this socket and fails this call's flow
    with the reason; nothing is shared with other connections.
    """

    def __init__(self, opened: Callable[["Connection", Request], None], closed: Callable[["Connection"], None]):
        self._opened = opened
        self._closed = closed
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._header: list[str] | None = []
        self._header_size = 0
        self._usage = False
        self._waiting: asyncio.Future[Reply] | None = None
        self.failure: wire.AgiError | None = None
        self.hung_up = asyncio.Event()

    # ------------------------------------------------------------------ from asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer is there; perhaps one too many."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER)
        if self.failure is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes in any pieces; whole lines are taken, an endless one is an end."""
        self._buffer += data
        while self.failure is None and b"\n" in self._buffer:
            line, _, self._buffer = self._buffer.partition(b"\n")
            try:
                self._line(line.removesuffix(b"\r"))
            except wire.AgiError as error:
                self.fail(error)
        if self.failure is None and len(self._buffer) > wire.LONGEST_LINE:
            self.fail(BadPeer("a line without end"))

    def eof_received(self) -> bool:
        """The peer says no more."""
        self.fail(HungUp("the peer closed"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self.fail(HungUp("the connection is gone"))
        self._closed(self)

    def pause_writing(self) -> None:
        """The peer stopped reading."""
        self.fail(Mute("the peer does not read"))

    # ------------------------------------------------------------------ lines

    def _line(self, line: bytes) -> None:
        if len(line) > wire.LONGEST_LINE:
            raise BadPeer("a line too long")
        if self._header is not None:
            self._header_line(line)
        elif line == b"HANGUP":
            self.hung_up.set()
        elif self._usage:
            self._usage = not line.startswith(b"520 ")
            if not self._usage:
                self._reply("520 usage")
        elif line.startswith(b"520-"):
            self._usage = True
        elif not line.startswith(b"100 "):
            self._reply(wire.decode(line))

    def _header_line(self, line: bytes) -> None:
        assert self._header is not None
        self._header_size += len(line)
        if len(self._header) >= wire.HEADER_LINES or self._header_size > wire.HEADER_BYTES:
            raise BadPeer("a header too long")
        if line:
            self._header.append(wire.decode(line))
            return
        request, self._header = wire.parse_header(self._header), None
        self._opened(self, request)

    def _reply(self, line: str) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is None or waiting.done():
            raise BadPeer("a reply that nobody asked for")
        try:
            waiting.set_result(wire.parse_reply(line))
        except wire.Refused as error:
            waiting.set_exception(error)
        except wire.AgiError as error:
            waiting.set_exception(error)
            raise

    # ------------------------------------------------------------------ for the session

    @property
    def introduced(self) -> bool:
        """Whether the header came."""
        return self._header is None

    async def ask(self, *words: str, timeout: float, timed: bool = True) -> Reply:
        """Send one command and wait for its reply. Raises an AgiError; after any but Refused nothing more works."""
        if self.failure:
            raise self.failure
        if self.hung_up.is_set():
            raise HungUp("the caller is gone")
        if self._waiting is not None:
            raise BadPeer("two commands at once")
        line = wire.command(*words)
        loop = asyncio.get_running_loop()
        self._waiting = waiting = loop.create_future()
        began = loop.time()
        assert self._transport is not None
        self._transport.write(line)
        try:
            async with asyncio.timeout(timeout):
                reply: Reply = await waiting
        except TimeoutError as error:
            mute = Mute(f"no reply to {words[0]}")
            self.fail(mute)
            raise mute from error
        if timed:
            COMMAND.observe(loop.time() - began)
        return reply

    def fail(self, reason: wire.AgiError) -> None:
        """End the conversation for `reason`; the first one counts."""
        if self.failure is not None:
            return
        self.failure = reason
        self._buffer = b""
        if isinstance(reason, HungUp):
            self.hung_up.set()
        waiting, self._waiting = self._waiting, None
        if waiting and not waiting.done():
            waiting.set_exception(reason)
            waiting.exception()  # also where the flow was cancelled and nobody will look
        if self._transport:
            if isinstance(reason, HungUp):
                self._transport.close()
            else:
                self._transport.abort()

    def close(self) -> None:
        """The flow is done; Asterisk goes on with the dialplan."""
        if self._transport:
            self._transport.close()
