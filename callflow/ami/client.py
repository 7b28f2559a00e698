"""A connection to one Asterisk's manager that is kept: logged in, listened to, asked, and made anew when lost.

An action belongs to the connection on which it was sent: when that is lost the caller gets `Unavailable` and
nothing is ever sent again by itself, so that an Originate cannot call a citizen twice. What happened while nobody
listened is no concern of this file: the session's opener reads the journals.
"""

import asyncio
import contextlib
import itertools
import random
from collections.abc import Awaitable, Callable
from enum import StrEnum

from callflow.ami.wire import BANNER, Message, Reader, encode
from core.errors import Unavailable
from core.log import get

log = get(__name__)

CONNECT_S = 5.0
LOGIN_S = 5.0
ANSWER_S = 5.0
IDLE_S = 5.0
"""Without a byte for this long, Asterisk is asked whether it is there; without an answer for as long, it is not."""
FIRST_DELAY_S, LONGEST_DELAY_S = 0.2, 5.0
MAX_REFUSALS = 3
"""A password refused this often is not tried again until it changes or somebody asks for it."""
CHUNK = 65536
REST_S = 0.02
"""Between two reads while no answer is awaited: Asterisk writes its events one by one, and waking for each costs more
than reading it."""
LOST = Unavailable("ami-lost", "与电话系统的管理连接中断，操作结果未知，未重发。")


class State(StrEnum):
    """How the connection is."""

    DOWN = "down"
    UP = "up"
    REFUSED = "refused"


class Refused(Exception):
    """Asterisk does not accept the password."""


class _Pending:
    """An action waiting for its answer, and for its list where it has one."""

    def __init__(self, listed: bool) -> None:
        self.future: asyncio.Future[list[Message]] = asyncio.get_running_loop().create_future()
        self.listed = listed
        self.rows: list[Message] = []


