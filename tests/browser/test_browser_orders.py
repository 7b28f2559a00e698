"""The draft beside the growing words: proposals, Tab, dispatch with its receipt, and the order on paper."""

from typing import Any

import pytest
from browser_data import fill
from playwright.async_api import expect
from sqlalchemy import select
from test_browser_frame import picture

from core.db import Database
from crm.sms.models import Sms
from crm.tickets import service
from crm.tickets.models import Ticket

pytestmark = pytest.mark.browser


@pytest.mark.proves("F12.1-3", "A09-1", "F09-1")
async def test_an_agent_accepts_proposals_and_dispatches(db: Database, site: Any) -> None:
    call_id = await fill(db)
    page = await site.enter("wangli")
    await page.goto(f"{site.url}/calls/{call_id}")
    title = page.locator("#field-title")
    await expect(title).to_have_value("小区门口占道经营")
    await expect(page.locator(".field.proposed:has(#field-title)")).to_have_count(1)
    await picture(page, "call-draft")
    await title.focus()
    await page.keyboard.press("Tab")
    await expect(page.locator(".field.proposed:has(#field-title)")).to_have_count(0)
    await page.locator("#field-content").fill("小区东门每天早晚占道摆摊，油烟扰民。")
    async with db.session() as session:
        ticket = (await session.scalars(select(Ticket))).one()
        one = {"label": "", "sources": [{"text": "每天早上"}], "confidence": 0.7, "reason": "说了时间"}
        more = {"title": one | {"value": "机器另拟的标题"}, "occurred": one | {"value": "每天早上"}}
        await service.propose(session, ticket, ticket.proposals | more)
    await expect(page.locator("#field-occurred")).to_have_value("每天早上")
    await expect(title).to_have_value("小区门口占道经营")
    await expect(page.locator("#field-content")).to_have_value("小区东门每天早晚占道摆摊，油烟扰民。")
    await expect(page.locator("#limit")).to_contain_text("投诉类，10 个工作日，现在派发：剩 10 个工作日")
    await page.locator("#field-category").select_option("consultation")
    await expect(page.locator("#limit")).to_contain_text("咨询类，2 个工作日")
    await expect(page.locator('[for="field-subject"]')).to_have_text("对象（选填）")
    await page.locator("#field-category").select_option("complaint")
    await expect(page.locator("#limit")).to_contain_text("投诉类，10 个工作日")
    await expect(page.locator('[for="field-subject"]')).to_have_text("对象（必填）")
    await page.get_by_label("主办单位").select_option("")
    await page.get_by_role("button", name="派发并发送短信").click()
    await expect(page.locator("#problem")).to_contain_text("主办单位")
    await expect(page.locator(".field:has(#field-subject) .wrong")).to_contain_text("请填写对象")
    await expect(page.locator(".field:has(#field-address) .wrong")).to_contain_text("尚未核对")
    await expect(page.locator("[data-undecided]")).to_contain_text("系统填写的 2 项待核对")
    for name in ("occurred", "address"):
        await page.locator(f"#field-{name}").focus()
        await page.keyboard.press("Tab")
    await expect(page.locator("[data-undecided]")).to_have_text("")
    await page.locator("#field-subject").fill("流动摊贩")
    await page.locator("#field-demand").fill("请城管部门劝离")
    await expect(page.locator("#field-content")).to_have_value("小区东门每天早晚占道摆摊，油烟扰民。")
    await page.get_by_label("主办单位").select_option(index=3)
    await page.get_by_role("button", name="派发并发送短信").click()
    await expect(page.locator(".note")).to_contain_text("已派发")
    await expect(page.get_by_role("heading", name="剩 10 个工作日")).to_be_visible()
    await picture(page, "order")
    async with db.session() as session:
        sms = (await session.scalars(select(Sms))).one()
        assert sms.state == "queued" and ticket.number in sms.text
    await page.emulate_media(media="print")
    await expect(page.locator("table.paper")).to_be_visible()
    await picture(page, "order-print")
    await page.emulate_media(media="screen")
    await page.locator("#rail").get_by_role("link", name="工单").click()
    await expect(page.locator("h1")).to_have_text("工单")
    await expect(page.locator("tbody")).to_contain_text(ticket.number)
    await picture(page, "orders")
