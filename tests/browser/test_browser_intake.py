"""The register, the day's reconciliation and registration, as the desk sees them."""

from typing import Any

import pytest
from browser_data import fill
from playwright.async_api import expect
from sqlalchemy import select
from test_browser_frame import picture

from callflow import current
from callflow.agents import service as agents
from callflow.models import Call
from callflow.policy import LinePolicy
from core import clock
from core.db import Database
from core.identity.models import User
from crm.drafts.service import open_for
from crm.installed import installed
from crm.tickets import service
from crm.tickets.input import Correction

pytestmark = pytest.mark.browser


@pytest.mark.proves("F09-2", "F10-1", "F10-2", "F12.1-4", "A12.1-2")
async def test_a_letter_is_registered_screened_and_refused(db: Database, site: Any) -> None:
    await fill(db)
    page = await site.enter("lijianguo")
    await page.goto(f"{site.url}/orders")
    await page.get_by_role("link", name="登记来信、来访等诉求").click()
    await page.get_by_label("诉求渠道").select_option("letter")
    await page.locator("#field-title").fill("不服判决")
    await page.locator("#field-content").fill("已经起诉，对判决不服，要求改判。")
    await picture(page, "registration")
    await page.get_by_role("button", name="形成工单并继续核对").click()
    await expect(page.locator(".note")).to_contain_text("已登记来信诉求")
    item = page.locator("#screening details[open]", has_text="诉讼、仲裁")
    await expect(page.locator("#screening-hints")).to_contain_text("说到“起诉”“判决”")
    await expect(item).to_contain_text("您的事项已有法定的解决途径")
    await picture(page, "intake-order")
    await item.get_by_role("link", name="按本项登记不予受理").click()
    form = page.locator("#act-refuse")
    await expect(form.locator("#refuse-item")).to_have_value("3")
    await expect(form.locator("#refuse-referral")).to_have_value(
        "县人民法院诉讼服务中心12368、县劳动人事争议仲裁院或县司法局行政复议窗口"
    )
    await form.get_by_label("已告知诉求人转接去向").check()
    await form.get_by_role("button", name="登记不予受理").click()
    await expect(page.locator(".note")).to_contain_text("“不予受理”已登记")
    await page.locator("#rail").get_by_role("link", name="不予受理", exact=True).click()
    await expect(page.locator("#refusals tbody tr")).to_have_count(1)
    await expect(page.locator("#refusals-by-item")).to_contain_text("（三）已经或应当通过诉讼")
    await picture(page, "refusals")
    await page.locator("#rail").get_by_role("link", name="受理核对").click()
    await expect(page.locator("#reconciled")).to_contain_text("王丽")
    await expect(page.locator("#unfinished tbody tr").first).to_be_visible()
    await picture(page, "intake-day")


@pytest.mark.proves("F12.1-1")
async def test_a_page_opened_while_it_rings_has_the_history_and_becomes_the_desk(db: Database, site: Any) -> None:
    current.use(installed().policy[LinePolicy])
    await fill(db)
    async with db.session() as session:
        [past] = await session.scalars(select(Call).where(Call.linkedid == "2.0"))
        user = (await session.scalars(select(User).where(User.login == "wangli"))).one()
        given = Correction.model_validate({"category": "complaint", "title": "路灯不亮", "content": "路灯不亮"})
        earlier = await service.open_draft(session, service.Opening("counter", phone=past.caller, given=given))
        rings = Call(node="node1", linkedid="9.1", caller=past.caller, dialled="12345", queue="first")
        rings.arrived_at = rings.queued_at = clock.now()
        session.add(rings)
    page = await site.enter("wangli")
    await page.goto(f"{site.url}/calls/{rings.id}")
    await expect(page.locator("#number-history")).to_contain_text(earlier.number)
    await expect(page.locator("#number-history")).to_contain_text("来电，已接通")
    await picture(page, "call-rings")
    async with db.session() as session:
        call = await session.get_one(Call, rings.id)
        call.connected_at, call.agent_id, call.agent_name = clock.now(), user.id, user.name
        await session.flush()
        await open_for(session, [call.id])
    await expect(page.locator("#draft")).to_be_visible()
    await expect(page.locator("#number-history")).to_contain_text(earlier.number)
    await page.locator("#field-title").fill("路灯又不亮")
    await expect(page.locator("[data-saved]")).to_contain_text("已自动保存")


@pytest.mark.proves("A09-2", "A12.1-2")
async def test_a_call_is_split_and_ended_on_its_page(db: Database, site: Any) -> None:
    current.use(installed().policy[LinePolicy])
    call_id = await fill(db)
    page = await site.enter("wangli")
    await page.goto(f"{site.url}/calls/{call_id}")
    endings = page.locator("#endings")
    await endings.locator("summary", has_text="拆分").click()
    split = endings.locator("#act-split")
    await split.get_by_label("诉求类别").first.select_option("consultation")
    await split.get_by_label("标题").first.fill("社保补缴")
    await split.get_by_label("诉求内容").first.fill("咨询社保断缴后如何补缴")
    await picture(page, "call-split")
    await split.get_by_role("button", name="拆分并生成新工单").click()
    await expect(page.locator("#parts")).to_contain_text("社保补缴")
    assert page.url == f"{site.url}/calls/{call_id}"
    async with db.session() as session:
        (await session.get_one(Call, call_id)).ended_at = clock.now()
        await agents.completed(session, {"1001": clock.now()})
    await expect(page.locator("#agent")).to_contain_text("1 通来电未登记结果")
    await expect(page.get_by_role("button", name="稍后登记，结束整理")).to_be_visible()
    await picture(page, "wrap-up-asked")
    await endings.locator("summary", has_text="作废").click()
    await endings.get_by_label("作废原因").select_option("骚扰电话")
    await endings.get_by_role("button", name="作废这张工单").click()
    await expect(page.locator(".note")).to_contain_text("“作废”已登记")
    await page.locator("#parts").get_by_role("link").click()
    await page.locator("#order-acts summary", has_text="即时办结").click()
    await page.locator("#answer-text").fill("断缴后可在一年内到社保窗口补缴。")
    await page.get_by_role("button", name="登记答复并办结").click()
    await expect(page.locator("#unfinished-calls")).to_have_count(0)
    await expect(page.get_by_role("button", name="结束整理", exact=True)).to_be_visible()
