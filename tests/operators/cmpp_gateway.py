"""An ISMG (互联网短信网关) for tests: `python cmpp_gateway.py PORT 2.0|3.0`. It shares nothing with the product.

Written from 中国移动通信互联网短信网关接口协议 V2.0 and V3.0 field by field, strict where the client must be right:
lengths, authenticator, window. What clients that we did not write say to it is a test of its own. Commands:

    {"set": {"response": "ok" | "throttle" | "refuse" | "none" | "drop" | "wrong-sequence" | "short-body",
             "report": "DELIVRD" | null, "mute": false, "proof": true}}
    {"reply": {"from": "138…", "text": "…", "format": 8, "head": "050003…" | ""}}    a citizen's message to us
    {"report": {"id": "…", "to": "138…", "status": "DELIVRD"}}
    {"drop": true}, {"test": true} (active test), {"terminate": true}, {"raw": "hex"}
"""

import asyncio
import datetime
import hashlib
import os
import sys
from typing import Any

from control import obey, tell

SP_ID, SECRET, WINDOW = b"901234", b"secret", 16
CHARSETS = {0: "ascii", 8: "utf-16-be", 15: "gb18030"}


def number(value: int, width: int) -> bytes:
    return value.to_bytes(width, "big")


def text(value: str, width: int) -> bytes:
    return value.encode().ljust(width, b"\0")


class Gateway:
    """All links, and how it behaves."""

    def __init__(self, version: str) -> None:
        self.v3 = version == "3.0"
        self.phone, self.result, self.tail = (32, 4, 20) if self.v3 else (21, 1, 8)
        self.behaviour: dict[str, Any] = {"response": "ok", "report": "DELIVRD", "mute": False, "proof": True}
        self.links: set[Link] = set()
        self.taken = 0

    def msg_id(self) -> int:
        """Month, day, hour, minute, second, gateway code, sequence; the code makes it another after a restart."""
        self.taken += 1
        at = datetime.datetime.now()
        bits = 0
        for value, width in (
            (at.month, 4),
            (at.day, 5),
            (at.hour, 5),
            (at.minute, 6),
            (at.second, 6),
            (os.getpid() & 0x3FFFFF, 22),
            (self.taken & 0xFFFF, 16),
        ):
            bits = bits << width | value
        return bits

    async def obey(self, command: dict[str, Any]) -> None:
        self.behaviour |= command.get("set", {})
        for link in list(self.links):
            if command.get("drop"):
                link.writer.transport.abort()
            if command.get("test"):
                link.send(8)
            if command.get("terminate"):
                link.send(2)
            if raw := command.get("raw"):
                link.writer.write(bytes.fromhex(raw))
            if reply := command.get("reply"):
                form, head = reply.get("format", 8), bytes.fromhex(reply.get("head", ""))
                link.deliver(reply["from"], head + reply["text"].encode(CHARSETS[form]), form, udhi=bool(head))
            if report := command.get("report"):
                link.report(int(report["id"]), report["to"], report["status"])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(self, writer)
        self.links.add(link)
        try:
            while True:
                head = await reader.readexactly(12)
                length = int.from_bytes(head[:4], "big")
                body = await reader.readexactly(length - 12)
                link.received(int.from_bytes(head[4:8], "big"), int.from_bytes(head[8:], "big"), body)
        except (asyncio.IncompleteReadError, ConnectionError):
            tell("close")
        finally:
            self.links.discard(link)
            writer.close()


