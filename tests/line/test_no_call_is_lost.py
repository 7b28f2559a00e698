"""No call is lost when the service is killed: a whole instance, real calls in every stage, SIGKILL.

The promises (第二条, 7×24小时): callers in Asterisk reach an agent or the message box; afterwards each call has
exactly one complete record, each connected call its recording and its draft.
"""

import pytest
from instance import Instance
from ringing import until
from stages import Stages

pytestmark = [pytest.mark.line, pytest.mark.xdist_group("instance")]


async def test_given_the_service_is_killed_with_a_call_in_each_stage_then_no_call_is_lost(instance: Instance) -> None:
    calls = await Stages.set(instance, 13800001001)
    await instance.kill_service()

    # nobody lifts the wrap-up; the other agent, whose talk ends unseen, serves the queue
    await calls.queue_is_served()
    assert await instance.wraps_up(calls.resting)
    await instance.start()

    async def lifted() -> bool:
        return not await instance.wraps_up(calls.resting)

    await until(lifted, "the wrap-up ends")
    await calls.notice_is_served()
    await calls.nothing_is_lost()
