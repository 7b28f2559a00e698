"""Emergencies in a real Chromium: the strip comes by itself, an agent confirms, the lead closes."""

from typing import Any

import pytest
from browser_data import fill
from playwright.async_api import expect
from sqlalchemy import select
from test_browser_frame import picture

from core.db import Database
from crm.emergencies.proposals import look
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, open_draft

pytestmark = pytest.mark.browser
DARK = "桃花社区停水了，一滴水都没有"


async def speak(db: Database, call_id: Any) -> None:
    async with db.session() as session:
        ticket = (await session.scalars(select(Ticket).where(Ticket.call_id == call_id))).one()
        await look(session, ticket, DARK)


async def others(db: Database) -> None:
    async with db.session() as session:
        for n in range(3):
            ticket = await open_draft(session, Opening("counter", phone=f"+861390000{n:04d}"))
            ticket.title, ticket.content = "桃花社区停水", DARK
            await session.flush()
            await look(session, ticket, DARK)


@pytest.mark.proves("F14-1")
async def test_an_alarm_comes_is_confirmed_and_answered(db: Database, site: Any) -> None:
    call_id = await fill(db)
    agent, lead = await site.enter("wangli"), await site.enter("zhou.an")
    await agent.goto(f"{site.url}/calls/{call_id}")
    await expect(agent.locator("#emergency-strip section")).to_have_count(0)
    await agent.locator("#field-title").fill("正在填写的标题")
    await speak(db, call_id)
    await expect(agent.locator("#emergency-strip")).to_contain_text("疑似突发事件：停水、停电、停气、停热")
    await expect(agent.locator("#field-title")).to_have_value("正在填写的标题")
    await picture(agent, "emergency-strip")
    await agent.get_by_role("button", name="确认为突发事件").click()
    await expect(agent.locator(".note")).to_contain_text("已确认为突发事件")
    await expect(agent.locator("#emergency-strip")).to_contain_text("王丽")
    await picture(agent, "emergency-confirmed")

    await others(db)
    await lead.get_by_role("link", name="突发事件").first.click()
    await expect(lead.locator("#emergencies")).to_contain_text("TF")
    await picture(lead, "emergencies")
    await lead.locator("#emergencies a[href^='/emergencies/']").first.click()
    await expect(lead.locator("#members")).to_contain_text("139****0000")
    await picture(lead, "emergency")
    state = await lead.locator("#emergency-state").inner_text()
    if state == "待确认":
        await lead.get_by_role("button", name="确认为一个突发事件").click()
        await expect(lead.locator(".note")).to_contain_text("已确认")
    await lead.get_by_text("办结并答复全部诉求人").click()
    await lead.locator("#field-answer").fill("21时已恢复供水")
    await lead.get_by_role("button", name="办结并发送短信").click()
    await expect(lead.locator(".note")).to_contain_text("事件已办结")
    await picture(lead, "emergency-closed")
