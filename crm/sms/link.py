"""A long link to a gateway, whatever its protocol: each message is told once what is certain about it.

A message waits in the outbox until the protocol takes it, and can be withdrawn meanwhile; from the moment that it is
being written until its response, a lost link leaves its outcome unknown.
"""

import asyncio
import random
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.health import Health
from core.log import get
from crm.sms.port import NotSent, Uncertain

log = get(__name__)

Message = TypeVar("Message")
PART = "短信网关"
MEND = "检查网络、网关地址和账号，或联系运营商。"


class Backoff:
    """Seconds between two tries: capped, and jittered so that many clients do not come back at once."""

    FIRST_S, LONGEST_S, JITTER = 0.5, 15.0, 0.25

    def __init__(self) -> None:
        self._next = self.FIRST_S

    def reset(self) -> None:
        """The link served: the next loss is a new one."""
        self._next = self.FIRST_S

    def next(self) -> float:
        """How long to wait now."""
        wait, self._next = self._next, min(self._next * 2, self.LONGEST_S)
        return wait * random.uniform(1 - self.JITTER, 1 + self.JITTER)


@dataclass
class _Pending:
    outcome: asyncio.Future[str]
    written: bool = False


class Link(Generic[Message]):
    """`name` is the gateway's in the log, `where` its address for people."""

    def __init__(self, name: str, where: str) -> None:
        self._name, self._where = name, where
        self._up = asyncio.Event()
        self._waiting: deque[tuple[str, Message]] = deque()
        self._some = asyncio.Event()
        self._pending: dict[str, _Pending] = {}
        self.trouble = ""
        """Why the link is away, as a Chinese clause, where the gateway said it."""

    @property
    def ready(self) -> bool:
        """Whether the link stands."""
        return self._up.is_set()

    async def bound(self) -> None:
        """Return once the link stands."""
        await self._up.wait()

    def up(self) -> None:
        """It stands."""
        if not self.ready:
            log.info(f"{self._name}.bound")
        self.trouble = ""
        self._up.set()

    def down(self) -> None:
        """It is lost: what was not written is certainly not sent, the outcome of the rest is unknown."""
        if self.ready:
            log.warning(f"{self._name}.lost")
        self._up.clear()
        for key, pending in list(self._pending.items()):
            unsent = self.withdraw(key) or not pending.written
            self.settle(key, NotSent("短信网关连接中断。") if unsent else Uncertain())

    def health(self) -> Health:
        """Well while the link stands."""
        if self.ready:
            return Health(PART, True, f"已连接短信网关 {self._where}", MEND)
        why = f"（{self.trouble}）" if self.trouble else ""
        return Health(PART, False, f"未连接短信网关 {self._where}{why}，短信等待发送", MEND)

    async def submit(self, key: str, message: Message, timeout_s: float) -> str:
        """Queue `message` and wait for its outcome -> the gateway's id. Raises NotSent, Refused or Uncertain."""
        if not self.ready:
            raise NotSent("短信网关未连接。")
        pending = self._pending[key] = _Pending(asyncio.get_running_loop().create_future())
        try:
            self.put(key, message)
            await asyncio.wait([pending.outcome], timeout=timeout_s)
            if pending.outcome.done():
                return pending.outcome.result()
            if self.withdraw(key):
                raise NotSent("短信网关忙，未能提交。")
            raise Uncertain
        finally:
            self.withdraw(key)
            self._pending.pop(key, None)

    def put(self, key: str, message: Message) -> None:
        """The last of those that wait."""
        self._waiting.append((key, message))
        self._some.set()

    async def take(self) -> tuple[str, Message]:
        """The next one to write; nobody can withdraw it any more."""
        while not self._waiting:
            self._some.clear()
            await self._some.wait()
        return self._waiting.popleft()

    def withdraw(self, key: str) -> bool:
        """Take a message back; False when it was taken already."""
        for waiting in self._waiting:
            if waiting[0] == key:
                self._waiting.remove(waiting)
                return True
        return False

    def writing(self, key: str) -> None:
        """From now on a lost link leaves its outcome unknown."""
        if key in self._pending:
            self._pending[key].written = True

    def expects(self, key: str) -> bool:
        """Whether somebody still waits for this message's outcome."""
        return key in self._pending and not self._pending[key].outcome.done()

    def settle(self, key: str, outcome: str | Exception) -> None:
        """Its outcome: the gateway's id, or NotSent, Refused, Uncertain. Only the first one counts."""
        if not self.expects(key):
            return
        if isinstance(outcome, str):
            self._pending[key].outcome.set_result(outcome)
        else:
            self._pending[key].outcome.set_exception(outcome)
