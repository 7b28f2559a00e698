"""The main tasks at the desks by the keyboard alone: an agent, a shift lead, a quality inspector."""

from typing import Any

import pytest
from browser_data import PASSWORD, fill
from playwright.async_api import Locator, Page, expect
from test_browser_scoring import last_week

from callflow import current
from callflow.policy import LinePolicy
from core.actor import SYSTEM
from core.db import Database
from core.identity import service as identity
from core.permissions import Role
from crm.installed import installed

pytestmark = [pytest.mark.browser]
FAR = 200
"""So many times Tab: then a thing cannot be reached."""


async def reach(page: Page, target: Locator, key: str = "Tab") -> None:
    """Press Tab until the keyboard is there."""
    for _ in range(FAR):
        if await target.evaluate("one => one === document.activeElement"):
            return
        await page.keyboard.press(key)
    raise AssertionError(f"the keyboard does not reach {target}")


async def press(page: Page, target: Locator) -> None:
    """Reach a button or a link and press it."""
    await reach(page, target)
    await page.keyboard.press("Enter")


async def write(page: Page, target: Locator, text: str) -> None:
    """Reach a field and write into it as an input method does: composed first, then put there whole."""
    await reach(page, target)
    await page.keyboard.press("Control+a")
    session = await page.context.new_cdp_session(page)
    await session.send("Input.imeSetComposition", {"text": "pin yin", "selectionStart": 7, "selectionEnd": 7})
    await session.send("Input.insertText", {"text": text})
    await session.detach()
    await expect(target).to_have_value(text)


async def enter(site: Any, login: str) -> Page:
    """Sign in by keyboard."""
    page: Page = await site.open()
    await page.goto(f"{site.url}/sign-in")
    await reach(page, page.get_by_label("登录名"))
    await page.keyboard.type(login)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#rail")
    return page


def at(page: Page, path: str) -> Locator:
    """An entry of the rail."""
    return page.locator(f'#rail a[href="{path}"]')


async def test_an_agent_takes_a_call_to_its_order_and_asks_for_help(db: Database, site: Any) -> None:
    current.use(installed().policy[LinePolicy])
    await fill(db)
    page, lead = await enter(site, "wangli"), await enter(site, "lijianguo")
    await press(lead, at(lead, "/board"))
    await expect(lead.locator("h1")).to_have_text("班长看板")
    await write(lead, lead.get_by_label("内容"), "今天多处停水，预计十八时恢复")
    await press(lead, lead.get_by_role("button", name="发到全部坐席"))
    await expect(page.locator(".desk-note")).to_contain_text("预计十八时恢复")
    await press(page, page.locator(".desk-note").get_by_role("button", name="已读"))
    await expect(page.locator(".desk-note")).to_have_count(0)

    await press(page, page.locator("a.knock"))
    await expect(page.locator("#draft")).to_be_visible()
    await press(page, page.locator("#call-help summary"))
    await write(page, page.get_by_label("需要什么帮助"), "市民情绪激动")
    await page.keyboard.press("Enter")
    await expect(page.locator("#call-help")).to_contain_text("等待班长")
    await expect(lead.locator("#help")).to_contain_text("市民情绪激动")
    await write(lead, lead.get_by_placeholder("答复（选填）"), "请转由我接听")
    await press(lead, lead.get_by_role("button", name="已处理"))
    await expect(page.locator("#call-help")).to_contain_text("请转由我接听")

    await reach(page, page.locator("#field-category"))
    await page.keyboard.press("Tab")
    await expect(page.locator(".field.proposed:has(#field-category)")).to_have_count(0)
    matter = page.locator("#field-matter")
    await reach(page, matter)
    await page.keyboard.press("ArrowDown")
    await expect(matter).not_to_have_value("")
    for field, text in (("title", "小区门口占道经营"), ("occurred", "每天早上"), ("subject", "流动摊贩")):
        await write(page, page.locator(f"#field-{field}"), text)
    await write(page, page.locator("#field-content"), "小区门口每天早上有人占道经营。")
    await write(page, page.locator("#field-demand"), "劝离摊贩")
    unit = page.locator("#field-lead_unit")
    await reach(page, unit)
    await page.keyboard.press("ArrowDown")
    await expect(unit).not_to_have_value("")
    await page.locator("summary", has_text="协办单位与派单依据").wait_for()
    await press(page, page.locator("summary", has_text="协办单位与派单依据"))
    await write(page, page.locator("#field-basis"), "按职责派发")
    await press(page, page.get_by_role("button", name="派发并发送短信"))
    await expect(page.locator(".note")).to_contain_text("已派发")


async def test_an_agent_changes_state_and_works_off_a_callback(db: Database, site: Any) -> None:
    await fill(db)
    page = await enter(site, "liujing")
    state = page.locator("#agent .state")
    await press(page, page.locator("#agent").get_by_role("button", name="示闲"))
    await expect(state).to_contain_text("示闲")
    reason = page.get_by_label("示忙原因")
    await reach(page, reason)
    await page.keyboard.press("ArrowDown")
    chosen = await reason.evaluate("one => one.selectedOptions[0].text")
    await press(page, page.locator("#agent").get_by_role("button", name="示忙"))
    await expect(state).to_contain_text(chosen)

    await press(page, at(page, "/callbacks"))
    await expect(page.locator("h1")).to_have_text("回拨任务")
    await page.keyboard.press("j")
    await expect(page.locator("tr[aria-selected=true]")).to_have_count(1)
    await press(page, page.get_by_role("button", name="领取").first)
    await expect(page.locator(".note")).to_contain_text("已领取")
    await write(page, page.get_by_label("回拨结果").first, "已接通并登记工单")
    await page.keyboard.press("Enter")
    await expect(page.locator(".note")).to_contain_text("回拨结果已登记")


async def test_an_inspector_draws_and_scores_a_call(db: Database, site: Any) -> None:
    await fill(db)
    await last_week(db)
    async with db.session() as session:
        await identity.create_user(
            session, SYSTEM, login="zhijian", name="赵雪", roles=frozenset({Role.CHECKER}), password=PASSWORD
        )
    page = await enter(site, "zhijian")
    await press(page, at(page, "/scoring"))
    await press(page, page.get_by_role("button", name="抽取该周期样本"))
    await expect(page.locator(".note")).to_contain_text("已抽取")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_contain_text("质检：")
    for number in range(1, 7):
        await reach(page, page.locator(f"#marks-{number}"))
        await page.keyboard.type("8")
    await write(page, page.locator("#marks-comment"), "没有复述确认地点")
    await press(page, page.get_by_role("button", name="提交评分"))
    await expect(page.locator("#total")).to_have_text("48 分")
