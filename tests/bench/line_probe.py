"""A handful of telephones whose ears are a clock: INVITE until 200, and until the first sound of the notice."""

import asyncio
import contextlib
import re
from dataclasses import dataclass, field

SOUND_S, CALL_S = 5.0, 60.0
_HEADER = re.compile(r"^(via|from|to|call-id|cseq|contact|record-route):[ \t]*(.*)$", re.IGNORECASE | re.MULTILINE)


@dataclass
class Probed:
    """One call; milliseconds since INVITE left, None where it never came."""

    answered_ms: float | None = None
    sound_ms: float | None = None


@dataclass
class _Call:
    number: str
    probed: Probed
    began: float = 0.0
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, call: _Call) -> None:
        self._call = call

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._call.probed.sound_ms is None:
            self._call.probed.sound_ms = (asyncio.get_running_loop().time() - self._call.began) * 1000
            self._call.heard.set()


class Prober(asyncio.DatagramProtocol):
    """Calls `server` from one socket; each call lasts until the hotline ends it."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._calls: dict[str, _Call] = {}
        self._transport: asyncio.DatagramTransport

    @classmethod
    async def opened(cls, server: tuple[str, int]) -> "Prober":
        """Ready to call."""
        _, one = await asyncio.get_running_loop().create_datagram_endpoint(lambda: cls(server), ("127.0.0.1", 0))
        return one

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def close(self) -> None:
        """No more calls."""
        self._transport.close()

    async def call(self, number: str, service: str) -> Probed:
        """Call as `number` and stay until the end."""
        loop = asyncio.get_running_loop()
        call = _Call(number, Probed())
        ear, _ = await loop.create_datagram_endpoint(lambda: _Ear(call), ("127.0.0.1", 0))
        name = f"probe-{number}-{id(call)}"
        self._calls[name] = call
        host, port = self._transport.get_extra_info("sockname")
        sdp = f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        sdp += f"m=audio {ear.get_extra_info('sockname')[1]} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
        call.began = loop.time()
        self._send(
            f"INVITE sip:{service}@{self._server[0]}:{self._server[1]} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{name}\r\n"
            f"From: <sip:{number}@{host}:{port}>;tag={name}\r\nTo: <sip:{service}@{self._server[0]}>\r\n"
            f"Call-ID: {name}\r\nCSeq: 1 INVITE\r\nContact: <sip:{number}@{host}:{port}>\r\n"
            "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE\r\nMax-Forwards: 70\r\n"
            f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}"
        )
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SOUND_S):
                    await call.heard.wait()
                async with asyncio.timeout(CALL_S):
                    await call.over.wait()
        finally:
            ear.close()
            del self._calls[name]
        return call.probed

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answers advance their call; every request is agreed to."""
        text = data.decode("utf-8", "replace")
        headers = [(name.lower(), value.strip()) for name, value in _HEADER.findall(text)]
        first = dict(reversed(headers))
        call = self._calls.get(first.get("call-id", ""))
        if not text.startswith("SIP/2.0"):
            kept = "".join(f"{n}: {v}\r\n" for n, v in headers if n in ("via", "from", "to", "call-id", "cseq"))
            self._send(f"SIP/2.0 200 OK\r\n{kept}Content-Length: 0\r\n\r\n")
            if call and text.startswith("BYE"):
                call.over.set()
        elif call and text.startswith("SIP/2.0 200") and first.get("cseq", "").endswith("INVITE"):
            if call.probed.answered_ms is None:
                call.probed.answered_ms = (asyncio.get_running_loop().time() - call.began) * 1000
            self._acknowledge(first)

    def _acknowledge(self, answer: dict[str, str]) -> None:
        host, port = self._transport.get_extra_info("sockname")
        target = answer["contact"].partition("<")[2].partition(">")[0]
        self._send(
            f"ACK {target} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bKack{answer['call-id']}\r\n"
            f"From: {answer['from']}\r\nTo: {answer['to']}\r\nCall-ID: {answer['call-id']}\r\n"
            "CSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )

    def _send(self, message: str) -> None:
        self._transport.sendto(message.encode(), self._server)
