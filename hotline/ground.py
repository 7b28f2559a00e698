"""What a service stands on and does not take down with it: PostgreSQL and Asterisk."""

import asyncio
from collections.abc import Awaitable, Callable

from core.errors import Unavailable
from core.log import get
from hotline.node import node
from hotline.runtime import Runtime
from hotline.schema import migrate

log = get(__name__)
WATCH_EVERY_S = 0.5


class Ground:
    """Both servers of one instance: started or adopted, watched, and stopped only when asked."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.node = node(runtime)

    async def start(self) -> None:
        """Start what does not run; migrate the database."""
        await self.start_database()
        self.node.render()
        await self.node.start()

    async def start_database(self) -> None:
        """The database alone, migrated."""
        if self._runtime.postgres:
            await asyncio.to_thread(self._runtime.postgres.start)
        await asyncio.to_thread(migrate, self._runtime.db.url)

    async def watch(self) -> None:
        """For ever: start again what died; neither server waits for the other."""
        await asyncio.gather(self._watch(self._revive_database), self._watch(self._revive_asterisk))

    async def _watch(self, revive: Callable[[], Awaitable[None]]) -> None:
        """A server that will not start is tried at every turn."""
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            try:
                await revive()
            except Unavailable as error:
                log.error("ground.not-starting", error=error.message)
            except Exception:
                log.exception("ground.watch-failed")

    async def _revive_database(self) -> None:
        if self._runtime.postgres and self._runtime.postgres.pid() is None:
            log.error("ground.postgres-died")
            await asyncio.to_thread(self._runtime.postgres.start)

    async def _revive_asterisk(self) -> None:
        if not self.node.alive():
            log.error("ground.asterisk-died")
            await self.node.start()

    async def stop(self) -> None:
        """Stop both; calls end."""
        await self.node.stop()
        if self._runtime.postgres:
            await asyncio.to_thread(self._runtime.postgres.stop)
