"""The telephone in the page: a real Chromium at a whole instance, real SIP over wss, real sound both ways."""

import pytest
from desk_page import desk
from instance import Instance
from ringing import ended, energy, until

from callflow.rules import Outcome

pytestmark = [pytest.mark.line, pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.xdist_group("instance")]
AUDIBLE = 300
WORDS = "我要投诉小区门口占道经营每天晚上都很吵"


async def test_the_page_rings_is_answered_by_key_and_both_sides_hear_each_other(instance: Instance) -> None:
    async with desk(instance) as agent:
        await agent.takes_calls()
        citizen = await instance.rings("13812346001", saying=WORDS)
        await agent.state("来电")
        await agent.page.keyboard.press("F2")
        await agent.state("通话中")
        await agent.hears()
        await until(lambda: instance.talks("13812346001"), "they talk")
        await instance.says(citizen, WORDS)
        await agent.page.keyboard.press("F9")
        assert energy(await ended(citizen)) > AUDIBLE
        await agent.state("话机就绪")
        call = await instance.call("13812346001", "ended_at", "connected_at")
        assert (call.outcome, call.ended_by, call.agent_extension) == (Outcome.ANSWERED, "agent", agent.extension)
