"""A citizen's call passed on from the page: somebody is asked, joins, takes over; or it is transferred at once."""

import pytest
from desk_page import Desk, desk
from instance import Instance
from ringing import arrives, ended, hears, until
from sqlalchemy import select
from test_page_phone import AUDIBLE, Ear, called_out, reads, talking

from callflow.models import Call
from callflow.phones import passing
from callflow.phones.calls_out import REFUSED
from callflow.rules import Outcome
from callflow.speak import speak
from core.clock import now
from core.ledger.models import LedgerEntry
from hotline.softphone import On, Softphone
from recordings.models import Recording

pytestmark = [pytest.mark.line, pytest.mark.browser, pytest.mark.xdist_group("telephones")]
SAID = "这里是城市管理局值班室我们马上派人去现场处理"


async def passes(agent: Desk, to: str, number: str = "", *, ask: bool) -> None:
    """The agent opens the panel by key, chooses, and asks or transfers."""
    await agent.page.keyboard.press("F7")
    await agent.phone.get_by_label("转给").select_option(to)
    if number:
        await agent.phone.get_by_label("号码").fill(number)
    await agent.picture("phone-pass")
    if ask:
        await agent.page.keyboard.press("Enter")
    else:
        await agent.phone.get_by_role("button", name="直接转接").click()


async def hears_words(instance: Instance, ear: Softphone, mouth: Softphone) -> None:
    """What one telephone says arrives whole at the other."""
    await arrives(speak(SAID, instance.home / "clips"), mouth, ear)


async def recordings(instance: Instance, call: Call, count: int) -> list[Recording]:
    """The archived recordings of a call, once there are so many."""

    async def enough() -> list[Recording]:
        async with instance.db.session() as session:
            found = await session.scalars(
                select(Recording).where(Recording.call_id == call.id).order_by(Recording.part)
            )
            rows = list(found)
        return rows if len(rows) >= count else []

    found = await until(enough, f"{count} recordings", 90)
    assert isinstance(found, list)
    return found


async def test_somebody_outside_is_asked_joins_and_leaves(instance: Instance) -> None:
    citizen_number, number = "13812346101", "13812346102"
    async with desk(instance) as agent:
        citizen = await talking(instance, agent, citizen_number)
        outside = await instance.trunk(number)
        await passes(agent, "number", number, ask=True)
        incoming = await outside.wait_for(On.INCOMING)
        assert "12345@" in incoming.peer, "the hotline's number"
        await outside.answer()
        await agent.state("咨询中，市民在听音乐：138****6102")
        await agent.phone.get_by_role("button", name="三方").wait_for()
        await agent.picture("phone-consults")
        await until(lambda: Ear(outside).since(0) > AUDIBLE, "who is asked hears the agent")
        music = Ear(citizen).mark()
        await outside.say(speak(SAID, instance.home / "clips"))
        await agent.hears(await agent.heard())
        await until(lambda: Ear(citizen).since(music + 5 * 16000) > AUDIBLE, "music for the citizen")
        assert hears(citizen, speak(SAID, instance.home / "clips")) == 0, "the citizen hears nothing of what is asked"

        await agent.page.keyboard.press("F6")
        await agent.state("三方通话：138****6102")
        await agent.page.keyboard.press("F4")
        await agent.picture("phone-three")
        await hears_words(instance, citizen, outside)
        await hears_words(instance, outside, citizen)
        assert await instance.talks(citizen_number), "still the queue's call"
        await agent.page.keyboard.press("F4")
        await agent.phone.get_by_role("button", name="请出第三方").click()
        await outside.wait_for(On.CLOSED)
        await agent.state("通话中")
        alone = Ear(citizen).mark()
        await until(lambda: Ear(citizen).since(alone) > AUDIBLE, "the citizen hears the agent")
        await agent.page.keyboard.press("F9")
        await ended(citizen)
        await until(lambda: instance.wraps_up(agent.extension), "wrapped up by the queue")

        call = await instance.call(citizen_number, "ended_at")
        assert (call.outcome, call.ended_by, call.agent_extension) == (Outcome.ANSWERED, "agent", agent.extension)
        assert len(await recordings(instance, call, 1)) == 1
        asked = await called_out(instance, number)
        alone_with, of_three = await recordings(instance, asked, 2)
        assert of_three.offset_s > alone_with.offset_s, "aligned on the call in which somebody was asked"
        async with instance.db.session() as session:
            [(leg, found)] = await passing.of_call(session, call)
            actions = list(
                await session.scalars(select(LedgerEntry.action).where(LedgerEntry.subject_id == str(call.id)))
            )
        assert (leg.said, found and found.id) == ("咨询，已结束", asked.id)
        assert {"line.consult", "line.joined", "line.dropped"} <= set(actions)


