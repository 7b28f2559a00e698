"""A working spell at the desks: two agents and their lead in a Chromium, six citizens with real speech.

What the desk can do is done through the page, and in the end every call that was taken has come to one thing.
"""

import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from aftermath import WORDS
from desk_page import SAYS, Desk, browser, desk
from instance import COUNTY, Instance
from playwright.async_api import Locator, expect
from ringing import Line, ended, sip_port, until
from sqlalchemy import select
from test_page_phone import AUDIBLE, QUIET, Ear, reads
from test_passing_on import passes

from callflow.models import Call
from callflow.phones import passing
from callflow.rules import Outcome
from callflow.speak import speak
from core import clock
from core.clock import now
from core.db import new_id
from core.identity.models import User
from core.identity.service import actor_of
from crm import installed
from crm.tickets import service
from crm.tickets.input import Correction
from hotline.softphone import On, Softphone

pytestmark = [pytest.mark.line, pytest.mark.browser, pytest.mark.timeout(900), pytest.mark.xdist_group("instance")]
ORDER, ANSWER, REFUSE, MERGE, TRANSFER, VOID = (f"1381234700{n}" for n in range(1, 7))
"""The citizens, by what their calls come to."""
STALLS = {
    "category": "complaint",
    "matter": "CX01",
    "title": "小区门口占道经营",
    "content": "市民反映小区门口每天早上有人占道经营，要求处理。",
    "address": "方志敏大道龟峰花园小区东门",
    "occurred": "每天早上",
    "subject": "流动摊贩",
    "demand": "劝离摊贩",
}
PATIENCE_S = 6.0
"""Whoever gives up after this is called back."""
RING_S = 30
"""So long that who looks at the page before answering has the time."""
STILL, STILL_S = 1e-5, 2.0
"""Energy that silence has, and for how long it is silence rather than a pause."""
SOON = 90_000
"""Milliseconds in which a page has caught up on a busy machine."""


