"""The list of orders under the keyboard: find, sort, leaf, open, and take it along."""

from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from browser_data import fill
from playwright.async_api import expect
from sqlalchemy import select
from test_browser_frame import picture

from core import clock
from core.actor import Actor
from core.db import Database
from core.identity.models import User
from core.identity.service import actor_of
from crm.county.categories import Category
from crm.demo_orders import STORIES
from crm.installed import installed
from crm.tickets.input import Correction
from crm.tickets.service import Opening, correct, open_draft

pytestmark = pytest.mark.browser


async def orders(db: Database, count: int) -> None:
    """So many orders of the last days, as people of the county report."""
    async with db.session() as session:
        agent: Actor = actor_of((await session.scalars(select(User).where(User.login == "wangli"))).one())
        places = [place for place in installed().county.places if place.area and place.kind in ("road", "village")]
        for n in range(count):
            story, place = STORIES[n % len(STORIES)], places[n % len(places)]
            with clock.frozen(clock.now() - timedelta(hours=n + 1)):
                opening = Opening("phone", None, f"+8613800{n:06d}", agent_id=agent.user_id)
                ticket = await open_draft(session, opening)
                given = Correction(
                    category=story.category if n % 9 else Category.REPORT,
                    matter=story.matter,
                    title=story.title.format(place=place.name),
                    content=story.content.format(place=place.name),
                    address=place.name,
                    area=place.area,
                    occurred="近日",
                    subject="不详",
                    demand="请处理",
                )
                await correct(session, agent, ticket.id, ticket.version, given)


async def test_a_list_is_worked_without_the_mouse(db: Database, site: Any) -> None:
    await fill(db)
    await orders(db, 75)
    page = await site.enter("lijianguo")
    await page.locator("#rail").get_by_role("link", name="工单").click()
    await expect(page.locator("tbody tr")).to_have_count(50)
    await page.evaluate("window.sameShell = true")
    await picture(page, "orders-list")
    await page.keyboard.press("/")
    await expect(page.get_by_label("查找")).to_be_focused()
    await page.keyboard.type("停水")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{site.url}/orders?search=%E5%81%9C%E6%B0%B4", timeout=30_000)
    await expect(page.locator("tbody tr")).to_have_count(5)
    await expect(page.locator("th[aria-sort] a")).to_have_text("标题")
    await page.get_by_role("link", name="受理时间").click()
    await expect(page.locator("th[aria-sort='descending'] a")).to_have_text("受理时间")
    newest = await page.locator("tbody tr").first.inner_text()
    await page.get_by_role("link", name="受理时间").click()
    await expect(page.locator("th[aria-sort='ascending'] a")).to_have_text("受理时间")
    await expect(page.locator("tbody tr").last).to_contain_text(newest.split()[0])
    await picture(page, "orders-search")
    await page.reload()
    await expect(page.locator("tbody tr")).to_have_count(5)
    await expect(page.get_by_label("查找")).to_have_value("停水")
    await page.get_by_role("link", name="清除条件").click()
    await page.get_by_role("link", name="下一页").click()
    await expect(page.locator("tbody tr")).to_have_count(26)
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    number = await page.locator("tr[aria-selected] td").first.inner_text()
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text(number)


async def test_a_list_is_taken_along(db: Database, site: Any, tmp_path: Any) -> None:
    await fill(db)
    await orders(db, 10)
    page = await site.enter("zhou.an")
    await page.goto(f"{site.url}/orders?category=help")
    await page.get_by_text("导出为 Excel").click()
    await page.get_by_label("导出原因").fill("每周例会核对办理情况")
    await picture(page, "orders-export")
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name="登记原因并导出").click()
    download = await waiting.value
    assert download.suggested_filename.startswith("工单")
    assert download.suggested_filename.endswith(".xlsx")
    await download.save_as(tmp_path / "orders.xlsx")
    rows = list(openpyxl.load_workbook(tmp_path / "orders.xlsx")["工单"].iter_rows(values_only=True))
    assert "导出人 周安" in rows[0][0]
    assert {row[1] for row in rows[2:-1]} == {"求助"}
    await page.goto(f"{site.url}/orders?search=没有这回事")
    await expect(page.locator(".empty")).to_contain_text("没有符合条件的工单")
    await picture(page, "orders-empty")


