"""Emergencies in a real Chromium: the strip comes by itself, an agent confirms, the lead closes."""

from typing import Any
from uuid import UUID

import pytest
from browser_data import fill
from playwright.async_api import expect
from sqlalchemy import select
from test_browser_frame import picture

from core.clock import now
from core.db import Database
from core.identity.models import Unit
from crm.alarms.service import see_to
from crm.emergencies.models import EmergencyEvent, EmergencyOrder
from crm.emergencies.proposals import look
from crm.tickets.models import Assignment, Ticket
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


async def told(db: Database, event_id: str) -> None:
    """The event's first order goes to 供水公司, which has two contacts."""
    async with db.session() as session:
        event = await session.get_one(EmergencyEvent, UUID(event_id))
        unit = (await session.scalars(select(Unit).where(Unit.code == "gsgs"))).one()
        order = select(EmergencyOrder.ticket_id).where(EmergencyOrder.event_id == event.id).limit(1)
        ticket_id = (await session.scalars(order.where(EmergencyOrder.state == "linked"))).one()
        session.add(Assignment(ticket_id=ticket_id, unit_id=unit.id, role="lead", dispatched_at=now()))
        await session.flush()
        await see_to(session, event.id)


@pytest.mark.proves("F14-2")
async def test_the_contacts_of_all_units_with_what_is_missing(db: Database, site: Any) -> None:
    await fill(db)
    page = await site.enter("zhou.an")
    await page.goto(f"{site.url}/duty-contacts")
    await expect(page.locator("#gaps")).to_contain_text("超期未核对")
    await picture(page, "duty-contacts")
    await page.locator("#contacts tbody a").first.click()
    await expect(page.locator("aside h2")).to_have_text("修改值班联系人")
    await page.get_by_role("button", name="核对无误").click()
    await expect(page.locator(".note")).to_contain_text("已核对")
    await page.locator("#contacts tbody a").first.click()
    await page.get_by_role("button", name="现在试拨").click()
    await expect(page.locator("#tests")).to_contain_text("正在试拨")
    await page.get_by_label("从").fill("18:00")
    await page.get_by_label("至").fill("08:00")
    await page.get_by_role("button", name="保存，并记为已核对").click()
    await expect(page.locator("#contacts")).to_contain_text("18:00—次日08:00")
    await picture(page, "duty-contacts-gap")


@pytest.mark.proves("F14-1", "F14-5")
async def test_an_alarm_comes_is_confirmed_and_answered(db: Database, site: Any) -> None:
    call_id = await fill(db)
    agent, lead = await site.enter("wangli"), await site.enter("zhou.an")
    await agent.goto(f"{site.url}/calls/{call_id}")
    await expect(agent.locator("#emergency-strip section")).to_have_count(0)
    await agent.locator("#field-title").fill("正在填写的标题")
    await speak(db, call_id)
    await expect(agent.locator("#emergency-strip")).to_contain_text("疑似突发事件：停水、停电、停气、停热")
    await expect(agent.locator("#field-title")).to_have_value("正在填写的标题")
    await expect(agent.get_by_label("确认后为")).to_have_value("help")
    await picture(agent, "emergency-strip")
    await agent.get_by_role("button", name="确认为突发事件").click()
    await expect(agent.locator(".note")).to_contain_text("已确认为突发事件")
    await expect(agent.locator("#emergency-strip")).to_contain_text("王丽")
    await picture(agent, "emergency-confirmed")

    await agent.get_by_role("button", name="仅告知 供电95598").click()
    await expect(agent.locator(".note")).to_contain_text("联动记录已登记")
    await expect(agent.locator("#linkages .decided-strip")).to_contain_text("已告知来电人自行拨打")
    await agent.locator("#linkage-add summary").click()
    await agent.locator("#linked-to").select_option(label="110报警")
    await agent.locator("#linked-way").select_option("transfer")
    await picture(agent, "linkage-add")
    await agent.get_by_role("button", name="登记联动", exact=True).click()
    owed = agent.locator("#linkages .owed-strip")
    await expect(agent.locator(".note")).to_contain_text("结果待登记")
    await expect(owed).to_contain_text("待登记联动结果")
    await owed.get_by_label("结果").select_option("taken")
    await owed.get_by_role("button").click()
    await expect(owed.locator(".wrong").first).to_contain_text("请填写接警人或工号")
    await owed.get_by_label("接警人或工号").fill("021号")
    await picture(agent, "linkage-owed-form")
    await owed.get_by_role("button").click()
    await expect(agent.locator(".note")).to_contain_text("联动结果已登记")
    await agent.locator('#rail a[href="/linkages"]').click()
    await expect(agent.locator("#register tbody tr")).to_have_count(2)
    await picture(agent, "linkages")
    await agent.locator("#register tbody a").first.click()
    await agent.locator("#emergency-strip a[href^='/emergencies/']").first.click()
    await expect(agent.locator("#event-linkages tbody tr")).to_have_count(2)
    await expect(agent.locator("#time-line")).to_contain_text("转接110报警，021号，已接警处置")
    await picture(agent, "emergency-linkages")

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
    await told(db, lead.url.rpartition("/")[2])
    await expect(lead.locator("#alarms")).to_contain_text("等待确认")
    await picture(lead, "emergency-alarm")
    await lead.get_by_role("button", name="立即通知下一联系人").click()
    await expect(lead.locator(".note")).to_contain_text("正在通知下一联系人")
    await expect(lead.locator("#alarms")).to_contain_text("2. ")
    await lead.get_by_text("已人工联系到").click()
    await lead.get_by_label("联系到的人").fill("供水公司值班员")
    await lead.get_by_role("button", name="登记，停止自动通知").click()
    await expect(lead.locator(".note")).to_contain_text("已登记联系到供水公司值班员")
    await expect(lead.locator("#alarms")).to_contain_text("供水公司值班员")
    await lead.get_by_text("办结并答复全部诉求人").click()
    await lead.locator("#field-answer").fill("21时已恢复供水")
    await lead.get_by_role("button", name="办结并发送短信").click()
    await expect(lead.locator(".note")).to_contain_text("事件已办结")
    await picture(lead, "emergency-closed")
