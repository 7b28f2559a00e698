"""A service is a part of a process that is started, stopped, and asked how it is."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from core.errors import Unavailable
from core.health import Health
from core.log import get

log = get(__name__)


class Service(Protocol):
    """What the process roles start and stop."""

    name: str

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def health(self) -> Health: ...


class Loop:
    """A service that runs `step` every `every_s` seconds, and at once when `wake()` is called, but never within
    `rest_s` of the last one: what wakes it often is served many at a time.

    A step that fails is logged and tried again at the next turn; health tells of it until one succeeds.
    """

    def __init__(
        self, name: str, every_s: float, step: Callable[[], Awaitable[object]], *, rest_s: float = 0.0
    ) -> None:
        self.name = name
        self._every_s = every_s
        self._rest_s = rest_s
        self._step = step
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._trouble: str | None = None

    def wake(self) -> None:
        """Run the next step now."""
        self._woken.set()

    async def start(self) -> None:
        """Begin; the first step runs at once."""
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """End after the present await; no step is left half known."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def health(self) -> Health:
        """Well unless the last step failed."""
        return Health(self.name, self._trouble is None, self._trouble or "运行正常")

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self._step()
                self._trouble = None
            except Unavailable as error:
                self._trouble = error.message
                log.warning("loop.unavailable", loop=self.name, error=error.id)
            except Exception as error:
                self._trouble = f"上一轮运行出错（{type(error).__name__}）"
                log.exception("loop.failed", loop=self.name)
            await asyncio.sleep(self._rest_s)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await self._woken.wait()
