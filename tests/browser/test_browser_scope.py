"""Out of scope in a real Chromium: an agent asks up the line from the call and sees the answer come by itself, looks up
whom to turn to, and closes with where the caller was put through to."""

from typing import Any

import pytest
from browser_data import fill
from playwright.async_api import expect
from test_browser_frame import picture

from core.db import Database

pytestmark = pytest.mark.browser


@pytest.mark.proves("F11-1", "F11-2")
async def test_who_cannot_tell_asks_and_puts_through(db: Database, site: Any) -> None:
    call_id = await fill(db)
    agent, lead = await site.enter("wangli"), await site.enter("zhou.an")
    await agent.goto(f"{site.url}/calls/{call_id}")
    await agent.get_by_text("无法认定是否受理，上报").click()
    await agent.get_by_role("button", name="上报", exact=True).click()
    await expect(agent.locator("#order-escalation .wrong").first).to_contain_text("请填写")
    await agent.get_by_label("请认定的问题").fill("市民要求认定邻县规划是否合法")
    await agent.get_by_label("紧急，每级答复时限缩短").check()
    await agent.get_by_role("button", name="上报", exact=True).click()
    await expect(agent.locator("#order-escalation")).to_contain_text("待班长答复")
    await picture(agent, "escalation-asked")

    await lead.get_by_role("link", name="逐级汇报").click()
    await expect(lead.locator("#escalations")).to_contain_text("邻县规划")
    await lead.locator("#escalations summary").click()
    await lead.get_by_label("认定").select_option("告知去向或转接")
    await lead.locator("#escalations textarea").fill("不属本县管辖，请转邻县12345")
    await picture(lead, "escalations")
    await lead.get_by_role("button", name="答复话务员").click()
    await expect(lead.locator(".note")).to_contain_text("已答复")
    await expect(agent.locator("#order-escalation")).to_contain_text("不属本县管辖")

    await lead.get_by_role("link", name="转接去向").click()
    await lead.get_by_label("去向", exact=True).fill("邻县12345")
    await lead.get_by_label("联系电话").fill("0793-12345")
    await lead.get_by_label("受理事项").fill("邻县的政务服务诉求")
    await lead.get_by_label("维护责任").fill("热线中心")
    await lead.get_by_role("button", name="新增转接去向").click()
    await expect(lead.locator("#referrals")).to_contain_text("0793-12345")
    await picture(lead, "referrals")

    await agent.reload()
    await agent.locator("details:has(> #act-transfer) > summary").click()
    await agent.locator("#transfer-referral_id").select_option("邻县12345 0793-12345")
    await agent.get_by_role("button", name="登记转接并结束工单").click()
    await expect(agent.locator(".note")).to_contain_text("已登记")
