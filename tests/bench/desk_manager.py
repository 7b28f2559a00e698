"""The manager of an Asterisk that is played: it grants everything, has no channel, and knows the queue's members."""

import asyncio
import contextlib
import time
from typing import Self

from callflow.ami.wire import BANNER

QUEUE = "hotline"
IDLE, TALKING = 1, 2
"""Device states."""


class Manager:
    """A server that the line role connects to; `tell` says what an agent's telephone does now."""

    def __init__(self) -> None:
        self.port = 0
        self._members: dict[str, int] = {}
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server:
            self._server.close()
        if self._writer:
            self._writer.transport.abort()

    def tell(self, extension: str, device: int) -> float:
        """Say so -> when, on the monotonic clock. Raises RuntimeError while nobody is connected."""
        if self._writer is None:
            raise RuntimeError("the line role is not connected")
        self._members[extension] = device
        at = time.monotonic()
        self._writer.write(f"Event: QueueMemberStatus\r\n{_member(extension, device)}\r\n".encode())
        return at

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        writer.write(f"{BANNER}11.0.0\r\n".encode())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                block = await reader.readuntil(b"\r\n\r\n")
                asked = dict(line.split(": ", 1) for line in block.decode().strip().split("\r\n"))
                writer.write(self._answer(asked).encode())

    def _answer(self, asked: dict[str, str]) -> str:
        id = f"ActionID: {asked['ActionID']}\r\n\r\n"
        answer = "Response: Success\r\n" + id
        match asked["Action"]:
            case "Login":
                return answer + "Event: FullyBooted\r\nUptime: 1000\r\n\r\n"
            case "QueueAdd":
                self._members.setdefault(asked["Interface"].rpartition("/")[2], IDLE)
            case "QueueStatus":
                rows = [f"Event: QueueMember\r\n{_member(*one)}{id}" for one in self._members.items()]
                return answer + "".join(rows) + "Event: QueueStatusComplete\r\nEventList: Complete\r\n" + id
            case "CoreShowChannels":
                return answer + "Event: CoreShowChannelsComplete\r\nEventList: Complete\r\n" + id
        return answer


def _member(extension: str, device: int) -> str:
    return (
        f"Queue: {QUEUE}\r\nInterface: PJSIP/{extension}\r\nStateInterface: PJSIP/{extension}\r\n"
        f"Status: {device}\r\nPaused: 0\r\nPenalty: 0\r\nInCall: {int(device == TALKING)}\r\nCallsTaken: 0\r\n"
    )
