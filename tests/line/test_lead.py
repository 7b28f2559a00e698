"""The shift lead beside an agent: listens, whispers, barges in, takes over; with the page's telephone."""

import pytest
from desk_page import Desk, desk
from instance import Instance
from ringing import ended, until
from sqlalchemy import select
from test_page_phone import AUDIBLE, QUIET, WORDS, Ear, reads
from test_passing_on import hears_words, passes

from callflow.models import Call
from callflow.phones import passing
from callflow.rules import Outcome
from callflow.speak import speak
from core.ledger.models import LedgerEntry
from hotline.softphone import On

pytestmark = [pytest.mark.line, pytest.mark.browser, pytest.mark.xdist_group("telephones")]


async def presses(lead: Desk, name: str) -> None:
    """The lead's button at the one agent who talks."""
    await lead.page.locator("#board").get_by_role("button", name=name, exact=True).click()


async def test_a_lead_who_has_taken_over_passes_the_citizen_on(instance: Instance) -> None:
    number = "13812346122"
    await instance.desk("agent2", greeting="")
    agent = next(one for one in instance.phones if one.user == "1002")
    async with desk(instance, "lead1", says=WORDS) as lead:
        citizen = await instance.rings(number)
        await until(lambda: instance.talks(number), "they talk")
        await lead.page.goto(f"{instance.site}/board")
        await lead.state("话机就绪")
        await presses(lead, "监听")
        await lead.state("通话中")
        await presses(lead, "接管")
        await agent.wait_for(On.CLOSED)
        await until(lambda: reads(lead.phone.locator(".phone-who"), "138****6122"), "whom the lead talks with")
        taken = Ear(citizen).mark()
        await until(lambda: Ear(citizen).since(taken) > AUDIBLE, "the citizen hears the lead")
        await passes(lead, "seat:1002", ask=False)
        await lead.state("话机就绪")
        await hears_words(instance, agent, citizen)
        await hears_words(instance, citizen, agent)
        await citizen.hang_up()
        call = await instance.call(number, "ended_at")
        assert (call.outcome, call.ended_by, call.agent_extension) == (Outcome.ANSWERED, "citizen", "1002")
        async with instance.db.session() as session:
            assert [leg.said for leg, _ in await passing.of_call(session, call)] == ["班长接管", "转接"]


async def test_a_whisper_is_heard_by_the_agent_and_not_by_the_citizen(instance: Instance) -> None:
    number = "13812346121"
    actor = await instance.desk("agent2", greeting="")
    agent = next(one for one in instance.phones if one.user == "1002")
    async with desk(instance, "lead1", says=WORDS) as lead:
        citizen = await instance.rings(number)
        await until(lambda: instance.talks(number), "they talk")
        await agent.wait_for(On.ESTABLISHED)
        await lead.page.goto(f"{instance.site}/board")
        await lead.state("话机就绪")
        hears_agent, hears_citizen = Ear(agent), Ear(citizen)

        await presses(lead, "监听")
        await lead.state("通话中")
        await citizen.say(speak(WORDS, instance.home / "clips"))
        await lead.hears(await lead.heard())
        await agent.say(speak(WORDS, instance.home / "clips"))
        await lead.hears(await lead.heard())
        await lead.picture("board-beside")
        still = hears_citizen.mark() + 8 * 16000
        await until(lambda: 0 <= hears_citizen.since(still) < QUIET, "who listens is not heard by the citizen")
        assert hears_agent.since(0) < QUIET, "nor by the agent"

        await presses(lead, "耳语")
        whispered, later = hears_agent.mark(), hears_citizen.mark()
        await until(lambda: hears_agent.since(whispered) > AUDIBLE, "the agent hears the whisper")
        await until(lambda: hears_citizen.since(later) >= 0, "a second and more of whispering")
        assert hears_citizen.since(later) < QUIET, "the citizen does not"

        await presses(lead, "插话")
        barged = hears_agent.mark()
        await until(lambda: hears_citizen.since(later) > AUDIBLE, "barging in is heard by the citizen")
        await until(lambda: hears_agent.since(barged) > AUDIBLE, "and by the agent")

        await presses(lead, "接管")
        await agent.wait_for(On.CLOSED)
        taken = hears_citizen.mark()
        await until(lambda: hears_citizen.since(taken) > AUDIBLE, "the citizen hears the lead")
        before = await lead.heard()
        await citizen.say(speak(WORDS, instance.home / "clips"))
        await lead.hears(before)
        await lead.page.keyboard.press("F9")
        await ended(citizen)
        await lead.state("话机就绪")
        call = await instance.call(number, "ended_at")
        assert (call.outcome, call.ended_by, call.agent_extension) == (Outcome.ANSWERED, "agent", lead.extension)
        async with instance.db.session() as session:
            [(leg, asked)] = await passing.of_call(session, call)
            rows = await session.scalars(select(LedgerEntry).where(LedgerEntry.subject_id == str(call.id)))
            done = [(row.action, row.actor_id) for row in rows if row.action.startswith("line.")]
            others = (await session.scalars(select(Call).where(Call.linkedid.contains("-lead-")))).all()
        assert (leg.said, asked, others) == ("班长接管", None, []), "standing beside is no call"
        assert sorted(done) == [
            (action, lead.actor.user_id) for action in ("line.barge", "line.listen", "line.takeover", "line.whisper")
        ]
        assert actor.user_id != lead.actor.user_id