class Link:
    """One client."""

    def __init__(self, gateway: Gateway, writer: asyncio.StreamWriter) -> None:
        self.gateway, self.writer = gateway, writer
        self.sequence = 0
        self.open = 0
        self.delivered: dict[int, tuple[str, str]] = {}

    def send(self, command: int, body: bytes = b"", sequence: int | None = None) -> int:
        if sequence is None:
            self.sequence += 1
            sequence = self.sequence
        self.writer.write(number(12 + len(body), 4) + number(command, 4) + number(sequence, 4) + body)
        return sequence

    def answer(self, command: int, sequence: int, body: bytes = b"") -> None:
        self.send(command | 0x80000000, body, sequence)

    def received(self, command: int, sequence: int, body: bytes) -> None:
        if command == 1:
            self.connect(sequence, body)
        elif self.gateway.behaviour["mute"]:
            tell("swallowed", command=command)
        elif command == 2:
            tell("terminate")
            self.answer(command, sequence)
        elif command == 4:
            self.submit(sequence, body)
        elif command == 8:
            tell("tested")
            self.answer(command, sequence, b"\0")
        elif command == 0x80000005:
            assert len(body) == 8 + self.gateway.result, body
            name, about = self.delivered.pop(sequence, ("raw-acknowledged", ""))
            tell(name, id=about, status=int.from_bytes(body[8:], "big"), msg_id=int.from_bytes(body[:8], "big"))
        elif command == 0x80000008:
            assert body == b"\0", body
            tell("test-answered")
        elif command == 0x80000002:
            self.writer.close()
        else:
            raise AssertionError(f"command {command:#x}")

    def connect(self, sequence: int, body: bytes) -> None:
        assert len(body) == 6 + 16 + 1 + 4, body
        source, proof, version, timestamp = body[:6], body[6:22], body[22], int.from_bytes(body[23:], "big")
        wanted = hashlib.md5(SP_ID + bytes(9) + SECRET + f"{timestamp:010}".encode()).digest()
        status = 0 if (source, proof) == (SP_ID, wanted) else 3
        if version >> 4 > (3 if self.gateway.v3 else 2):
            status = 4
        tell("bind", good=status == 0, status=status)
        shown = number(status, self.gateway.result)
        ours = hashlib.md5(shown + proof + SECRET).digest() if self.gateway.behaviour["proof"] else bytes(16)
        self.answer(1, sequence, shown + ours + number(0x30 if self.gateway.v3 else 0x20, 1))

    def submit(self, sequence: int, body: bytes) -> None:
        gateway, response = self.gateway, self.gateway.behaviour["response"]
        cursor = iter_fields(body)
        assert cursor(8) == bytes(8)
        total, part, registered, _ = cursor(4)
        service = cursor(10)
        fee_user = cursor(1)[0]
        assert cursor(gateway.phone) == bytes(gateway.phone)
        if gateway.v3:
            cursor(1)
        pid, udhi, form = cursor(3)
        source, fee_type, fee_code = cursor(6), cursor(2), cursor(6)
        assert (source, pid, cursor(34)) == (SP_ID, 0, bytes(34))
        sender = cursor(21)
        assert cursor(1) == b"\1", "one number each"
        to = cursor(gateway.phone)
        if gateway.v3:
            assert cursor(1) == b"\0", "a real number"
        content = cursor(cursor(1)[0])
        assert len(content) <= 140
        assert cursor(gateway.tail) == bytes(gateway.tail)
        assert cursor(1) == b"", "nothing behind"
        head = content[: content[0] + 1] if udhi else b""
        self.open += 1
        assert self.open <= WINDOW, "the window is 16"
        msg_id = gateway.msg_id()
        shown = {
            name: value.rstrip(b"\0").decode() for name, value in (("to", to), ("from", sender), ("service", service))
        }
        fees = {"fee": [fee_user, fee_type.decode(), fee_code.decode()]}
        words = content[len(head) :].decode(CHARSETS[form])
        tell("submit", id=str(msg_id), coding=form, text=words, head=head.hex(), part=part, total=total,
             registered=registered, response=response, **shown, **fees)  # fmt: skip
        if response == "none":
            return
        self.open -= 1
        if response == "drop":
            self.writer.transport.abort()
            return
        result = {"throttle": 8, "refuse": 13}.get(response, 0)
        answer = number(msg_id, 8) + number(result, gateway.result)
        if response == "short-body":
            answer = answer[:5]
        self.answer(4, sequence + 1000 if response == "wrong-sequence" else sequence, answer)
        if result == 0 and registered and gateway.behaviour["report"]:
            status = gateway.behaviour["report"]
            asyncio.get_running_loop().call_later(0.03, self.report, msg_id, shown["to"], status)

    def report(self, msg_id: int, to: str, status: str) -> None:
        times = b"2611231500" * 2
        content = number(msg_id, 8) + text(status, 7) + times + text(to, self.gateway.phone) + number(77, 4)
        self.deliver(to, content, 0, report=str(msg_id))

    def deliver(self, sender: str, content: bytes, form: int, *, udhi: bool = False, report: str = "") -> None:
        if self.writer.is_closing():
            return
        fixed = number(self.gateway.msg_id(), 8) + text("12345", 21) + text("help", 10) + bytes([0, udhi, form])
        kind = b"\0" if self.gateway.v3 else b""
        fixed += text(sender, self.gateway.phone) + kind + bytes([bool(report), len(content)])
        sequence = self.send(5, fixed + content + bytes(self.gateway.tail))
        self.delivered[sequence] = ("report-acknowledged", report) if report else ("reply-acknowledged", sender)


def iter_fields(body: bytes) -> Any:
    place = 0

    def field(width: int) -> bytes:
        nonlocal place
        value = body[place : place + width]
        place += width
        return value

    return field


async def main(port: int, version: str) -> None:
    gateway = Gateway(version)
    server = await asyncio.start_server(gateway.serve, "127.0.0.1", port)
    tell("listening", port=server.sockets[0].getsockname()[1])
    await obey(gateway.obey)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