async def test_a_queue_of_the_desk_is_narrowed_and_taken_along(db: Database, site: Any, tmp_path: Any) -> None:
    await fill(db)
    await orders(db, 4)
    page = await site.enter("lijianguo")
    await page.goto(f"{site.url}/desk?queue=drafts")
    rows = page.locator("tbody tr")
    before = await rows.count()
    assert before >= 4
    await picture(page, "desk-queue")
    await page.keyboard.press("/")
    await expect(page.get_by_label("查找")).to_be_focused()
    await page.get_by_label("类别").select_option("help")
    await page.get_by_role("button", name="查询").click()
    await expect(page.get_by_role("link", name="清除条件")).to_be_visible()
    await page.get_by_label("查找").fill("没有这回事")
    await page.keyboard.press("Enter")
    await expect(page.locator(".empty")).to_contain_text("没有符合条件的工单")
    await picture(page, "desk-queue-empty")
    await page.get_by_role("link", name="清除条件").click()
    await expect(rows).to_have_count(before)
    await page.get_by_text("导出为 Excel").click()
    await page.get_by_label("导出原因").fill("交接班核对")
    await picture(page, "desk-queue-export")
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name="登记原因并导出").click()
    download = await waiting.value
    assert download.suggested_filename.startswith("受理中")
    await download.save_as(tmp_path / "queue.xlsx")
    sheet = list(openpyxl.load_workbook(tmp_path / "queue.xlsx").active.iter_rows(values_only=True))
    assert len(sheet) == before + 3 and "工作台·受理中" in sheet[0][0]


async def test_a_search_is_kept_and_opened_again_by_keyboard(db: Database, site: Any) -> None:
    await fill(db)
    await orders(db, 12)
    page = await site.enter("lijianguo")
    await page.goto(f"{site.url}/orders?search=停水&category=help")
    found = await page.locator("tbody tr").count()
    await page.get_by_text("保存为常用查询", exact=True).focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("名称")).to_be_focused()
    await picture(page, "orders-saving")
    await page.keyboard.type("停水求助")
    await page.keyboard.press("Enter")
    kept = page.get_by_role("navigation", name="常用查询")
    await expect(kept.get_by_role("link", name="停水求助")).to_have_attribute("aria-current", "true")
    await expect(page.get_by_text("保存为常用查询", exact=True)).to_have_count(0)
    await page.goto(f"{site.url}/orders?category=help")
    await page.get_by_text("保存为常用查询", exact=True).click()
    await page.get_by_label("名称").fill("停水求助")
    await page.keyboard.press("Enter")
    await expect(page.locator(".field:has(#field-name) .wrong")).to_contain_text("已有名为“停水求助”")
    await picture(page, "orders-saving-taken")
    await page.get_by_label("名称").fill("本周全部求助")
    await page.keyboard.press("Enter")
    await expect(kept.get_by_role("link", name="本周全部求助")).to_be_visible()
    await kept.get_by_role("link", name="停水求助").focus()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{site.url}/orders?search=%E5%81%9C%E6%B0%B4&category=help")
    await expect(page.locator("tbody tr")).to_have_count(found)
    await expect(page.get_by_label("查找")).to_have_value("停水")
    await kept.get_by_text("管理").focus()
    await page.keyboard.press("Enter")
    await picture(page, "orders-saved")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(kept.get_by_role("link")).to_have_text(["本周全部求助"])
    await expect(page.locator(".note")).to_contain_text("已删除常用查询“停水求助”")


async def test_recordings_are_found_and_their_list_taken_along(db: Database, site: Any, tmp_path: Any) -> None:
    await fill(db)
    page = await site.enter("lijianguo")
    await page.goto(f"{site.url}/recordings")
    await expect(page.locator("tbody tr")).to_have_count(9)
    number = await page.locator("tbody tr td.number").first.inner_text()
    await picture(page, "recordings-list")
    await page.keyboard.press("/")
    await page.keyboard.type(f"{number[-4:]} 张强")
    await page.keyboard.press("Enter")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.get_by_text("导出为 Excel").click()
    await page.get_by_label("导出原因").fill("年度归档核对")
    await picture(page, "recordings-export")
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name="登记原因并导出").click()
    download = await waiting.value
    await download.save_as(tmp_path / "recordings.xlsx")
    rows = list(openpyxl.load_workbook(tmp_path / "recordings.xlsx").active.iter_rows(values_only=True))
    assert len(rows) == 4 and rows[2][2] == number
