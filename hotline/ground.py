"""What a service stands on and does not take down with it: PostgreSQL and Asterisk."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from core import board
from core.errors import Unavailable
from core.log import get
from hotline.node import NodeBeside, listens_on, node, require_listening, wanted
from hotline.runtime import Runtime

log = get(__name__)
WATCH_EVERY_S = 0.5
READ_AT_START = {"asterisk.conf", "modules.conf"}
"""Files that a running Asterisk does not read again."""


class Ground:
    """Both servers of one instance: started or adopted, watched, and stopped only when asked."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.node = node(runtime)

    async def start(self) -> None:
        """Start what does not run, migrate the database; what was started ends again where the rest fails."""
        database_ran, asterisk_ran = self._database_runs(), self.node.alive()
        try:
            await self.start_database()
            await self._start_asterisk()
        except BaseException:
            if not asterisk_ran:
                await self.node.stop()
            if not database_ran:
                await self._stop_database()
            raise

    async def start_database(self) -> None:
        """The database alone, migrated."""
        if self._runtime.postgres:
            await asyncio.to_thread(self._runtime.postgres.start)
        await asyncio.to_thread(self._runtime.migrate)

    async def _start_asterisk(self) -> None:
        """Start Asterisk on the settings' files; one that runs already reads those that differ, calls go on.

        Raises Unavailable("line-not-listening") where ours has just started and cannot have its address.
        """
        ran, changed = self.node.alive(), self.node.render()
        await self.node.start()
        if not ran and not isinstance(self.node, NodeBeside):
            await require_listening(self.node)
        if not ran or not changed:
            return
        await self.node.cli("core reload")
        log.info("asterisk.reloaded", files=changed)
        if READ_AT_START & set(changed) or await listens_on(self.node) != wanted(self.node):
            log.warning("asterisk.restart-needed", how="没有通话时停止服务，运行 hotline stop，再启动服务")

    async def renew(self, runtime: Runtime) -> None:
        """Go on with the settings of `runtime`, opened anew, without ending a call."""
        former, self._runtime, self.node = self._runtime, runtime, node(runtime)
        await former.db.close()
        await self.start()

    async def reported(self, since: datetime) -> set[str]:
        """The roles of this node that have written on the health board since then; none while it cannot be read."""
        try:
            async with self._runtime.db.session() as session:
                return await board.spoke(session, self._runtime.settings.line.node, since)
        except Unavailable:
            return set()

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
        await self._runtime.db.close()
        await self.node.stop()
        await self._stop_database()

    def _database_runs(self) -> bool:
        return self._runtime.postgres is None or self._runtime.postgres.pid() is not None

    async def _stop_database(self) -> None:
        if self._runtime.postgres:
            await asyncio.to_thread(self._runtime.postgres.stop)
