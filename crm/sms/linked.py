"""What gateways on a long link have in common: the link is kept until they are stopped, whatever breaks it."""

import asyncio
import contextlib
from typing import Generic

from core.health import Health
from core.log import get
from crm.sms.link import Backoff, Link, Message

log = get(__name__)

LEAVE_S = 3.0
AGAIN_S = 1.0
"""`asyncio.wait_for` of Python 3.11 loses a cancellation that comes together with what it waits for: then another."""
SERVED_S = 30.0
"""A connection that stood so long served: only then the next loss is followed by a short wait again."""


class LinkedGateway(Generic[Message]):
    """`where` is the gateway's address. A protocol adds `submit`, and the three methods at the end."""

    name: str

    def __init__(self, where: str) -> None:
        self.link: Link[Message] = Link(self.name, where)
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def ready(self) -> bool:
        """Whether the link stands."""
        return self.link.ready

    async def start(self) -> None:
        """Connect in the background, and again whenever the link is lost."""
        self._task = asyncio.create_task(self._keep(), name=self.name)

    async def stop(self) -> None:
        """Leave the gateway; what has no response yet is uncertain."""
        self._stopping = True  # a task group that is just failing swallows a cancellation
        if self.ready:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_S):
                    await self._leave()
        while self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=AGAIN_S)
        self.link.down()

    async def health(self) -> Health:
        """Well while the link stands."""
        return self.link.health()

    async def _keep(self) -> None:
        """An error ends only the one connection; none is followed by a hot loop."""
        backoff, clock = Backoff(), asyncio.get_running_loop()
        while not self._stopping:
            began = clock.time()
            try:
                await self._serve()
            except* Exception as errors:  # noqa: BLE001 - whatever broke it, the gateway goes on
                error = _first(errors)
                log.warning(f"{self.name}.ended", error=type(error).__name__, why=self._trouble(error))
                self.link.trouble = self._trouble(error) or self.link.trouble
            self.link.down()
            if clock.time() - began > SERVED_S:
                backoff.reset()
            if not self._stopping:
                await asyncio.sleep(backoff.next())

    async def _serve(self) -> None:
        """Connect and serve until the connection is over; tells the link of both."""
        raise NotImplementedError

    async def _leave(self) -> None:
        """Say goodbye."""
        raise NotImplementedError

    def _trouble(self, error: BaseException) -> str:
        """Why the connection is over, for people; empty: nothing beyond that it is away."""
        return ""


def _first(error: BaseException) -> BaseException:
    """The error at the bottom of task groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