@pytest.fixture
async def centre(rendered_home: Path) -> AsyncIterator[Instance]:
    """A hotline with nothing but this day's calls, where places may be kept at once and the wrap-up is long enough."""
    with TemporaryDirectory(prefix="hl-d-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        sounds = rendered_home / "asterisk" / "data" / "sounds"
        one = Instance.prepare(Path(folder) / "h", sounds, keep_after_s=2, wrap_up_s=120)
        section = json.loads(one.env["HOTLINE_LINE"])
        section["waits"] |= {"agent_ring": RING_S, "pass_ring": RING_S}
        outside = await one.phone(TRANSFER)  # the public network has one telephone here, which is everybody's
        await outside.command("uanew", f"<sip:{VOID}@{outside.server};transport=udp>;audio_codecs=PCMA;regint=0")
        section["trunk_to"] = f"127.0.0.1:{sip_port(outside)}"
        one.env["HOTLINE_LINE"] = json.dumps(section)
        try:
            await one.enter()
            yield one
        finally:
            await one.close()


@dataclass
class Day:
    """Who is there."""

    centre: Instance
    line: Line
    outside: Softphone
    first: Desk
    second: Desk
    lead: Desk

    async def logs_in(self, agent: Desk) -> None:
        """签入 in the page, until Asterisk would ring it."""
        await agent.page.get_by_role("button", name="签入").click()
        self.centre.desks.append(agent.actor)
        await self.centre.ready(agent.extension)

    async def rings(self, number: str) -> tuple[Softphone, Desk]:
        """A citizen calls; the desk at which it rings, before anybody answers."""
        citizen = await self.centre.rings(number)
        return citizen, await self.rung(number)

    async def rung(self, number: str) -> Desk:
        """The desk at which this citizen's call rings, masked."""
        shown = f"{number[:3]}****{number[-4:]}"

        async def which() -> Desk | None:
            for one in (self.first, self.second):
                if await one.says("来电") and await reads(one.phone.locator(".phone-who"), shown):
                    return one
            return None

        found = await until(which, f"{shown} rings at a desk")
        assert isinstance(found, Desk)
        return found

    async def opens(self, agent: Desk) -> None:
        """The page of the call in hand, with its order."""
        await agent.phone.get_by_role("link", name="打开通话").click()
        await expect(agent.page.locator("#draft")).to_be_visible(timeout=SOON)

    async def answers(self, number: str) -> None:
        """A citizen whom the hotline calls, by its number, answers."""
        incoming = await self.outside.wait_for(On.INCOMING)
        assert "12345@" in incoming.peer
        await self.outside.command("uafind", f"sip:{number}@{self.outside.server}")
        await self.outside.answer()

    async def talks(self, number: str) -> tuple[Softphone, Desk]:
        """A citizen and the desk that has answered; both hear each other, and the page of the call is open."""
        citizen, agent = await self.rings(number)
        await agent.page.keyboard.press("F2")
        await agent.state("通话中")
        await self.hear_each_other(agent, citizen)
        await self.opens(agent)
        return citizen, agent

    async def hear_each_other(self, agent: Desk, citizen: Softphone) -> None:
        """Sound in both ears, made from now on."""
        ear, before = Ear(citizen), await agent.heard()
        mark = ear.mark()
        await citizen.say(speak(WORDS, self.centre.home / "clips"))
        await agent.hears(before)
        await until(lambda: ear.since(mark) > AUDIBLE, "the citizen hears the agent")

    async def hangs_up(self, agent: Desk, citizen: Softphone) -> None:
        """The agent ends the call in the page, and the caller does not stay to rate it."""
        await agent.page.keyboard.press("F9")
        await agent.state("话机就绪")
        await citizen.hang_up()
        await ended(citizen)

    async def takes_the_next(self, agent: Desk) -> None:
        """The wrap-up ends by hand, which asks for nothing, since the call has its outcome."""
        await agent.page.get_by_role("button", name="结束整理", exact=True).click()


async def unfolded(agent: Desk, act: str) -> Locator:
    """The form of an act on the page of the call."""
    form = agent.page.locator(f"#act-{act}")
    await agent.page.locator(f"details:has(> #act-{act}) > summary").click()
    return form


async def noted(agent: Desk, words: str) -> None:
    """What the page says of what was done."""
    await expect(agent.page.locator(".note")).to_contain_text(words, timeout=SOON)


async def fills(agent: Desk, values: dict[str, str]) -> None:
    """The draft, typed by a person."""
    for name, value in values.items():
        field = agent.page.locator(f"#field-{name}")
        await (field.select_option(value) if name in ("category", "matter") else field.fill(value))


async def reported_before(centre: Instance, number: str) -> str:
    """This citizen called two days ago, in vain, and has an order of then; its number."""
    with clock.frozen(now() - timedelta(days=2)):
        async with centre.db.session() as session:
            user = (await session.scalars(select(User).where(User.login == "agent1"))).one()
            given = Correction.model_validate(STALLS | {"title": "路灯不亮", "matter": "CX04"})
            opening = service.Opening("counter", phone=f"+86{number}", agent_id=user.id, given=given)
            ticket = await service.open_draft(session, opening)
            await service.confirm(session, actor_of(user), ticket.id, ticket.version)
            past = Call(id=new_id(), node="node1", linkedid="past.1", caller=f"+86{number}", dialled="12345")
            past.arrived_at = past.ended_at = now()
            past.outcome = Outcome.ABANDONED
            session.add(past)
    return ticket.number


async def test_a_spell_at_the_desks(centre: Instance) -> None:
    installed.use(installed.read(COUNTY))
    earlier = await reported_before(centre, ORDER)
    async with AsyncExitStack() as stack:
        chromium = await stack.enter_async_context(browser(centre, SAYS))
        first, second, lead = [
            await stack.enter_async_context(desk(centre, login, inside=chromium))
            for login in ("agent1", "agent2", "lead1")
        ]
        day = Day(centre, Line(centre.node, centre.home / "clips"), centre.phones[0], first, second, lead)
        await day.logs_in(first)
        await lead.page.goto(f"{centre.site}/board")
        await lead.state("话机就绪")
        citizen = await a_call_with_its_history_and_words(day, earlier)
        await the_lead_helps(day, citizen)
        await the_lead_comes_between(day, citizen)
        await it_becomes_an_order(day)
        await two_talk_one_waits_one_keeps_the_place_one_gives_up(day)
        await who_gave_up_is_called_back(day)
        await nothing_is_left_over(day)


async def a_call_with_its_history_and_words(day: Day, earlier: str) -> Softphone:
    """Who calls and what came before stands there while it rings; then the words, and what is made of them."""
    agent, page = day.first, day.first.page
    citizen, at = await day.rings(ORDER)
    assert at is agent
    await until(lambda: reads(agent.phone.locator(".phone-who"), "1 张工单"), "what is known of the number")
    await agent.phone.get_by_role("link", name="打开通话").click()
    history = page.locator("#number-history")
    await expect(history).to_contain_text(earlier, timeout=SOON)
    await expect(history).to_contain_text("来电，未接通")
    await agent.state("来电")
    await agent.picture("day-rings")
    await page.keyboard.press("F2")
    await agent.state("通话中")
    await expect(page.locator("#draft")).to_be_visible(timeout=SOON)
    await day.hear_each_other(agent, citizen)
    await expect(day.lead.page.locator("#board tr", has_text=f"{agent.extension}")).to_contain_text("138****7001")

    await day.centre.says(citizen, WORDS)
    said, answered = page.locator(".talk p.citizen").first, page.locator(".talk p.other").first
    await expect(page.locator(".talk p.citizen").filter(has_text="投诉").first).to_be_visible(timeout=SOON)
    await expect(page.locator(".talk p.other").filter(has_text="热线").first).to_be_visible(timeout=SOON)
    left, right = await said.bounding_box(), await answered.bounding_box()
    assert left and right
    assert left["x"] + left["width"] <= right["x"], "two columns"
    category = page.locator(".field:has(#field-category)")
    await expect(category.locator("q")).to_contain_text("投诉", timeout=SOON)
    await expect(page.locator("#field-category")).to_have_value("complaint")
    await expect(page.locator(".field.proposed:has(#field-category)")).to_have_count(1)
    await agent.picture("day-words")
    await page.locator("#field-category").focus()
    await page.keyboard.press("Tab")
    await expect(page.locator(".field.proposed:has(#field-category)")).to_have_count(0)

    await page.locator("#field-content").fill(STALLS["content"])
    await expect(page.locator("[data-saved]")).to_contain_text("已自动保存", timeout=SOON)
    await page.locator('#rail a[href="/my-day"]').click()
    await expect(page.locator("h1")).to_have_text("我的今日", timeout=SOON)
    await agent.state("通话中")
    await day.opens(agent)
    await expect(page.locator("#restored")).to_be_visible(timeout=SOON)
    await expect(page.locator("#field-content")).to_have_value(STALLS["content"])

    ear = Ear(citizen)
    await page.keyboard.press("F8")
    await agent.state("保持中")
    await page.keyboard.press("F4")
    held = ear.mark()
    await until(lambda: ear.since(held) > AUDIBLE, "music for who is held")
    await page.keyboard.press("F8")
    await agent.state("已静音")
    muted = ear.mark()
    await until(lambda: 0 <= ear.since(muted) < QUIET, "nothing of a muted agent")
    await page.keyboard.press("F4")
    await agent.phone.get_by_role("button", name="按键").click()
    await page.keyboard.press("5")
    await until(lambda: citizen.keys() == "5", "the key at the citizen's")
    await page.keyboard.press("Escape")
    return citizen


async def the_lead_helps(day: Day, citizen: Softphone) -> None:
    """A note to all desks, read; help that is asked for and given, with the call it is about."""
    agent, lead = day.first.page, day.lead.page
    await lead.get_by_label("内容").fill("今天多处停水，预计18时恢复")
    await lead.get_by_role("button", name="发到全部坐席").click()
    for one in (day.first, day.second):
        await expect(one.page.locator(".desk-note")).to_contain_text("预计18时恢复", timeout=SOON)
        await one.page.locator(".desk-note").get_by_role("button", name="已读").click()
    await expect(lead.locator("#notes")).to_contain_text("已读 2 人", timeout=SOON)

    await agent.locator("#call-help summary").click()
    await agent.get_by_label("需要什么帮助").fill("市民情绪激动")
    await agent.get_by_role("button", name="求助，班长立即看到").click()
    asked = lead.locator("#help")
    await expect(asked).to_contain_text("市民情绪激动", timeout=SOON)
    await expect(asked.get_by_role("link", name="138****7001")).to_be_visible()
    await day.lead.picture("day-board")
    await lead.get_by_placeholder("答复（选填）").fill("我来接听")
    await lead.get_by_role("button", name="已处理").click()
    await expect(agent.locator("#call-help")).to_contain_text("我来接听", timeout=SOON)


async def the_lead_comes_between(day: Day, citizen: Softphone) -> None:
    """Listens, whispers, barges in, takes over, and passes the citizen on to the other agent."""
    agent, lead = day.first, day.lead
    board = lead.page.locator("#board")
    ear = Ear(citizen)
    await agent.page.keyboard.press("F4")
    await agent.state("已静音")
    await board.get_by_role("button", name="监听", exact=True).click()
    await lead.state("通话中")
    before = await lead.heard()
    await citizen.say(speak(WORDS, day.centre.home / "clips"))
    await lead.hears(before)
    await until(lambda: 0 <= ear.since(0) < QUIET, "who listens is not heard")

    await falls_quiet(agent)
    await board.get_by_role("button", name="耳语", exact=True).click()
    await agent.hears(await agent.heard())
    whispered = ear.mark()
    await agent.hears(await agent.heard())
    await until(lambda: ear.since(whispered) >= 0, "a second and more of whispering")
    assert ear.since(whispered) < QUIET, "the agent hears the whisper, the citizen does not"

    await board.get_by_role("button", name="插话", exact=True).click()
    barged = ear.mark()
    await until(lambda: ear.since(barged) > AUDIBLE, "barging in is heard by the citizen")
    await board.get_by_role("button", name="接管", exact=True).click()
    await agent.state("话机就绪")
    await until(lambda: reads(lead.phone.locator(".phone-who"), "138****7001"), "the citizen is the lead's")
    await day.hear_each_other(lead, citizen)

    await passes(lead, f"seat:{day.second.extension}", ask=False)
    assert await day.rung(ORDER) is day.second
    await day.second.page.keyboard.press("F2")
    await day.second.state("通话中")
    await lead.state("话机就绪")
    await day.hear_each_other(day.second, citizen)
    await day.second.page.keyboard.press("F9")
    await until(lambda: day.line.times(citizen.heard()[-1], "hotline/rate"), "the caller is asked to rate")
    await citizen.send_digits("5")
    await ended(citizen)

    async def recorded() -> Call | None:
        async with day.centre.db.session() as session:
            return await session.scalar(select(Call).where(Call.rating == 5))

    call = await until(recorded, "the rating on record")
    assert isinstance(call, Call)
    assert (call.agent_extension, call.ended_by) == (day.second.extension, "agent")
    async with day.centre.db.session() as session:
        assert [leg.said for leg, _ in await passing.of_call(session, call)] == ["班长接管", "转接"]


async def falls_quiet(agent: Desk) -> None:
    """Until nothing has arrived at the agent's ear for a while."""
    since, last = time.monotonic(), await agent.heard()

    async def still() -> bool:
        nonlocal since, last
        louder = await agent.heard()
        if louder > last + STILL:
            since, last = time.monotonic(), louder
        return time.monotonic() - since > STILL_S

    await until(still, "silence at the agent's ear")


async def it_becomes_an_order(day: Day) -> None:
    """Who talked last is reminded of the call, and dispatches its order."""
    agent = day.second
    await agent.page.locator("#unfinished-calls").click()
    await fills(agent, STALLS)
    await agent.page.locator("#field-lead_unit").select_option(label="弋阳县城市管理局")
    await agent.page.get_by_role("button", name="派发并发送短信").click()
    await noted(agent, "已派发")
    await expect(agent.page.locator("#unfinished-calls")).to_have_count(0)


async def two_talk_one_waits_one_keeps_the_place_one_gives_up(day: Day) -> None:
    """Both agents talk. Of who comes then one waits, one hangs up and keeps the place, one gives up."""
    await day.takes_the_next(day.first)
    await day.centre.ready(day.first.extension)
    asks, at = await day.talks(ANSWER)
    await day.logs_in(day.second)
    complains, busy = await day.talks(REFUSE)
    assert (at, busy) == (day.first, day.second)
    waits = await day.centre.rings(MERGE)
    await until(lambda: day.centre.waits(MERGE), "one waits")
    keeps = await day.centre.rings(TRANSFER)
    await until(lambda: day.line.times(keeps.heard()[-1], "hotline/keep-offer"), "the offer to keep the place")
    await keeps.send_digits("1")
    await ended(keeps)
    gives_up, since = await day.centre.rings(VOID), time.monotonic()
    await until(lambda: day.centre.waits(VOID), "another waits")
    await expect(day.lead.page.locator("#board").get_by_text("保留排队")).to_be_visible(timeout=SOON)
    await until(lambda: time.monotonic() > since + PATIENCE_S, "so long that a call-back is owed")
    await gives_up.hang_up()
    await ended(gives_up)

    await day.hangs_up(at, asks)
    await is_split_and_answered(at)
    await day.takes_the_next(at)
    assert await day.rung(MERGE) is at
    await at.page.keyboard.press("F2")
    await at.state("通话中")
    await day.hear_each_other(at, waits)
    await day.opens(at)

    await day.hangs_up(busy, complains)
    await is_refused(busy)
    await day.takes_the_next(busy)
    assert await day.rung(TRANSFER) is busy
    await busy.page.keyboard.press("F2")
    await day.answers(TRANSFER)
    await busy.state("通话中")
    await day.hear_each_other(busy, day.outside)
    await day.opens(busy)

    await day.hangs_up(at, waits)
    await is_merged(at)
    await busy.page.keyboard.press("F9")
    await ended(day.outside)
    await expect(busy.page.locator("#unfinished-calls")).to_be_visible(timeout=SOON)
    form = await unfolded(busy, "transfer")
    await form.get_by_label("转接去向").select_option("12348法律援助")
    await form.get_by_role("button", name="登记转接并结束工单").click()
    await noted(busy, "“转接”已登记")


async def is_split_and_answered(agent: Desk) -> None:
    """Two matters in one call, both answered at once."""
    page = agent.page
    form = await unfolded(agent, "split")
    await form.get_by_label("诉求类别").first.select_option("consultation")
    await form.get_by_label("标题").first.fill("社保补缴")
    await form.get_by_label("诉求内容").first.fill("咨询社保断缴后如何补缴")
    await form.get_by_role("button", name="拆分并生成新工单").click()
    await expect(page.locator("#parts")).to_contain_text("社保补缴", timeout=SOON)
    await fills(agent, {"category": "consultation", "title": "医保报销", "content": "咨询医保如何报销"})
    await page.get_by_role("button", name="保存，暂不派发").click()
    await noted(agent, "工单已保存")
    for more in (True, False):
        if not more:
            await page.locator("#unfinished-calls").click()
            await page.locator("#parts").get_by_role("link").click()
        await page.locator("details:has(> #act-answer) > summary").click()
        await page.locator("#answer-text").fill("带身份证到政务服务大厅窗口办理。")
        await page.get_by_role("button", name="登记答复并办结").click()
        await noted(agent, "已登记")
    await expect(page.locator("#unfinished-calls")).to_have_count(0)


async def is_refused(agent: Desk) -> None:
    """By an item of 第十条, with where to turn to."""
    await fills(agent, {"title": "不服判决", "content": "对法院判决不服，要求改判。"})
    await agent.page.get_by_role("button", name="保存，暂不派发").click()
    await noted(agent, "工单已保存")
    form = await unfolded(agent, "refuse")
    await form.locator("#refuse-item").select_option("3")
    await form.get_by_label("向诉求人所作的解释").fill("您的事项已由法院受理，请向法院反映。")
    await form.get_by_label("转接去向", exact=True).fill("县人民法院诉讼服务中心12368")
    await form.get_by_label("已告知诉求人转接去向").check()
    await form.get_by_role("button", name="登记不予受理").click()
    await noted(agent, "“不予受理”已登记")


async def is_merged(agent: Desk) -> None:
    """Into the open order of the same matter at the same place, which the page has found."""
    page = agent.page
    await fills(agent, STALLS)
    await page.get_by_role("button", name="保存，暂不派发").click()
    await noted(agent, "工单已保存")
    await page.locator("#similar").get_by_role("link", name="并入此单").click()
    form = page.locator("#act-merge")
    await form.get_by_label("原因").fill("同一地点同一事项")
    await form.get_by_role("button", name="并入该工单").click()
    await noted(agent, "“并单”已登记")


async def who_gave_up_is_called_back(day: Day) -> None:
    """By a click on the task, with the hotline's number; and calls once more, without a word."""
    agent = day.first
    page = agent.page
    await page.locator('#rail a[href="/callbacks"]').click()
    await expect(page.locator("#callbacks")).to_contain_text("138****7006", timeout=SOON)
    await page.get_by_role("button", name="领取").click()
    await page.get_by_role("button", name="回拨", exact=True).click()
    await day.answers(VOID)
    await agent.state("通话中")
    await day.hear_each_other(agent, day.outside)
    await page.keyboard.press("F9")
    await ended(day.outside)
    await page.get_by_label("回拨结果").fill("已接通，市民稍后再来电")
    await page.get_by_role("button", name="登记结果并完成").click()
    await noted(agent, "回拨结果已登记")

    for one in (day.first, day.second):
        leaves = one.page.get_by_role("button", name="结束整理", exact=True)
        if await leaves.count():
            await leaves.click()
    prank, at = await day.talks(VOID)
    await day.hangs_up(at, prank)
    form = await unfolded(at, "void")
    await form.get_by_label("作废原因").select_option("骚扰电话")
    await form.get_by_role("button", name="作废这张工单").click()
    await noted(at, "“作废”已登记")
    await day.takes_the_next(at)
    await at.page.get_by_label("示忙原因").select_option("training")
    await at.page.get_by_role("button", name="示忙").click()
    await expect(at.page.locator("#agent .state")).to_contain_text("培训", timeout=SOON)


async def nothing_is_left_over(day: Day) -> None:
    """Each of the six calls that were taken came to one thing, each to another, and the difference is zero."""
    page = day.lead.page
    await page.locator('#rail a[href="/intake-days"]').click()
    await expect(page.locator("#unfinished")).to_contain_text("已全部办结，差额为零", timeout=SOON)
    await day.lead.picture("day-reconciled")
    cells = await page.locator("#reconciled tbody tr").last.locator("td").all_inner_texts()
    assert cells[1:] == ["6", "1", "1", "1", "1", "1", "0", "1", "0"], cells
