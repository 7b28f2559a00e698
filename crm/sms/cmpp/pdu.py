"""CMPP 2.0 and 3.0 on the wire. Pure: bytes to values and back.

中国移动通信互联网短信网关接口协议 V2.0 and V3.0, chapter 消息定义. 3.0 widened phone numbers, put a number type behind
them, made results four bytes long and put a LinkID in the place of eight reserved bytes; nothing else that we use.
"""

import hashlib
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

HEADER_BYTES = 12
LONGEST_BYTES = 4096
"""Far more than any PDU that a gateway sends to one client (a deliver of 255 bytes of text takes 388)."""
RESPONSE = 0x8000_0000
UCS2 = 8
FREE_OF_CHARGE_TO_CITIZENS = 2
"""Fee_UserType: 对SP计费."""


class Malformed(Exception):
    """These bytes are no CMPP; the argument says why."""


class Command(IntEnum):
    """Command_Id of a request; its response has the highest bit set."""

    CONNECT = 1
    TERMINATE = 2
    SUBMIT = 4
    DELIVER = 5
    ACTIVE_TEST = 8


@dataclass(frozen=True)
class Layout:
    """What differs between the two versions."""

    version: int
    phone_bytes: int
    typed: str
    """The struct codes of the type behind a number: none, or one byte."""
    result: str
    tail_bytes: int


LAYOUTS = {"2.0": Layout(0x20, 21, "", "B", 8), "3.0": Layout(0x30, 32, "x", "I", 20)}


@dataclass(frozen=True)
class Submit:
    """One part of one message to one number; its text is UCS-2, `udhi` says that a user data header stands before."""

    service_id: str
    sp_id: str
    fee_type: str
    fee_code: str
    source: str
    to: str
    content: bytes
    number: int = 1
    total: int = 1
    udhi: bool = False

    @property
    def reported(self) -> bool:
        """Whether a delivery report is asked for: for the last part only, which makes one report a message."""
        return self.number == self.total

    def body(self, layout: Layout) -> bytes:
        """Its body. Raises Malformed where a value does not fit."""
        number = f"{layout.phone_bytes}s"
        fixed = struct.pack(
            f">8x4B10sB{layout.phone_bytes}x{layout.typed}3B6s2s6s17x17x21sB{number}{layout.typed}B",
            *(self.total, self.number, self.reported, 0),
            _text(self.service_id, 10),
            *(FREE_OF_CHARGE_TO_CITIZENS, 0, self.udhi, UCS2),
            _text(self.sp_id, 6),
            _text(self.fee_type, 2),
            _text(self.fee_code, 6),
            _text(self.source, 21),
            *(1, _text(self.to, layout.phone_bytes), len(self.content)),
        )
        return fixed + self.content + bytes(layout.tail_bytes)


@dataclass(frozen=True)
class Submitted:
    """submit_resp: the gateway's message id, and 0 or why not."""

    msg_id: int
    result: int


@dataclass(frozen=True)
class Deliver:
    """What the gateway brings: a citizen's message, or (`is_report`) a status report about one of ours."""

    msg_id: int
    sender: str
    format: int
    udhi: bool
    is_report: bool
    content: bytes


@dataclass(frozen=True)
class StatusReport:
    """The content of a deliver with Registered_Delivery 1; `msg_id` is the one of the submit_resp."""

    msg_id: int
    stat: str
    to: str


@dataclass(frozen=True)
class Connected:
    """connect_resp: `status` 0 is welcome; `version` is the highest that the gateway speaks."""

    status: int
    proof: bytes
    version: int


def frame(command: int, sequence: int, body: bytes = b"") -> bytes:
    """One whole PDU."""
    return struct.pack(">3I", HEADER_BYTES + len(body), command, sequence) + body


def header(data: bytes) -> tuple[int, int, int]:
    """The first twelve bytes -> length of the body, command, sequence. Raises Malformed."""
    length, command, sequence = struct.unpack(">3I", data)
    if not HEADER_BYTES <= length <= LONGEST_BYTES:
        raise Malformed(f"length {length}")
    return length - HEADER_BYTES, command, sequence


def authenticator(sp_id: str, secret: str, timestamp: str) -> bytes:
    """AuthenticatorSource; `timestamp` is MMDDHHMMSS."""
    return _md5(sp_id.encode() + bytes(9) + secret.encode() + timestamp.encode())


def connect(layout: Layout, sp_id: str, secret: str, timestamp: str) -> bytes:
    """The body of a connect."""
    proof = authenticator(sp_id, secret, timestamp)
    return struct.pack(">6s16sBI", _text(sp_id, 6), proof, layout.version, int(timestamp))


def connected(body: bytes) -> Connected:
    """A connect_resp of either version: which one it is shows its length."""
    for layout in LAYOUTS.values():
        if len(body) == struct.calcsize(f">{layout.result}16sB"):
            return Connected(*struct.unpack(f">{layout.result}16sB", body))
    raise Malformed(f"connect_resp of {len(body)} bytes")


def proof_of_gateway(layout: Layout, status: int, source: bytes, secret: str) -> bytes:
    """AuthenticatorISMG, which shows that the gateway knows the shared secret as well."""
    return _md5(struct.pack(f">{layout.result}", status) + source + secret.encode())


def submitted(layout: Layout, body: bytes) -> Submitted:
    """A submit_resp. Raises Malformed."""
    return Submitted(*_unpack(f">Q{layout.result}", body, "submit_resp"))


def deliver(layout: Layout, body: bytes) -> Deliver:
    """A deliver. Raises Malformed; what stands behind the text is not looked at."""
    fixed = f">Q21s10sxBB{layout.phone_bytes}s{layout.typed}BB"
    msg_id, _, _, udhi, form, sender, registered, length = _unpack(fixed, body[: struct.calcsize(fixed)], "deliver")
    content = body[struct.calcsize(fixed) :][:length]
    if len(content) < length:
        raise Malformed(f"deliver with {len(content)} of {length} bytes of text")
    return Deliver(msg_id, _string(sender), form, bool(udhi), registered == 1, content)


def delivered(layout: Layout, msg_id: int, result: int) -> bytes:
    """The body of a deliver_resp."""
    return struct.pack(f">Q{layout.result}", msg_id, result)


def status_report(content: bytes) -> StatusReport:
    """A status report of either version: the width of its number shows in its length. Raises Malformed."""
    width = len(content) - struct.calcsize(">Q7s10s10sI")
    if width not in {layout.phone_bytes for layout in LAYOUTS.values()}:
        raise Malformed(f"status report of {len(content)} bytes")
    msg_id, stat, _, _, to, _ = struct.unpack(f">Q7s10s10s{width}sI", content)
    return StatusReport(msg_id, _string(stat), _string(to))


def _text(value: str, width: int) -> bytes:
    data = value.encode("ascii", "replace")
    if len(data) > width:
        raise Malformed(f"more than {width} characters")
    return data


def _string(data: bytes) -> str:
    return data.split(b"\0", 1)[0].decode("ascii", "replace").strip()


def _unpack(form: str, body: bytes, what: str) -> tuple[Any, ...]:
    if len(body) != struct.calcsize(form):
        raise Malformed(f"{what} of {len(body)} bytes")
    return struct.unpack(form, body)


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