async def test_a_colleague_who_was_asked_takes_over(instance: Instance) -> None:
    number = "13812346103"
    colleague = await instance.desk("agent2")
    await instance.rests(colleague, "1002")
    async with desk(instance) as agent:
        citizen = await talking(instance, agent, number)
        await passes(agent, "seat:1002", ask=True)
        await agent.state("咨询中")
        phone = next(one for one in instance.phones if one.user == "1002")
        await phone.wait_for(On.ESTABLISHED)
        await agent.phone.get_by_role("button", name="转交").wait_for()
        await agent.page.keyboard.press("F7")
        await agent.state("话机就绪")
        await hears_words(instance, citizen, phone)
        await hears_words(instance, phone, citizen)
        await phone.hang_up()
        await ended(citizen)
        call = await instance.call(number, "ended_at")
        assert (call.outcome, call.ended_by, call.agent_extension) == (Outcome.ANSWERED, "agent", "1002")
        assert len(await recordings(instance, call, 1)) == 1, "one recording, through both talks"
        async with instance.db.session() as session:
            [(leg, asked)] = await passing.of_call(session, call)
        assert (leg.said, asked and asked.direction) == ("咨询，已转交", "internal")


async def test_a_colleague_with_whom_the_citizen_is_left_is_the_agent_of_the_record(instance: Instance) -> None:
    number = "13812346113"
    actor = await instance.desk("agent2")
    await instance.rests(actor, "1002")
    async with desk(instance) as agent:
        citizen = await talking(instance, agent, number)
        await passes(agent, "seat:1002", ask=True)
        phone = next(one for one in instance.phones if one.user == "1002")
        await phone.wait_for(On.ESTABLISHED)
        await agent.phone.get_by_role("button", name="三方").wait_for()
        await agent.page.keyboard.press("F6")
        await agent.state("三方通话")
        await agent.page.keyboard.press("F4")
        await hears_words(instance, citizen, phone)
        await agent.page.keyboard.press("F9")
        await agent.state("话机就绪")
        await hears_words(instance, phone, citizen)

        async def theirs() -> bool:
            return (await instance.call(number)).agent_extension == "1002"

        await until(theirs, "the record says with whom the citizen talks")
        await phone.hang_up()
        await ended(citizen)
        call = await instance.call(number, "ended_at")
        assert (call.outcome, call.ended_by, call.agent_id) == (Outcome.ANSWERED, "agent", actor.user_id)


async def test_a_number_that_is_not_allowed_is_neither_asked_nor_given_the_citizen(instance: Instance) -> None:
    began = now()
    async with desk(instance) as agent:
        citizen = await talking(instance, agent, "13812346104")
        for ask in (True, False):
            await passes(agent, "number", "0018005550100", ask=ask)
            said = agent.phone.locator(".phone-pass .wrong")
            await until(lambda s=said: reads(s, "不在允许外呼的范围内"), "refused")  # type: ignore[misc]
            await agent.page.keyboard.press("Escape")
        await agent.state("通话中")
        still = Ear(citizen).mark()
        await until(lambda: Ear(citizen).since(still) > AUDIBLE, "the citizen hears the agent")
        await agent.page.keyboard.press("F9")
        await ended(citizen)
        async with instance.db.session() as session:
            said = select(LedgerEntry.id).where(LedgerEntry.action == REFUSED, LedgerEntry.at > began)
            assert len((await session.scalars(said)).all()) == 2


