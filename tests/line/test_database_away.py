"""PostgreSQL is away under calls in every stage: callers reach an agent, and afterwards nothing is missing."""

import os
import signal
import time
from contextlib import suppress

import pytest
from aftermath import WORDS, served
from instance import Instance
from ringing import until

pytestmark = [pytest.mark.line, pytest.mark.timeout(300), pytest.mark.xdist_group("instance")]

STILL_S = float(os.environ.get("HOTLINE_SOAK_STILL_S", "0"))
"""How long PostgreSQL stands still at least; `make soak` says thirty seconds."""


async def test_given_postgresql_stands_still_then_callers_reach_an_agent_and_nothing_is_missing(
    instance: Instance,
) -> None:
    actor = await instance.desk()
    stopped, began = instance.database_processes(), time.monotonic()
    for one in stopped:
        os.kill(one, signal.SIGSTOP)
    try:
        citizen = await instance.rings("13800003001")
        await until(lambda: instance.talks("13800003001"), "the agent talks although the database stands still")
        await instance.says(citizen, WORDS)
        await until(lambda: time.monotonic() - began >= STILL_S, "the time that it stands still", STILL_S + 60)
    finally:
        for one in stopped:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)
    await citizen.hang_up()
    await served(instance, "13800003001", actor)
