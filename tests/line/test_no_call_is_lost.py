"""No call is lost when the service is killed: a whole instance, real calls in every stage, SIGKILL.

The promises (第二条, 7×24小时): callers in Asterisk reach an agent or the message box; afterwards each call has
exactly one complete record, each connected call its recording and its draft.
"""

import asyncio

import pytest
from aftermath import WORDS, served
from instance import Instance
from ringing import until

pytestmark = [pytest.mark.line, pytest.mark.timeout(300), pytest.mark.xdist_group("instance")]

TALK, WRAP_UP, QUEUE, NOTICE = "13800001001", "13800001002", "13800001003", "13800001004"
"""The citizens, by what their calls are in when the service is killed."""


async def test_given_the_service_is_killed_with_a_call_in_each_stage_then_no_call_is_lost(instance: Instance) -> None:
    desks = {"1001": await instance.desk("agent1"), "1002": await instance.desk("agent2")}
    talking, ending = await asyncio.gather(instance.rings(TALK), instance.rings(WRAP_UP))
    for number in (TALK, WRAP_UP):
        await until(lambda n=number: instance.talks(n), f"{number} talks")  # type: ignore[misc]
    await asyncio.gather(instance.says(talking, WORDS), instance.says(ending, WORDS))
    busy = (await instance.call(TALK, "agent_extension")).agent_extension
    resting = (await instance.call(WRAP_UP, "agent_extension")).agent_extension
    assert {busy, resting} == set(desks)

    waiting = await instance.rings(QUEUE)
    await until(lambda: instance.waits(QUEUE), "one waits in the queue")
    await ending.hang_up()
    await until(lambda: instance.wraps_up(str(resting)), "one agent wraps up")
    noticed = await instance.rings(NOTICE)
    assert (await instance.stands(NOTICE)).startswith("hotline-greeting!")
    assert await instance.talks(TALK)
    assert await instance.waits(QUEUE)
    assert await instance.wraps_up(str(resting))
    await instance.kill_service()

    # nobody lifts the wrap-up; the other agent, whose talk ends unseen, serves the queue
    await talking.hang_up()
    await until(lambda: instance.talks(QUEUE), "the agent talks with who waited, although the service is dead")
    assert await instance.wraps_up(str(resting))
    await until(lambda: instance.waits(NOTICE), "who heard the notice waits in the queue")
    await instance.says(waiting, WORDS)

    await instance.start()
    await until(lambda: instance.talks(NOTICE), "the wrap-up ends, and its agent takes who waits")
    assert not await instance.wraps_up(str(resting))
    await instance.says(noticed, WORDS)
    await waiting.hang_up()
    await noticed.hang_up()
    for number, extension in ((TALK, busy), (WRAP_UP, resting), (QUEUE, busy), (NOTICE, resting)):
        await served(instance, number, desks[str(extension)])
