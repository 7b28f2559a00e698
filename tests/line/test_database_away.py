"""PostgreSQL is away with a call in every stage, frozen or crashed: callers reach an agent, nothing is missing."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import pytest
from instance import Instance
from ringing import until
from stages import Stages

pytestmark = [pytest.mark.line, pytest.mark.xdist_group("instance")]

AWAY_S = float(os.environ.get("HOTLINE_SOAK_AWAY_S", "0"))
"""How long PostgreSQL is away at least; `make soak` says thirty seconds."""


@asynccontextmanager
async def frozen(instance: Instance) -> AsyncIterator[None]:
    """It neither answers nor refuses: all its processes are stopped (SIGSTOP)."""
    stopped = instance.database_processes()
    for one in stopped:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in stopped:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)


@asynccontextmanager
async def crashed(instance: Instance) -> AsyncIterator[None]:
    """Its postmaster is killed, and again whenever the supervisor has started the next one."""

    async def kill() -> None:
        while True:
            if pid := instance.postgres.pid():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.05)

    killing = asyncio.create_task(kill())
    try:
        yield
    finally:
        killing.cancel()


@pytest.mark.parametrize(("away", "first"), [(frozen, 13800003001), (crashed, 13800003101)])
async def test_given_postgresql_is_away_with_a_call_in_each_stage_then_no_call_is_lost(
    instance: Instance, away: Callable[[Instance], AbstractAsyncContextManager[None]], first: int
) -> None:
    calls = await Stages.set(instance, first)
    began = time.monotonic()
    async with away(instance):
        await calls.queue_is_served()
        await until(lambda: time.monotonic() - began >= AWAY_S, "the time that it is away", AWAY_S + 60)
    print(f"away for {time.monotonic() - began:.1f} s")
    await calls.notice_is_served()
    await calls.nothing_is_lost()