class AmiClient:
    """`run()` keeps the connection for ever; `on_event` gets every event, `on_login` starts with each session.

    `secret` is asked at each login, so that a changed password needs no restart.
    """

    def __init__(
        self,
        host: str,
        port: int,
        user: str,
        secret: Callable[[], str],
        *,
        on_event: Callable[[Message], None] = lambda _: None,
        on_login: Callable[[], Awaitable[None]] | None = None,
        on_lost: Callable[[], None] = lambda: None,
        idle_s: float = IDLE_S,
        rest: Callable[[], float] = lambda: REST_S,
    ) -> None:
        self._address = (host, port)
        self._user = user
        self._secret = secret
        self._on_event = on_event
        self._on_login = on_login
        self._on_lost = on_lost
        self._idle_s = idle_s
        self._rest = rest
        self._writer: asyncio.StreamWriter | None = None
        self._pending: dict[str, _Pending] = {}
        self._ids = (f"{random.getrandbits(32):08x}-{n}" for n in itertools.count())
        self._again = asyncio.Event()
        self.state = State.DOWN
        self.handler_errors = 0
        self.dropped = 0

    # ------------------------------------------------------------------ asking

    async def action(self, name: str, /, **headers: str) -> Message:
        """Send one action -> its response, whether success or error (`Response`, `Message`).

        Raises Unavailable when not connected, lost meanwhile, or unanswered for `ANSWER_S`; Invalid for a value
        with CR, LF or NUL, and for an Originate that is not Async.
        """
        return (await self._ask(name, headers, listed=False))[0]

    async def listing(self, name: str, /, **headers: str) -> list[Message]:
        """Send an action that answers with a list of events -> those events."""
        return (await self._ask(name, headers, listed=True))[1:]

    async def _ask(self, name: str, headers: dict[str, str], *, listed: bool) -> list[Message]:
        if self.state is not State.UP:
            raise Unavailable("ami-down", "与电话系统的管理连接未建立，操作未执行。")
        return await self._send(name, headers, listed=listed, within_s=ANSWER_S)

    async def _send(self, name: str, headers: dict[str, str], *, listed: bool, within_s: float) -> list[Message]:
        identity = next(self._ids)
        data = encode(name, identity, headers)
        if self._writer is None:
            raise Unavailable("ami-down", "与电话系统的管理连接未建立，操作未执行。")
        pending = self._pending[identity] = _Pending(listed)
        try:
            async with asyncio.timeout(within_s):
                self._writer.write(data)
                await self._writer.drain()
                return await pending.future
        except TimeoutError:
            raise Unavailable("ami-mute", "电话系统没有应答，操作结果未知。") from None
        except OSError:
            raise LOST from None
        finally:
            self._pending.pop(identity, None)
            if not pending.future.done():
                pending.future.cancel()

    # ------------------------------------------------------------------ keeping the connection

    def retry(self) -> None:
        """Try again now, also after refusals (the password may be right by now)."""
        self._again.set()

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        delay, refusals = FIRST_DELAY_S, 0
        while True:
            try:
                if await self._session():
                    delay = FIRST_DELAY_S
                refusals = 0
            except Refused:
                refusals += 1
                log.error("ami.refused", user=self._user, times=refusals)
            except (OSError, TimeoutError, Unavailable) as error:
                log.warning("ami.unreachable", error=type(error).__name__)
            if refusals >= MAX_REFUSALS:
                await self._wait_for_another_secret()
                refusals = 0
            self._again.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay * random.uniform(0.75, 1.25)):
                    await self._again.wait()
            delay = min(delay * 2, LONGEST_DELAY_S)

    async def _wait_for_another_secret(self) -> None:
        self.state = State.REFUSED
        tried = self._secret()
        self._again.clear()
        while not self._again.is_set() and self._secret() == tried:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_DELAY_S):
                    await self._again.wait()

    async def _session(self) -> bool:
        """One connection from first to last byte; True where it was of use."""
        async with asyncio.timeout(CONNECT_S):
            reader, self._writer = await asyncio.open_connection(*self._address, limit=CHUNK)
        opener: asyncio.Task[None] | None = None
        receiver = asyncio.create_task(self._receive(reader), name="ami-receive")
        try:
            await self._log_in(receiver)
            self.state = State.UP
            log.info("ami.up", user=self._user)
            if self._on_login:
                opener = asyncio.create_task(self._open(self._on_login), name="ami-on-login")
            await receiver
            return True
        finally:
            was_up = self.state is State.UP
            self.state = State.DOWN
            await _end(receiver, opener)
            self._writer.transport.abort()
            self._writer = None
            for pending in self._pending.values():
                if not pending.future.done():
                    pending.future.set_exception(LOST)
            self._pending.clear()
            if was_up:
                log.warning("ami.lost")
                self._guarded(self._on_lost)

    async def _log_in(self, receiver: asyncio.Task[None]) -> None:
        headers = {"Username": self._user, "Secret": self._secret(), "Events": "on"}
        asked = asyncio.create_task(self._send("Login", headers, listed=False, within_s=LOGIN_S))
        await asyncio.wait({asked, receiver}, return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            await _end(asked)
            receiver.result()
            raise ConnectionResetError("closed before the login was answered")
        if (answer := asked.result()[0]).get("Response") != "Success":
            raise Refused(answer.get("Message", ""))

    async def _open(self, opener: Callable[[], Awaitable[None]]) -> None:
        try:
            await opener()
        except Unavailable as error:
            log.warning("ami.opening-postponed", error=error.id)
        except Exception:
            self.handler_errors += 1
            log.exception("ami.opening-failed")

    # ------------------------------------------------------------------ hearing

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        """Read until the end; raise TimeoutError when Asterisk has fallen silent, OSError for a stranger."""
        wire = Reader()
        asked_at_idle = False
        while True:
            try:
                async with asyncio.timeout(self._idle_s):
                    data = await reader.read(CHUNK)
            except TimeoutError:
                if asked_at_idle or self._writer is None:
                    raise
                asked_at_idle = True
                self._writer.write(encode("Ping", next(self._ids), {}))
                continue
            if not data:
                return
            asked_at_idle = False
            for message in wire.feed(data):
                self._dispatch(message)
            if wire.banner is not None and not wire.banner.startswith(BANNER):
                raise ConnectionAbortedError("this is no Asterisk manager")
            if wire.dropped:
                log.error("ami.message-too-long", count=wire.dropped)
                self.dropped, wire.dropped = self.dropped + wire.dropped, 0
            if not self._pending:
                await asyncio.sleep(self._rest())

    def _dispatch(self, message: Message) -> None:
        pending = self._pending.get(message.get("ActionID", ""))
        if pending is None or pending.future.done():
            if "Event" in message:
                self._guarded(lambda: self._on_event(message))
            return
        pending.rows.append(message)
        failed = message.get("Response") == "Error"
        if failed or not pending.listed or message.get("EventList") in ("Complete", "cancelled"):
            pending.future.set_result(pending.rows)

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:
            self.handler_errors += 1
            log.exception("ami.handler-failed")


async def _end(*tasks: asyncio.Task[object] | asyncio.Task[None] | asyncio.Task[list[Message]] | None) -> None:
    """Cancel tasks and wait for their end; what they raise is told elsewhere."""
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
