"""Three calls at one desk: 110 joins by one key, a destination of the directory is asked and takes the citizen over,
and a question is answered from the knowledge base; each with what is on record afterwards."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from desk_page import SAYS, Desk, browser, desk
from instance import Instance
from playwright.async_api import expect
from ringing import arrives, ended, until
from sqlalchemy import select
from test_desk_day import SOON, fills, noted, unfolded
from test_page_phone import AUDIBLE, Ear
from test_passing_on import passes

from callflow.phones import passing
from callflow.speak import speak
from core.identity.models import User
from core.identity.service import actor_of
from crm.linkages import queries
from crm.linkages.queries import Row
from crm.linkages.rules import Reach, Result, Way
from crm.tickets.models import Refusal, Ticket
from crm.tickets.states import State
from hotline.softphone import On, Softphone

pytestmark = [pytest.mark.line, pytest.mark.browser, pytest.mark.xdist_group("instance")]
IN_DANGER, REFUSED, ASKS = "13812346201", "13812346202", "13812346203"
HERE, THERE = "我在山下等你们", "请说一下具体位置"
CRY = "我家老人现在在山上电话打不通请马上派人"


@pytest.mark.proves("A14-3", "F14-5", "F11-1", "F13-4")
async def test_110_joins_a_destination_takes_over_and_the_knowledge_base_answers(instance: Instance) -> None:
    async with AsyncExitStack() as stack:
        chromium = await stack.enter_async_context(browser(instance, SAYS))
        agent = await stack.enter_async_context(desk(instance, inside=chromium))
        await agent.takes_calls()
        await one_key_brings_110_into_the_call(instance, agent)
        await finishes_wrapping_up(instance, agent)
        await what_is_not_accepted_goes_to_whom_it_belongs(instance, agent)
        await finishes_wrapping_up(instance, agent)
        await a_question_is_answered_from_the_knowledge_base(instance, agent)


async def answers(instance: Instance, agent: Desk, number: str) -> Softphone:
    """A citizen in talk with the page, and the page of the call with its order."""
    citizen = await instance.rings(number)
    await agent.state("来电")
    await agent.page.keyboard.press("F2")
    await agent.state("通话中")
    await until(lambda: instance.talks(number), "they talk")
    await agent.phone.get_by_role("link", name="打开通话").click()
    await expect(agent.page.locator("#call-number")).to_contain_text(number[-4:], timeout=SOON)
    await expect(agent.page.locator("#draft")).to_be_visible(timeout=SOON)
    return citizen


async def hear_each_other(instance: Instance, one: Softphone, other: Softphone) -> None:
    """What each says arrives whole at the other, both at once."""
    clips = instance.home / "clips"
    await asyncio.gather(arrives(speak(HERE, clips), one, other), arrives(speak(THERE, clips), other, one))


async def finishes_wrapping_up(instance: Instance, agent: Desk) -> None:
    """Ready for the next call; by hand, where the time has not ended it."""
    leaves = agent.page.get_by_role("button", name="结束整理")
    if await leaves.count():
        await leaves.click()
    await instance.ready(agent.extension)


async def linked(instance: Instance, number: str) -> Row:
    """The record of the call of this citizen, as the register shows it."""
    call = await instance.call(number)
    async with instance.db.session() as session:
        ticket = (await session.scalars(select(Ticket).where(Ticket.call_id == call.id))).one()
        actor = actor_of((await session.scalars(select(User).where(User.login == "agent1"))).one())
        [row] = await queries.of_order(session, actor, ticket.id)
    return row


async def one_key_brings_110_into_the_call(instance: Instance, agent: Desk) -> None:
    """The strip has the key; all three hear each other, the agent leaves, and 110 goes on with the citizen."""
    page = agent.page
    police = await instance.trunk("110")
    citizen = await answers(instance, agent, IN_DANGER)
    await expect(page.locator("[data-link]")).to_have_count(0)
    await instance.says(citizen, CRY)
    strip = page.locator("#emergency-strip .alarm-strip").first
    await expect(strip).to_contain_text("疑似突发事件", timeout=SOON)
    key = page.get_by_role("button", name="三方通话 110报警").first
    await expect(key).to_be_visible(timeout=SOON)
    await agent.picture("linkage-strip")
    ear, mark = Ear(citizen), Ear(citizen).mark()
    await key.click()
    await agent.state("正在呼叫，接通即三方通话：110报警")
    await expect(key).to_be_hidden()
    await until(lambda: ear.since(mark) > AUDIBLE, "agent and citizen talk on while 110 rings")
    assert "12345@" in (await police.wait_for(On.INCOMING)).peer
    await police.answer()
    await agent.state("三方通话：110报警")

    heard = await agent.heard()
    await police.say(speak(THERE, instance.home / "clips"))
    await agent.hears(heard)
    both = [(one, one.mark()) for one in (Ear(police), Ear(citizen))]
    for one, since in both:
        await until(lambda one=one, since=since: one.since(since) > AUDIBLE, "both hear the agent")  # type: ignore[misc]
    await page.keyboard.press("F4")
    await hear_each_other(instance, citizen, police)
    await agent.picture("linkage-three")
    await page.keyboard.press("F9")
    await agent.state("话机就绪")
    await hear_each_other(instance, citizen, police)

    owed = page.locator("#linkages .owed-strip")
    await expect(owed).to_contain_text("待登记联动结果", timeout=SOON)
    await expect(owed).to_contain_text("已接通", timeout=SOON)
    await agent.picture("linkage-owed")
    await owed.get_by_label("接警人或工号").fill("021号李警官")
    await owed.get_by_label("结果").select_option("taken")
    await owed.get_by_label("备注").fill("派出所已出警")
    await owed.get_by_role("button").click()
    await noted(agent, "联动结果已登记")
    await expect(page.locator("#linkages .decided-strip")).to_contain_text("已接警处置")
    await agent.picture("linkage-done")
    await police.hang_up()
    await ended(citizen)
    call = await instance.call(IN_DANGER, "ended_at")
    assert (call.ended_by, call.agent_extension) == ("outside", agent.extension)
    row = await linked(instance, IN_DANGER)
    assert (row.linkage.line, row.way, row.reach, row.result) == (
        "110报警", Way.CONFERENCE, Reach.ANSWERED, Result.TAKEN,
    )  # fmt: skip
    assert row.answered_at
    assert row.linkage.started_at <= row.answered_at
    assert row.linkage.receiver == "021号李警官"


async def what_is_not_accepted_goes_to_whom_it_belongs(instance: Instance, agent: Desk) -> None:
    """不予受理 with the destination told; it is asked, gets the citizen, and call and order say what came of it."""
    page, name = agent.page, "12348法律援助"
    aid = await instance.trunk("12348")
    citizen = await answers(instance, agent, REFUSED)
    await fills(agent, {"title": "不服判决", "content": "对法院判决不服，要求改判。"})
    await page.get_by_role("button", name="保存，暂不派发").click()
    await noted(agent, "工单已保存")
    form = await unfolded(agent, "refuse")
    await form.locator("#refuse-item").select_option("3")
    await form.get_by_label("向诉求人所作的解释").fill("您的事项已由法院受理，可向法律援助机构咨询。")
    await form.get_by_label("转接去向", exact=True).fill(name)
    await form.get_by_label("已告知诉求人转接去向").check()
    await form.get_by_role("button", name="登记不予受理").click()
    await noted(agent, "“不予受理”已登记")

    await passes(agent, name, ask=True)
    await aid.wait_for(On.INCOMING)
    await aid.answer()
    await agent.state(f"咨询中，市民在听音乐：{name}")
    await until(lambda: Ear(aid).since(0) > AUDIBLE, "who is asked hears the agent")
    await agent.phone.get_by_role("button", name="转交").wait_for()
    await page.keyboard.press("F7")
    await agent.state("话机就绪")
    await hear_each_other(instance, citizen, aid)

    owed = page.locator("#linkages .owed-strip")
    await expect(owed).to_contain_text(name, timeout=SOON)
    await owed.get_by_label("接警人或工号").fill("12号话务员")
    await owed.get_by_label("结果").select_option("taken")
    await owed.get_by_role("button").click()
    await noted(agent, "联动结果已登记")
    await aid.hang_up()
    await ended(citizen)
    row = await linked(instance, REFUSED)
    assert (row.linkage.line, row.way, row.result, row.linkage.receiver) == (
        name, Way.TRANSFER, Result.TAKEN, "12号话务员",
    )  # fmt: skip
    call = await instance.call(REFUSED, "ended_at")
    async with instance.db.session() as session:
        [(leg, _)] = await passing.of_call(session, call)
        refusal = (await session.scalars(select(Refusal).where(Refusal.ticket_id == row.ticket.id))).one()
    assert (leg.said, leg.shown) == ("咨询，已转交", name)
    assert (row.ticket.state, refusal.referral, refusal.told) == (State.REFUSED, name, True)


async def a_question_is_answered_from_the_knowledge_base(instance: Instance, agent: Desk) -> None:
    """Found by typing while the citizen waits, read out, taken over with item and version; the call ends."""
    page = agent.page
    citizen = await answers(instance, agent, ASKS)
    await fills(agent, {"category": "consultation", "title": "社保卡补办", "content": "咨询社保卡丢了如何补办。"})
    await page.get_by_role("button", name="保存，暂不派发").click()
    await noted(agent, "工单已保存")
    await agent.phone.get_by_role("link", name="打开通话").click()
    await page.locator("#knowledge-search").fill("社保卡丢了怎么补办")
    await expect(page.locator("#knowledge-hits")).to_contain_text("社会保障卡挂失和补办", timeout=SOON)
    await page.locator("#knowledge-hits summary").first.click()
    await page.get_by_role("button", name="用此答复").first.click()
    form = page.locator("#act-answer")
    item = await form.get_by_label("知识库条目编号").input_value()
    said = await form.get_by_label("答复").first.input_value()
    before = Ear(citizen).mark()
    await until(lambda: Ear(citizen).since(before) > AUDIBLE, "the citizen hears the answer")
    await page.keyboard.press("F9")
    await agent.state("话机就绪")
    await citizen.hang_up()
    await ended(citizen)
    await form.get_by_role("button").last.click()
    await noted(agent, "“即时办结”已登记")
    call = await instance.call(ASKS, "ended_at")
    async with instance.db.session() as session:
        ticket = (await session.scalars(select(Ticket).where(Ticket.call_id == call.id))).one()
    assert (ticket.state, ticket.close_kind, ticket.close_reason) == (State.ANSWERED, "answered", said)
    assert item
    assert (ticket.knowledge_item, ticket.knowledge_version) == (item, 1)