async def test_a_page_that_is_lost_while_it_asks_loses_no_citizen(instance: Instance) -> None:
    number = "13812346105"
    await instance.rests(await instance.desk("agent2"), "1002")
    async with desk(instance) as agent:
        await talking(instance, agent, number)
        outside = await instance.trunk("13812346106")
        await passes(agent, "number", "13812346106", ask=True)
        await outside.wait_for(On.INCOMING)
        await outside.answer()
        await agent.state("咨询中")
        await agent.page.context.browser.close()  # type: ignore[union-attr]
    await until(lambda: instance.lost(number), "the loss is noticed although the citizen was on hold")
    await until(lambda: instance.waits(number), "back in the queue")


async def test_a_citizen_whom_nobody_takes_comes_back_to_the_same_agent(instance: Instance) -> None:
    number = "13812346107"
    colleague = await instance.desk("agent2", auto_answer=False)
    await instance.rests(colleague, "1002")
    async with desk(instance) as agent:
        citizen = await talking(instance, agent, number)
        await passes(agent, "seat:1002", ask=False)
        await agent.state("话机就绪")
        music = Ear(citizen).mark()
        await until(lambda: Ear(citizen).since(music) > AUDIBLE, "music for the citizen")
        await agent.state("转接无人接听，请接回")
        await agent.page.keyboard.press("F2")
        await agent.state("通话中")
        again = Ear(citizen).mark()
        await until(lambda: Ear(citizen).since(again) > AUDIBLE, "the citizen hears the agent again")
        await agent.page.keyboard.press("F9")
        await ended(citizen)
        call = await instance.call(number, "ended_at")
        assert (call.outcome, call.agent_extension) == (Outcome.ANSWERED, agent.extension)

        async def told() -> bool:
            async with instance.db.session() as session:
                [(leg, _)] = await passing.of_call(session, call)
            return leg.said == "转接，无人接听，已退回"

        await until(told, "what became of it")


async def test_whom_nobody_takes_and_whose_agent_is_gone_is_the_first_in_the_queue(instance: Instance) -> None:
    first, second = "13812346108", "13812346109"
    colleague = await instance.desk("agent2", auto_answer=False)
    await instance.rests(colleague, "1002")
    async with desk(instance) as agent:
        await talking(instance, agent, first)
        await instance.rings(second)
        await until(lambda: instance.waits(second), "another citizen waits")
        await passes(agent, "seat:1002", ask=False)
        await agent.state("话机就绪")
        await agent.page.context.browser.close()  # type: ignore[union-attr]
    await until(lambda: instance.waits(first), "in the queue")
    await instance.resumes(colleague)
    phone = next(one for one in instance.phones if one.user == "1002")
    await phone.wait_for(On.INCOMING)
    await phone.wait_for(On.INCOMING)
    await phone.answer()
    await until(lambda: instance.talks(first), "who was passed on is served first")
    assert await instance.waits(second)


async def test_a_citizen_goes_to_a_number_outside_and_to_a_queue(instance: Instance) -> None:
    number, outside_number = "13812346110", "13812346111"
    async with desk(instance) as agent:
        citizen = await talking(instance, agent, number)
        outside = await instance.trunk(outside_number)
        await passes(agent, "number", outside_number, ask=False)
        await outside.wait_for(On.INCOMING)
        await outside.answer()
        await hears_words(instance, citizen, outside)
        await hears_words(instance, outside, citizen)
        await outside.hang_up()
        await ended(citizen)
        call = await instance.call(number, "ended_at")
        assert (call.outcome, call.ended_by, call.agent_extension) == (Outcome.ANSWERED, "outside", agent.extension)
        await until(lambda: instance.wraps_up(agent.extension), "the agent's part is over for the queue")
        await agent.page.get_by_role("button", name="结束整理").click()
        await instance.ready(agent.extension)
        other = "13812346112"
        await talking(instance, agent, other)
        await passes(agent, "queue:hotline", ask=False)
        await agent.state("话机就绪")
        await until(lambda: instance.waits(other), "waits in the queue")
