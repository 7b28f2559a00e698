"""The process roles, each a list of services that are started in order and stopped in reverse."""

import asyncio
import contextlib
import gc
import os
import signal
from pathlib import Path

from core import board, log
from core.errors import Unavailable
from core.health import Health
from core.service import Loop, Service
from hotline import wiring
from hotline.runtime import Runtime

STEP_BACK = {"worker": 5}
"""How nice a role is: what nobody waits for on the telephone or before a page leaves the processor to those. Speech
has its own steps back (`recordings.speech.decoder`): words are read while they are spoken."""
REPORT_EVERY_S = 5.0
START_AGAIN_S = 1.0


async def run(names: list[str], runtime: Runtime) -> None:
    """Run these roles in this process until SIGTERM or SIGINT."""
    _step_back(min(STEP_BACK.get(name, 0) for name in names))
    services = _load(names, runtime)
    services.append(_reporter("+".join(names), runtime, list(services)))
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    started: list[Service] = []
    logger = log.get(__name__)
    try:
        for service in services:
            await _start(service, ending)
            started.append(service)
        gc.collect()
        gc.freeze()  # what start-up made stays: collecting looks only at what calls make
        logger.info("role.started", services=[service.name for service in services])
        await ending.wait()
    finally:
        for service in reversed(started):
            with contextlib.suppress(asyncio.CancelledError):
                await service.stop()
        await runtime.db.close()


def _load(names: list[str], runtime: Runtime) -> list[Service]:
    """No pass of the garbage collection meanwhile: it frees nothing of what is loaded, and takes a quarter of the time
    that loading takes."""
    gc.disable()
    try:
        return [service for name in names for service in wiring.load(name)(runtime)]
    finally:
        gc.freeze()
        gc.enable()


def _step_back(by: int) -> None:
    """Behind other processes, and behind other sessions: Linux divides the processor among sessions first, and a
    process's own niceness counts within its session only (`sched_autogroup`)."""
    os.nice(by)
    with contextlib.suppress(OSError):  # a kernel without sessions' shares
        Path("/proc/self/autogroup").write_text(str(by), encoding="ascii")


async def _start(service: Service, ending: asyncio.Event) -> None:
    """A service whose neighbour is away for the moment waits for it."""
    while not ending.is_set():
        try:
            await service.start()
            return
        except Unavailable as error:
            log.get(__name__).warning("service.waiting", service=service.name, error=error.message)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(START_AGAIN_S):
                    await ending.wait()


def _reporter(name: str, runtime: Runtime, services: list[Service]) -> Loop:
    async def report() -> None:
        parts: list[Health] = [await service.health() for service in services]
        async with runtime.db.session() as session:
            await board.write(session, f"{name}@{runtime.settings.line.node}", parts)

    return Loop("健康报告", REPORT_EVERY_S, report)
