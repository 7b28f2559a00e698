"""The list of orders under the keyboard: find, sort, leaf, open, and take it along."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from browser_data import PASSWORD, fill
from playwright.async_api import expect
from sqlalchemy import select
from test_browser_frame import picture
from test_browser_zoom import inspect

from callflow.models import Call
from callflow.nuisance.models import Ground, NuisanceCaller
from core import clock
from core.actor import SYSTEM, Actor
from core.db import Database, new_id
from core.identity.models import Unit, User
from core.identity.service import actor_of, create_user
from core.permissions import Role
from crm.city.judging import Verdict
from crm.city.models import CityExport, CityImport, CityRow
from crm.county.categories import Category
from crm.demo_orders import STORIES
from crm.finding.index import index_due
from crm.handover.models import Matter
from crm.installed import installed
from crm.scoring import service as scoring
from crm.scoring.models import Draw, Sample
from crm.tickets.input import Correction
from crm.tickets.models import Assignment, Rating, Ticket
from crm.tickets.service import Opening, correct, open_draft

pytestmark = pytest.mark.browser
HOTLINE = "12315 消费者投诉"


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
    await page.keyboard.press("Control+A")
    await page.keyboard.type("停水未复")
    await page.keyboard.press("Enter")
    await expect(page.locator(".note")).to_contain_text("已改名为“停水未复”")
    await expect(kept.get_by_role("link")).to_have_text(["停水未复", "本周全部求助"])
    await kept.get_by_text("管理").press("Enter")
    await expect(kept.locator("details[open]")).to_be_visible()
    for _ in range(3):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(kept.get_by_role("link")).to_have_text(["本周全部求助"])
    await expect(page.locator(".note")).to_contain_text("已删除常用查询“停水未复”")


async def test_recordings_are_found_and_their_list_taken_along(db: Database, site: Any, tmp_path: Any) -> None:
    await fill(db)
    await index_due(db)
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


async def test_registers_and_records_fit_their_pages(db: Database, site: Any, tmp_path: Path) -> None:
    call_id = await fill(db)
    await orders(db, 4)
    at = clock.now()
    async with db.session() as session:
        agent = (await session.scalars(select(User).where(User.login == "wangli"))).one()
        lead = (await session.scalars(select(User).where(User.login == "lijianguo"))).one()
        limit = {"calls": 1, "window_min": 60, "review_on": clock.today() + timedelta(days=9), "call_id": call_id}
        for n, ground in enumerate(Ground):
            row = NuisanceCaller(
                **limit, phone=f"+861380000{n:04d}", ground=ground, reason="一日内反复拨打二十余次，辱骂话务员"
            )
            row.proposed_at, row.proposed_by_name = at - timedelta(hours=n), agent.name
            row.confirmed_at, row.confirmed_by_name = (at, lead.name) if n % 2 else (None, None)
            row.ended_at, row.ended_by_name, row.ended_reason = (
                (at, lead.name, "本人致歉") if n == 3 else (None, None, "")
            )
            matter = Matter(
                text="凤凰小区停水，供水公司抢修", opened_by_name=agent.name, owner_id=lead.id, owner_name=lead.name
            )
            matter.opened_at, matter.closed_at = at - timedelta(days=1), at - timedelta(hours=n)
            matter.closed_by_name, matter.result = lead.name, "已恢复供水，并回访来电人"
            session.add_all((row, matter))
        counts = {one.value: 12 for one in Verdict}
        for n in range(12):
            file = {"file_name": f"上饶市12345导出{n:02d}.xlsx", "digest": "", "titles": [], "uploaded_name": lead.name}
            session.add(CityImport(**file, id=new_id(), counts=counts, uploaded_at=at - timedelta(days=n)))
            session.add(CityExport(number=f"HX202611{n:02d}-3F2A1B", at=at, by_name=lead.name, count=n))
        file = CityImport(**file | {"file_name": "上饶市12345导出.xlsx"}, id=new_id(), counts=counts, uploaded_at=at)
        session.add(file)
        await session.flush()
        for n in range(60):
            verdict = list(Verdict)[n % 4]
            said = "“办结时限”不是日期：下周" if verdict is Verdict.BAD else ""
            session.add(
                CityRow(import_id=file.id, n=n + 2, number=f"SR2026112900{n:02d}", verdict=verdict, reason=said)
            )
        rules = scoring.policy().model_dump(mode="json")
        for n in range(30):
            first = clock.today() - timedelta(weeks=n + 1, days=clock.today().weekday())
            draw = Draw(
                first=first, last=first + timedelta(days=6), seed=n, population={}, rules=rules, drawn_by_name="周安"
            )
            session.add(draw)
        await session.flush()
        for n in range(3):
            call = Call(id=new_id(), node="one", linkedid=f"scored{n}", direction="in", arrived_at=at, evidence={})
            call.connected_at, call.ended_at = at - timedelta(minutes=2), at
            session.add(call)
            await session.flush()
            who = {"draw_id": draw.id, "call_id": call.id, "agent_id": agent.id, "agent_name": agent.name}
            session.add(Sample(**who, state="final", total=90 + n, told_at=at - timedelta(days=n)))
        made = list(await session.scalars(select(Ticket).order_by(Ticket.opened_at)))
        for one in made[1:]:
            one.repeat_of = made[0].id
        unit_id = await session.scalar(select(Unit.id).limit(1))
        for n, one in enumerate(made):
            one.original_hotline, one.first_dispatched_at = HOTLINE, at
            part = Assignment(ticket_id=one.id, unit_id=unit_id, role="lead", dispatched_at=at, sign_due_at=at)
            part.signed_at, part.overdue_at = at - timedelta(hours=n), at if n else None
            grade = "satisfied" if n else "unsatisfied"
            session.add_all((part, Rating(ticket_id=one.id, at=at, grade=grade, solved=bool(n), source="phone")))
    page = await site.enter("lijianguo")
    for path, title in (
        ("nuisance", "恶意骚扰来电登记"),
        ("handovers", "交接班日志"),
        ("handovers/matters", "已办结的未了事项"),
        ("scoring", "话务质检"),
        (f"my-scores?user={agent.id}", "王丽的质检"),
        ("hotlines", "原热线统计"),
        ("team-day", "全班今日"),
        (f"orders/{made[0].id}/links", "关联工单"),
    ):
        await page.goto(f"{site.url}/{path}")
        await expect(page.locator("h1")).to_have_text(title)
        await inspect(page, f"lists-{path.partition('?')[0].replace(str(made[0].id), 'one').replace('/', '-')}")
    await page.goto(f"{site.url}/hotlines")
    await expect(page.locator("tbody tr").filter(has_text=HOTLINE)).to_contain_text("80.0%")
    assert await page.locator("#hotlines .wide").evaluate("(one) => one.scrollWidth <= one.clientWidth"), "all in sight"
    await page.goto(f"{site.url}/nuisance")
    await page.get_by_label("状态").select_option("待核准")
    await page.get_by_role("button", name="查询").click()
    await expect(page.locator("tbody tr")).to_have_count(2)
    await page.get_by_text("导出为 Excel").click()
    await picture(page, "lists-nuisance-export")
    await page.get_by_label("导出原因").fill("季度复核")
    async with page.expect_download() as taken:
        await page.get_by_role("button", name="登记原因并导出").click()
    await (await taken.value).save_as(tmp_path / "nuisance.xlsx")
    book = openpyxl.load_workbook(tmp_path / "nuisance.xlsx").active
    assert book is not None and book.max_row == 5, "mark, heads, two rows, mark"
    async with db.session() as session:
        roles = frozenset({Role.DISPATCHER})
        await create_user(session, SYSTEM, login="sunpai", name="孙派", roles=roles, password=PASSWORD)
    page = await site.enter("sunpai")
    for path, title in (
        ("city", "市级工单"),
        ("city/imports", "市级工单导入记录"),
        ("city/exports", "市级回写记录"),
        (f"city/imports/{file.id}", "核对市级工单"),
        ("dispatch-quality", "派单质量"),
        ("catalogue", "派单目录"),
    ):
        await page.goto(f"{site.url}/{path}")
        await expect(page.locator("h1")).to_have_text(title)
        await inspect(page, f"lists-{path.replace(str(file.id), 'one').replace('/', '-')}")
    await page.goto(f"{site.url}/city/imports/{file.id}")
    await page.get_by_role("link", name="下一页").click()
    await expect(page.locator("tbody tr")).to_have_count(10)
