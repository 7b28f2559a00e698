"""The shift in a real Chromium: a roster is planned and published, a note is read, help asked and given, all without a
reload."""

from datetime import timedelta
from typing import Any

import pytest
from browser_data import PASSWORD, fill
from playwright.async_api import expect
from test_browser_frame import picture

from callflow import current
from callflow.policy import LinePolicy
from core import clock
from core.actor import SYSTEM
from core.db import Database
from core.identity import service as identity
from core.permissions import Role
from crm.installed import installed

pytestmark = pytest.mark.browser


@pytest.mark.proves("F02-1", "A02-1")
async def test_a_roster_is_refused_with_its_gaps_then_published(db: Database, site: Any) -> None:
    current.use(installed().policy[LinePolicy])
    await fill(db)
    lead = await site.enter("lijianguo")
    await lead.get_by_role("link", name="班表").click()
    await expect(lead.locator("#coverage")).to_contain_text("有 1 段无人，不能公布")
    form = lead.locator("form[action='/roster/shifts']")
    for person, start, end in (("王丽", "00:00", "12:00"), ("张强", "12:00", "00:00")):
        await form.get_by_label("话务员").select_option(label=person)
        await form.get_by_label("连续天数").fill("15" if person == "王丽" else "1")
        await form.get_by_label("开始").fill(start)
        await form.get_by_label("结束").fill(end)
        await form.get_by_role("button", name="排入班次").click()
        await expect(lead.locator(".note")).to_contain_text("已排入")
    tomorrow = clock.today() + timedelta(days=1)
    await expect(lead.locator("#coverage")).to_contain_text(f"{tomorrow.month}月{tomorrow.day}日 12:00 至 24:00")
    await lead.get_by_label("改动说明").fill("十二月班表")
    await lead.get_by_role("button", name="公布班表第 1 版").click()
    await expect(lead.locator("#problem")).to_contain_text("没有公布")
    await expect(lead.get_by_label("改动说明")).to_have_value("十二月班表")
    await picture(lead, "roster-refused")
    await form.get_by_label("话务员").select_option(label="张强")
    await form.get_by_label("日期").fill(tomorrow.isoformat())
    await form.get_by_label("连续天数").fill("14")
    await form.get_by_label("开始").fill("12:00")
    await form.get_by_label("结束").fill("00:00")
    await form.get_by_role("button", name="排入班次").click()
    await expect(lead.locator("#coverage")).to_contain_text("每一分钟都有人")
    agent = await site.enter("wangli")
    await agent.goto(f"{site.url}/roster")
    await expect(agent.locator("#roster")).to_contain_text("还没有公布班表")
    await lead.get_by_role("button", name="公布班表第 1 版").click()
    await expect(lead.locator(".note")).to_contain_text("班表第 1 版已公布")
    await picture(lead, "roster")
    await expect(agent.locator("#roster")).to_contain_text("第 1 版")
    await expect(agent.locator(".shift.mine").first).to_contain_text("王丽")
    await picture(agent, "roster-read")


async def test_the_board_a_note_and_help_without_a_reload(db: Database, site: Any) -> None:
    current.use(installed().policy[LinePolicy])
    call_id = await fill(db)
    async with db.session() as session:
        await identity.create_user(
            session, SYSTEM, login="daping", name="大屏", roles=frozenset({Role.SCREEN}), password=PASSWORD
        )
    lead, agent = await site.enter("lijianguo"), await site.enter("wangli")
    await lead.goto(f"{site.url}/board")
    await expect(lead.locator("#level")).to_contain_text("从来电接入起")
    await agent.goto(f"{site.url}/calls/{call_id}")
    await lead.get_by_label("内容").fill("今天多处停水，统一口径：预计18时恢复")
    await lead.get_by_role("button", name="发到全部坐席").click()
    await expect(agent.locator(".desk-note")).to_contain_text("预计18时恢复")
    await picture(agent, "desk-note")
    await agent.locator(".desk-note").get_by_role("button", name="已读").click()
    await expect(agent.locator(".desk-note")).to_have_count(0)
    await expect(lead.locator("#notes")).to_contain_text("已读 1 人")
    await agent.get_by_text("求助班长").click()
    await agent.get_by_label("需要什么帮助").fill("市民情绪激动")
    await agent.get_by_role("button", name="求助，班长立即看到").click()
    await expect(lead.locator("#help")).to_contain_text("市民情绪激动")
    await expect(lead.locator("#rail")).to_contain_text("班长看板1")
    await picture(lead, "board-help")
    await lead.get_by_placeholder("答复（选填）").fill("请转由我接听")
    await lead.get_by_role("button", name="已处理").click()
    await expect(lead.locator(".note")).to_contain_text("的求助已处理")
    await expect(agent.locator("#call-help")).to_contain_text("请转由我接听")
    await lead.locator("tr", has_text="张强").get_by_text("调整").click()
    await lead.locator("tr", has_text="张强").get_by_label("二线专家").select_option(label="其次")
    await picture(lead, "board")
    await lead.locator("tr", has_text="张强").get_by_role("button", name="保存接听队列").click()
    await expect(lead.locator("tr", has_text="张强")).to_contain_text("二线专家（其次）")
    await lead.goto(f"{site.url}/my-day")
    await picture(lead, "my-day")
    await lead.goto(f"{site.url}/team-day")
    await picture(lead, "team-day")
    screen = await site.enter("daping", "#wallboard")
    await expect(screen.locator("#wallboard")).to_contain_text("排队等待")
    await picture(screen, "wallboard")
