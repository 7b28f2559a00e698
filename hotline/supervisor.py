"""One supervisor per instance: keeps the roles running, each in a process of its own, on a watched ground.

SIGTERM ends the roles and lets calls go on (Asterisk and PostgreSQL stay, the next start adopts them);
SIGINT, a person's Ctrl-C, ends everything; SIGHUP takes changed settings over without ending a call.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from core.clock import now
from core.errors import Conflict, HotlineError, NotFound
from core.log import get
from hotline.ground import Ground
from hotline.runtime import Runtime

log = get(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S, WELL_AFTER_S = 0.2, 15.0, 30.0
STOP_TIMEOUT_S = 15.0
LOOK_EVERY_S = 0.2
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
            sentence = f"{home} 中的服务已在运行。要停止全部，请运行 .venv/bin/hotline stop（通话将中断）。"
            raise Conflict("already-running", sentence) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def tell(home: Path, number: signal.Signals) -> None:
    """Send a signal to the supervisor of the instance in `home`. Raises `NotFound("not-running")`."""
    try:
        with only_one(home):
            raise NotFound("not-running", f"{home} 中的服务没有运行，请先运行 make run。")
    except Conflict:
        os.kill(int((home / "supervisor.lock").read_text()), number)


def end(home: Path) -> None:
    """Ctrl-C from another terminal: returns when the supervisor of `home`, if there is one, has ended everything."""
    with contextlib.suppress(NotFound):
        tell(home, signal.SIGINT)
        with (home / "supervisor.lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH)


class Supervisor:
    """Runs `roles` until a signal; a role that dies is started again, soon at first, then less often."""

    def __init__(self, ground: Ground, roles: list[str], read: Callable[[], Runtime]) -> None:
        """`read` opens the instance anew when its settings may have changed."""
        self._ground = ground
        self._roles = roles
        self._read = read
        self._ending = asyncio.Event()
        self._reread = asyncio.Event()
        self._again = asyncio.Event()
        self._everything = False

    async def run(self, ready: Callable[[], None]) -> bool:
        """Start the ground and the roles, call `ready` when all have started, and keep them until a signal.

        SIGTERM ends the roles, SIGINT everything, SIGHUP reads the settings anew. A signal during the start counts
        when the ground is up; a start that fails takes down what it started. True: everything has ended.
        """
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._end, False)
        loop.add_signal_handler(signal.SIGINT, self._end, True)
        loop.add_signal_handler(signal.SIGHUP, self._reread.set)
        began = now()
        await self._ground.start()
        steps = (self._ground.watch(), self._reload_when_told(), self._say_when_up(began, ready))
        beside = [asyncio.create_task(step) for step in steps]
        await asyncio.gather(*(self._keep(role) for role in self._roles))
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        if self._everything:
            await self._ground.stop()
        return self._everything

    async def _say_when_up(self, began: datetime, ready: Callable[[], None]) -> None:
        """Call `ready` once every role has written on the health board; a role does so when its services started."""
        while True:
            if set(self._roles) <= await self._ground.reported(began):
                return ready()
            await asyncio.sleep(LOOK_EVERY_S)

    def _end(self, everything: bool) -> None:
        self._everything |= everything
        self._ending.set()

    async def _reload_when_told(self) -> None:
        """For ever: at a SIGHUP give Asterisk its new files and every role its new settings; calls go on."""
        while True:
            await self._reread.wait()
            self._reread.clear()
            try:
                await self._ground.renew(await asyncio.to_thread(self._read))
            except HotlineError as error:
                log.error("settings.not-taken", error=error.message)
                continue
            log.info("settings.taken")
            self._again.set()
            self._again = asyncio.Event()

    async def _keep(self, role: str) -> None:
        wait = FIRST_WAIT_S
        while not self._ending.is_set():
            began = time.monotonic()
            again = self._again
            code = await self._run_once(role, again)
            if self._ending.is_set():
                return
            if again.is_set():
                continue
            wait = FIRST_WAIT_S if time.monotonic() - began > WELL_AFTER_S else min(wait * 2, LONGEST_WAIT_S)
            log.error("role.died", role=role, code=code, again_in_s=wait)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._ending.wait()

    async def _run_once(self, role: str, again: asyncio.Event) -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hotline", "role", role,
            stdin=asyncio.subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_with_parent,
        )  # fmt: skip
        ended = asyncio.create_task(process.wait())
        told = [asyncio.create_task(event.wait()) for event in (self._ending, again)]
        await asyncio.wait({ended, *told}, return_when=asyncio.FIRST_COMPLETED)
        for task in told:
            task.cancel()
        if not ended.done():
            process.terminate()
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await asyncio.shield(ended)
            except TimeoutError:
                log.error("role.killed", role=role)
                process.kill()
        return await ended
