"""A loop that looks by itself now and then, and at once when the database hints at what it looks for."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from core.live import listen
from core.service import Loop


class WokenLoop(Loop):
    """`step` runs every `every_s` seconds and after each hint of `topic`: a lost hint only delays it."""

    def __init__(self, name: str, every_s: float, step: Callable[[], Awaitable[object]], dsn: str, topic: str) -> None:
        super().__init__(name, every_s, step)
        self._dsn, self._topic = dsn, topic
        self._listener: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look and listen."""
        await super().start()
        self._listener = asyncio.create_task(self._listen(), name=f"{self.name}-hints")

    async def stop(self) -> None:
        """End both."""
        if self._listener:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
        await super().stop()

    async def _listen(self) -> None:
        async for _ in listen(self._dsn, [self._topic]):
            self.wake()
