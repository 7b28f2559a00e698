"""One connection to a CMPP gateway, from login to its end; it never outlives an error."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Iterator

from core.clock import SHANGHAI, now
from core.log import get
from crm.settings import CmppSettings
from crm.sms.cmpp import pdu
from crm.sms.cmpp.pdu import Command

log = get(__name__)

TESTS = 3
"""N: a gateway that answers none of so many link tests is mute."""
WRONG_STRUCTURE = 1
REFUSALS = {1: "消息结构错", 2: "非法源地址", 3: "认证错，请核对企业代码和密码", 4: "版本太高"}


class Closed(Exception):
    """The connection is over; the argument says why, as a Chinese clause."""


class Session:
    """Logged in. `handle` keeps what the gateway delivers; when it returns, the gateway is told so."""

    def __init__(
        self,
        settings: CmppSettings,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        sequences: Iterator[int],
        handle: Callable[[pdu.Deliver], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._layout = pdu.LAYOUTS[settings.version]
        self._reader, self._writer = streams
        self._sequences = sequences
        self._handle = handle
        self._unanswered: dict[int, Callable[[pdu.Submitted], None] | None] = {}
        self._room = asyncio.Event()
        self._deliveries: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(settings.window)
        self._heard = False
        self._left = asyncio.Event()

    async def log_in(self) -> None:
        """Raises Closed when the gateway refuses, Malformed when it answers something else."""
        settings, layout = self._settings, self._layout
        timestamp = now().astimezone(SHANGHAI).strftime("%m%d%H%M%S")
        self._send(Command.CONNECT, pdu.connect(layout, settings.sp_id, settings.password, timestamp))
        command, _, body = await self._frame()
        if command != Command.CONNECT | pdu.RESPONSE:
            raise pdu.Malformed(f"command {command:#x} before the login")
        answer = pdu.connected(body)
        if answer.status != 0:
            raise Closed(f"网关拒绝登录：{REFUSALS.get(answer.status, f'状态{answer.status}')}")
        source = pdu.authenticator(settings.sp_id, settings.password, timestamp)
        proof = pdu.proof_of_gateway(layout, answer.status, source, settings.password)
        if settings.verify_gateway and not hmac.compare_digest(proof, answer.proof):
            raise Closed("网关未能证明身份：AuthenticatorISMG 不符")

    async def run(self) -> None:
        """Serve the connection until it is over; always raises."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._receive(), name="cmpp-receive")
            group.create_task(self._keep_alive(), name="cmpp-keep-alive")
            group.create_task(self._deliver(), name="cmpp-deliver")

    async def leave(self) -> None:
        """Say goodbye (terminate) and wait for the answer."""
        if not self._writer.is_closing():
            self._send(Command.TERMINATE)
            await self._left.wait()

    def close(self) -> None:
        """Drop the connection."""
        self._writer.close()

    # ------------------------------------------------------------------ submitting

    async def room(self) -> None:
        """Return once the window has room for one more submit; a response that never came keeps its place, for the
        gateway counts it as well. Raises Closed when there are only such."""
        while len(self._unanswered) >= self._settings.window:
            if not any(self._unanswered.values()):
                raise Closed("网关不再应答提交")
            self._room.clear()
            await self._room.wait()

    def submit(self, body: bytes, answered: Callable[[pdu.Submitted], None]) -> int:
        """Write a submit -> its sequence; `answered` is told its response."""
        sequence = self._send(Command.SUBMIT, body)
        self._unanswered[sequence] = answered
        return sequence

    def give_up(self, sequence: int) -> None:
        """Nobody waits for its response any more; should it come, it is passed over."""
        if sequence in self._unanswered:
            self._unanswered[sequence] = None
            self._room.set()

    def _answered(self, sequence: int, body: bytes) -> None:
        answer = pdu.submitted(self._layout, body)
        if sequence not in self._unanswered:
            raise pdu.Malformed("submit_resp with a sequence that is not ours")
        answered = self._unanswered.pop(sequence)
        self._room.set()
        if answered is None:
            log.info("cmpp.late", result=answer.result)
        else:
            answered(answer)

    # ------------------------------------------------------------------ the connection

    async def _receive(self) -> None:
        while True:
            command, sequence, body = await self._frame()
            self._heard = True
            if command == Command.SUBMIT | pdu.RESPONSE:
                self._answered(sequence, body)
            elif command == Command.DELIVER:
                await self._deliveries.put((sequence, body))
            elif command == Command.ACTIVE_TEST:
                self._write(pdu.frame(command | pdu.RESPONSE, sequence, b"\0"))
            elif command == Command.TERMINATE:
                self._write(pdu.frame(command | pdu.RESPONSE, sequence))
                raise Closed("网关要求断开")
            elif command == Command.TERMINATE | pdu.RESPONSE:
                self._left.set()
                raise Closed("已退出")
            elif command != Command.ACTIVE_TEST | pdu.RESPONSE:
                raise pdu.Malformed(f"command {command:#x}")

    async def _deliver(self) -> None:
        """One after the other, apart from the reader: a slow database must not make responses late."""
        while True:
            sequence, body = await self._deliveries.get()
            result = 0
            try:
                message = pdu.deliver(self._layout, body)
                await self._handle(message)
            except pdu.Malformed as error:
                log.warning("cmpp.bad-deliver", why=str(error))
                result = WRONG_STRUCTURE
            msg_id = int.from_bytes(body[:8])
            answer = pdu.delivered(self._layout, msg_id, result)
            self._write(pdu.frame(Command.DELIVER | pdu.RESPONSE, sequence, answer))
            await self._writer.drain()

    async def _keep_alive(self) -> None:
        unanswered = 0
        while True:
            await asyncio.sleep(self._settings.active_test_s)
            unanswered = 0 if self._heard else unanswered + 1
            if unanswered > TESTS:
                raise Closed("网关没有应答链路检测")
            self._heard = False
            if unanswered:
                self._send(Command.ACTIVE_TEST)

    async def _frame(self) -> tuple[int, int, bytes]:
        try:
            length, command, sequence = pdu.header(await self._reader.readexactly(pdu.HEADER_BYTES))
            return command, sequence, await self._reader.readexactly(length)
        except asyncio.IncompleteReadError as error:
            raise Closed("网关断开" if not error.partial else "网关在一条消息中间断开") from None

    def _send(self, command: Command, body: bytes = b"") -> int:
        sequence = next(self._sequences)
        self._write(pdu.frame(command, sequence, body))
        return sequence

    def _write(self, data: bytes) -> None:
        if self._writer.is_closing():
            raise Closed("网关断开")
        self._writer.write(data)
