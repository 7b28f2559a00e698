"""The API's pages in a real Chromium: a program and its token, the public query, the description for integrators."""

import re
from typing import Any

import pytest
from playwright.async_api import expect
from test_browser_access import judged
from test_browser_admin import administrator
from test_browser_frame import picture

from core.actor import SYSTEM
from core.db import Database
from core.permissions import Role
from crm.tickets.input import Correction
from crm.tickets.service import Opening, open_draft

pytestmark = pytest.mark.browser


async def test_a_program_gets_a_token_that_is_shown_once(db: Database, site: Any) -> None:
    page = await administrator(db, site, Role.SECURITY_ADMIN)
    await page.get_by_role("link", name="接口程序").click()
    await expect(page.locator("h1")).to_have_text("接口程序")
    await picture(page, "programs-empty")
    await page.get_by_label("程序名称").fill("政务服务大厅综合窗口")
    await page.get_by_role("button", name="登记程序").click()
    await expect(page.locator(".field:has(#field-channel) .wrong")).to_have_text("请填写这一项。")
    await page.get_by_label("诉求渠道").select_option("窗口")
    await page.get_by_role("button", name="登记程序").click()
    await expect(page.locator("h1")).to_have_text("政务服务大厅综合窗口")
    await page.get_by_role("button", name="生成访问令牌").click()
    await expect(page.locator(".field:has(.choices) .wrong")).to_contain_text("至少一项")
    await page.get_by_label("提交诉求").check()
    await page.get_by_label("允许的网段").fill("10.20.0.0")
    await page.get_by_label("允许的网段").fill("10.20.0.1/16")
    await page.get_by_role("button", name="生成访问令牌").click()
    await expect(page.locator(".field:has(#field-networks) .wrong")).to_contain_text("不是网段")
    await picture(page, "program-error")
    await page.get_by_label("允许的网段").fill("10.20.0.0/16")
    await page.get_by_role("button", name="生成访问令牌").click()
    shown = page.locator(".tell .secret")
    await expect(shown).to_have_text(re.compile(r"hl12345_\w{12}_[\w-]{43}"))
    await picture(page, "program-token")
    await page.reload()
    await expect(page.locator("table")).to_contain_text("10.20.0.0/16")
    await expect(shown).to_have_count(0)
    await page.get_by_text("撤销", exact=True).click()
    await page.locator("details[open]").get_by_label("原因").fill("系统更换")
    await page.get_by_role("button", name="撤销令牌").click()
    await expect(page.locator(".note")).to_contain_text("已撤销")
    await picture(page, "program-revoked")
    await page.get_by_role("link", name="全部程序").click()
    await expect(page.locator("table")).to_contain_text("无有效令牌")
    await page.get_by_role("link", name="最近使用").click()
    await expect(page.locator("th[aria-sort='descending']")).to_contain_text("最近使用")
    await picture(page, "programs")
    await page.get_by_label("查找").fill("没有")
    await page.get_by_role("button", name="查询").click()
    await expect(page.locator("#programs")).to_contain_text("没有符合条件的程序")
    await page.get_by_role("link", name="清除条件").click()
    await expect(page.locator("#programs tbody tr")).to_have_count(1)
    assert await judged(page) == []


@pytest.mark.proves("F22-4")
async def test_a_citizen_asks_where_an_order_stands(db: Database, site: Any) -> None:
    async with db.session() as session:
        given = Correction(title="小区门口占道经营", content="凤凰小区北门每天早上有人摆摊占道。")
        ticket = await open_draft(session, Opening("web", given=given, origin="api"), SYSTEM)
    page = await site.open()
    await page.goto(f"{site.url}/query")
    await picture(page, "query")
    await page.get_by_label("工单编号").fill(ticket.number)
    await page.get_by_label("查询码").fill("x")
    await page.get_by_role("button", name="查询进度").click()
    await expect(page.locator(".problem")).to_contain_text("没有查到")
    await picture(page, "query-nothing")
    await page.get_by_label("工单编号").fill(ticket.number)
    await page.get_by_label("查询码").fill(ticket.query_code)
    await page.get_by_role("button", name="查询进度").click()
    await expect(page.locator(".note")).to_contain_text("正在受理")
    await expect(page.locator("body")).not_to_contain_text("占道")
    assert await page.context.cookies() == []
    await picture(page, "query-found")


async def test_integrators_read_what_the_api_is(site: Any) -> None:
    page = await site.open()
    await page.goto(f"{site.url}/api/v1/docs")
    await expect(page.locator("h1")).to_contain_text("工单接口")
    await expect(page.locator("#post-v1-orders")).to_contain_text("POST /api/v1/orders")
    await page.get_by_role("link", name="NewOrder").first.click()
    await expect(page.locator("#NewOrder")).to_contain_text("渠道编号")
    await picture(page, "api-docs")
