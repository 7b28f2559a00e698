"""An agent's account is switched off in the middle of a talk: no further call. On a telephone on the desk this one goes
on to its end; one in the page ends with its sign-in, and its citizen is kept as if the page was lost."""

import pytest
from desk_page import desk
from instance import Instance
from ringing import ended, energy, until
from test_page_phone import Ear, talking

from callflow.numbers.service import TOPIC as LINE
from callflow.rules import Outcome
from core.actor import SYSTEM
from core.identity import service as identity
from core.live import hint
from hotline.softphone import On

pytestmark = [pytest.mark.line, pytest.mark.xdist_group("telephones")]
FIRST, SECOND = "13812346401", "13812346402"
WORDS = "我要投诉小区门口占道经营每天晚上都很吵"
AUDIBLE = 300


async def test_a_closed_account_leaves_the_queues_at_once_and_its_talk_goes_on(instance: Instance) -> None:
    await instance.rests(await instance.desk("agent2"), "1002")
    actor = await instance.desk()
    assert actor.user_id
    phone = next(one for one in instance.phones if one.user == "1001")
    citizen = await instance.rings(FIRST)
    await until(lambda: instance.talks(FIRST), "they talk")
    async with instance.db.session() as session:
        await identity.set_active(session, SYSTEM, actor.user_id, False)
    try:

        async def out() -> bool:
            return "PJSIP/1001" not in await instance.node.cli("queue show hotline")

        await until(out, "out of the queue")
        assert await instance.talks(FIRST), "the talk goes on"
        await instance.says(citizen, WORDS)
        await instance.rings(SECOND)
        await until(lambda: instance.waits(SECOND), "the next citizen waits")
        await phone.hang_up()
        assert energy(await ended(citizen)) > AUDIBLE
        call = await instance.call(FIRST, "ended_at")
        assert (call.outcome, call.ended_by, call.agent_id) == (Outcome.ANSWERED, "agent", actor.user_id)
        assert await out()
        assert await instance.waits(SECOND), "nobody answers who may not"
    finally:
        async with instance.db.session() as session:
            await identity.set_active(session, SYSTEM, actor.user_id, True)


@pytest.mark.browser
async def test_a_telephone_in_the_page_ends_with_the_account_and_its_citizen_is_served_first(
    instance: Instance,
) -> None:
    first, second = "13812346403", "13812346404"
    colleague = await instance.desk("agent2")
    phone = next(one for one in instance.phones if one.user == "1002")
    await instance.rests(colleague, "1002")
    async with desk(instance) as agent:
        citizen = await talking(instance, agent, first)
        await instance.rings(second)
        await until(lambda: instance.waits(second), "another citizen waits")
        async with instance.db.session() as session:
            await identity.set_active(session, SYSTEM, agent.actor.user_id, False)
        try:
            await until(agent.page.get_by_label("登录名").is_visible, "whose account is closed is at the door")
            await until(lambda: instance.lost(first), "the citizen is held")
            ear = Ear(citizen)
            held = ear.mark()
            await until(lambda: ear.since(held) > AUDIBLE, "music")
            await until(lambda: instance.waits(first), "in the queue")
            await instance.resumes(colleague)
            await phone.wait_for(On.ESTABLISHED)
            await until(lambda: instance.talks(first), "who was lost is served first")
            assert await instance.waits(second)
            await phone.hang_up()
            await ended(citizen)
            call = await instance.call(first, "ended_at")
            assert (call.outcome, call.ended_by, call.agent_id) == (Outcome.ANSWERED, "agent", colleague.user_id)
        finally:
            async with instance.db.session() as session:
                await identity.set_active(session, SYSTEM, agent.actor.user_id, True)
    async with instance.db.session() as session:
        hint(session, LINE)  # the telephone is on the desk again: as whoever gives a seat does
