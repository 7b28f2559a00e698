"""One supervisor per instance: keeps the roles running, each in a process of its own, on a watched ground.

SIGTERM ends the roles and lets calls go on (Asterisk and PostgreSQL stay, the next start adopts them);
SIGINT, a person's Ctrl-C, ends everything that it started.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from core.errors import Conflict
from core.log import get
from hotline.ground import Ground

log = get(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S, WELL_AFTER_S = 0.2, 15.0, 30.0
STOP_TIMEOUT_S = 15.0
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    """In the child: a killed supervisor takes its roles along, so that the next one finds the ports free."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the instance. Raises `Conflict("already-running")` when another supervisor does."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "supervisor.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict("already-running", f"{home} 中的服务已在运行。") from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


class Supervisor:
    """Runs `roles` until a signal; a role that dies is started again, soon at first, then less often."""

    def __init__(self, ground: Ground, roles: list[str]) -> None:
        self._ground = ground
        self._roles = roles
        self._ending = asyncio.Event()
        self._everything = False

    async def run(self) -> None:
        """Until SIGTERM (roles end) or SIGINT (everything ends). The ground is already up."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._end, False)
        loop.add_signal_handler(signal.SIGINT, self._end, True)
        watch = asyncio.create_task(self._ground.watch())
        await asyncio.gather(*(self._keep(role) for role in self._roles))
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
        if self._everything:
            await self._ground.stop()

    def _end(self, everything: bool) -> None:
        self._everything |= everything
        self._ending.set()

    async def _keep(self, role: str) -> None:
        wait = FIRST_WAIT_S
        while not self._ending.is_set():
            began = time.monotonic()
            code = await self._run_once(role)
            if self._ending.is_set():
                return
            wait = FIRST_WAIT_S if time.monotonic() - began > WELL_AFTER_S else min(wait * 2, LONGEST_WAIT_S)
            log.error("role.died", role=role, code=code, again_in_s=wait)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), wait)

    async def _run_once(self, role: str) -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hotline", "role", role,
            stdin=asyncio.subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_with_parent,
        )  # fmt: skip
        ended = asyncio.create_task(process.wait())
        ending = asyncio.create_task(self._ending.wait())
        await asyncio.wait({ended, ending}, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if not ended.done():
            process.terminate()
            try:
                await asyncio.wait_for(asyncio.shield(ended), STOP_TIMEOUT_S)
            except TimeoutError:
                log.error("role.killed", role=role)
                process.kill()
        return await ended
