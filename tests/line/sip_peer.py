"""A SIP peer of bare bytes: it sends exactly the INVITE that a test wrote, and tells what came of it (RFC 3261)."""

import asyncio
import itertools
import re
from dataclasses import dataclass, field

SETTLE_S = 5.0
"""So long a peer waits for an answer that may never come: what cannot be parsed is not answered."""
FINAL_S = 30.0
SDP = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
)
_STATUS = re.compile(rb"SIP/2\.0 (\d{3}) ")
_TAG = re.compile(rb"^To:.*?(;tag=[^\r;]+)", re.MULTILINE | re.IGNORECASE)
_CONTACT = re.compile(rb"^Contact: *<([^>\r]+)>", re.MULTILINE | re.IGNORECASE)
_count = itertools.count(1)


@dataclass(frozen=True)
class Invite:
    """One INVITE; what is not given is as a good peer would write it. Everything is sent as it stands."""

    uri: bytes = b"sip:12301@127.0.0.1"
    sender: bytes = b"<sip:13800000001@127.0.0.1>"
    to: bytes = b"<sip:12301@127.0.0.1>"
    headers: tuple[bytes, ...] = ()
    body: bytes = SDP
    length: bytes | None = None
    contact: bytes | None = None
    tag: bytes = b";tag=peer"


@dataclass
class Answer:
    """What the server said: status codes in order, 0 where it said nothing at all."""

    codes: list[int] = field(default_factory=list)

    @property
    def final(self) -> int:
        return next((code for code in self.codes if code >= 200), 0)


class _Socket(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.arrived: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.arrived.put_nowait(data)


async def call(host: str, port: int, invite: Invite, *, hold_s: float = 0.0) -> Answer:
    """Send it; where it is answered: acknowledge, hold, hang up."""
    loop = asyncio.get_running_loop()
    transport, socket = await loop.create_datagram_endpoint(_Socket, remote_addr=(host, port))
    here = b"127.0.0.1:%d" % transport.get_extra_info("sockname")[1]
    number = next(_count)

    def request(method: bytes, uri: bytes, to: bytes, cseq: int, body: bytes = b"") -> bytes:
        length = invite.length if invite.length is not None and method == b"INVITE" else b"%d" % len(body)
        contact = invite.contact if invite.contact is not None else b"<sip:peer@" + here + b">"
        lines = [
            method + b" " + uri + b" SIP/2.0",
            b"Via: SIP/2.0/UDP " + here + b";rport;branch=z9hG4bK-%d-%d" % (number, cseq),
            b"From: " + invite.sender + invite.tag,
            b"To: " + to,
            b"Call-ID: hostile-%d@peer" % number,
            b"CSeq: %d " % cseq + method,
            b"Max-Forwards: 70",
            *([b"Contact: " + contact] if contact else []),
            *(invite.headers if method == b"INVITE" else ()),
            *([b"Content-Type: application/sdp"] if body else []),
            b"Content-Length: " + length,
        ]
        return b"\r\n".join(lines) + b"\r\n\r\n" + body

    answer = Answer()
    try:
        transport.sendto(request(b"INVITE", invite.uri, invite.to, 1, invite.body))
        wait = SETTLE_S
        while not answer.final:
            try:
                async with asyncio.timeout(wait):
                    reply = await socket.arrived.get()
            except TimeoutError:
                break
            if found := _STATUS.match(reply):
                answer.codes.append(int(found[1]))
                wait = FINAL_S
        if answer.final:
            tag = _TAG.search(reply)
            to = invite.to + (tag[1] if tag else b"")
            peer = _CONTACT.search(reply)
            target = peer[1] if peer else invite.uri
            transport.sendto(request(b"ACK", target if answer.final < 300 else invite.uri, to, 1))
            if answer.final < 300:
                await asyncio.sleep(hold_s)
                transport.sendto(request(b"BYE", target, to, 2))
                await _answered(socket)
    finally:
        transport.close()
    return answer


async def _answered(socket: _Socket) -> None:
    try:
        async with asyncio.timeout(FINAL_S):
            await socket.arrived.get()
    except TimeoutError as error:
        raise AssertionError("the BYE was not answered") from error
