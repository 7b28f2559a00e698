"""The administrators' pages in a real Chromium: errors beside fields, typed text kept, conflicts, reasons."""

import re
from typing import Any

import pytest
from browser_data import PASSWORD, fill
from playwright.async_api import Page, expect
from sqlalchemy import select
from test_browser_frame import picture

from callflow.numbers.edit import NumberFields, save_number
from core import board, clock
from core.actor import SYSTEM
from core.db import Database
from core.health import Health
from core.identity import administration
from core.identity import service as identity
from core.identity.models import User
from core.jobs import JOBS, defer, run_pending
from core.permissions import Role
from crm.demo import seed_people
from crm.installed import installed
from crm.operations.service import report_backup
from hotline.wiring import common  # noqa: F401 - every job is known

pytestmark = pytest.mark.browser


async def administrator(db: Database, site: Any, role: Role) -> Page:
    """The county's people and line as they are seeded, and the first page of a fresh administrator."""
    async with db.session() as session:
        await identity.create_user(
            session, SYSTEM, login="guanli", name="管理员", roles=frozenset({role}), password=PASSWORD
        )
        await seed_people(session, installed().county)
    page: Page = await site.enrol("guanli")
    return page


async def test_a_user_is_made_and_a_stale_edit_keeps_what_was_typed(db: Database, site: Any) -> None:
    page = await administrator(db, site, Role.SECURITY_ADMIN)
    await expect(page.locator("h1")).to_have_text("用户")
    await page.get_by_label("登录名").fill("zhao.min")
    await page.get_by_label("姓名").fill("赵敏")
    await page.get_by_role("button", name="新增用户并生成首次密码").click()
    roles = page.locator(".field:has(.choices)")
    await expect(roles.locator(".wrong")).to_have_text("请至少选择一个岗位。")
    await expect(page.get_by_label("登录名")).to_have_value("zhao.min")
    await picture(page, "users-error")
    await page.get_by_label("话务员").check()
    await page.get_by_role("button", name="新增用户并生成首次密码").click()
    await expect(page.locator(".tell")).to_contain_text("只显示这一次")
    await expect(page.locator("h1")).to_have_text("赵敏")
    await picture(page, "user")

    async with db.session() as session:
        user = (await session.scalars(select(User).where(User.login == "zhao.min"))).one()
    await page.goto(f"{site.url}/users/{user.id}")
    await page.get_by_label("姓名").fill("赵敏敏")
    await page.get_by_label("班长").check()
    async with db.session() as session:
        await administration.edit_user(
            session, SYSTEM, user.id, 1, name="赵明", roles=frozenset({Role.AGENT, Role.DISPATCHER}), unit_id=None
        )
    await page.get_by_role("button", name="保存用户资料").click()
    await expect(page.locator("#problem")).to_contain_text("已被他人修改")
    await expect(page.get_by_label("姓名")).to_have_value("赵敏敏")
    await picture(page, "user-conflict")
    await page.get_by_role("button", name="载入最新内容").click()
    await expect(page.locator("#problem")).to_have_count(0)
    await expect(page.get_by_label("派单员")).to_be_checked()
    await expect(page.get_by_label("姓名")).to_have_value("赵敏敏")
    await expect(page.get_by_label("班长")).to_be_checked()
    await page.get_by_role("button", name="保存用户资料").click()
    await expect(page.locator(".note")).to_contain_text("已保存")
    async with db.session() as session:
        await session.refresh(user := await session.get_one(User, user.id))
    assert (user.name, set(user.roles)) == ("赵敏敏", {"agent", "dispatcher", "shift-lead"})
    await page.get_by_text("停用账号").first.click()
    await page.get_by_role("button", name="停用账号并退出全部登录").click()
    await expect(page.locator("details[open] .wrong")).to_have_text("请填写这一项。")
    await page.locator("details[open]").get_by_label("原因").fill("调离")
    await page.get_by_role("button", name="停用账号并退出全部登录").click()
    await expect(page.locator(".page-head")).to_contain_text("已停用")


async def test_the_line_is_edited_with_the_keyboard(db: Database, site: Any) -> None:
    page = await administrator(db, site, Role.SYSTEM_ADMIN)
    await page.locator("#rail").get_by_role("link", name="号码与队列").click()
    await expect(page.locator("h1")).to_have_text("号码与队列")
    await picture(page, "numbers")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="修改号码 12315")).to_be_visible()
    title = page.get_by_label("名称")
    await title.fill("市场监管热线")
    async with db.session() as session:
        await save_number(session, SYSTEM, "12315", NumberFields("别的名称", "hotline", "市场监管投诉举报热线"), 1)
    await title.press("Enter")
    await expect(page.locator("#problem")).to_contain_text("已被他人修改")
    await page.get_by_role("button", name="载入最新内容").click()
    await expect(page.locator("#problem")).to_have_count(0)
    await expect(title).to_have_value("市场监管热线")
    await title.press("Enter")
    await expect(page.locator(".note")).to_contain_text("12315 已保存")
    await expect(page.locator("tbody").first).to_contain_text("市场监管热线")
    for name, key in [("坐席", "seats"), ("值班手机", "duty"), ("单位", "units")]:
        await page.locator("#rail").get_by_role("link", name=name, exact=True).click()
        await expect(page.locator("#rail a[aria-current=page]")).to_contain_text(name)
        await picture(page, key)
    await page.locator("#rail").get_by_role("link", name="值班手机").click()
    await page.get_by_role("link", name="夜班值班长").click()
    await expect(page.get_by_role("heading", name="修改值班手机")).to_be_visible()
    await page.get_by_label("号码", exact=True).fill("12")
    await page.get_by_role("button", name="保存值班手机").click()
    await expect(page.locator(".field:has(#field-phone) .wrong")).to_contain_text("固定电话")
    await picture(page, "duty-error")


async def test_a_reason_opens_the_caller_and_the_auditor_reads_it(db: Database, site: Any) -> None:
    call_id = await fill(db)
    page = await site.enter("zhou.an")
    await page.goto(f"{site.url}/calls/{call_id}")
    await page.get_by_role("link", name="YY", exact=False).first.click()
    await page.get_by_text("查看完整信息").click()
    await page.get_by_label("查看原因").fill("回电核实地点")
    await picture(page, "order-reveal")
    await page.get_by_role("button", name="登记原因并查看").click()
    await expect(page.locator("#caller .number")).not_to_contain_text("*")
    await expect(page.get_by_text("已记入审计日志")).to_be_visible()
    await picture(page, "order-revealed")
    async with db.session() as session:
        await identity.create_user(
            session, SYSTEM, login="shenji", name="审计员", roles=frozenset({Role.AUDIT_ADMIN}), password=PASSWORD
        )
    auditor = await site.enrol("shenji")
    await expect(auditor.locator("h1")).to_have_text("审计日志")
    await auditor.get_by_label("类别").select_option("personal")
    await auditor.get_by_role("button", name="查询").click()
    await expect(auditor.locator("tbody")).to_contain_text("回电核实地点")
    await picture(auditor, "ledger")


async def test_a_failed_job_is_replayed_with_its_reason(db: Database, site: Any) -> None:
    async with db.session() as session:
        await defer(session, JOBS["crm.open-draft"], events=[{"call_id": "none"}])
    await run_pending(db)
    page = await administrator(db, site, Role.SYSTEM_ADMIN)
    await page.locator("#rail").get_by_role("link", name="失败任务").click()
    await page.locator("summary", has_text="重新执行").click()
    await page.get_by_role("button", name="重新执行").click()
    await expect(page.locator("details[open] .wrong").first).to_contain_text("请填写")
    await picture(page, "jobs")
    await page.get_by_label("已怎样排除原因").fill("通话记录已补齐")
    await page.get_by_role("button", name="重新执行").click()
    await expect(page.get_by_text("没有失败的任务")).to_be_visible()


async def test_units_are_found_beside_the_form(db: Database, site: Any) -> None:
    page = await administrator(db, site, Role.SYSTEM_ADMIN)
    await page.goto(f"{site.url}/units")
    await expect(page.locator("tbody tr").first).to_be_visible()
    await picture(page, "units-list")
    await page.keyboard.press("/")
    await page.keyboard.type("漆工")
    await page.keyboard.press("Enter")
    await expect(page.locator("tbody tr").first).to_contain_text("漆工")
    await page.locator("tbody a").first.click()
    await expect(page.get_by_label("单位名称")).to_have_value(re.compile("漆工"))
    await expect(page.locator("tr[aria-selected=true]")).to_contain_text("漆工")
    await expect(page.get_by_label("查找")).to_have_value("漆工")
    await page.get_by_text("导出为 Excel").click()
    await picture(page, "units-export")
    await page.get_by_label("查找").fill("没有这个")
    await page.keyboard.press("Enter")
    await expect(page.locator(".empty")).to_contain_text("没有符合条件的单位")
    await picture(page, "units-empty")


@pytest.mark.proves("F06-3", "A06-3")
async def test_a_light_turns_red_by_itself_and_leads_to_its_owner_and_runbook(db: Database, site: Any) -> None:
    page = await administrator(db, site, Role.SYSTEM_ADMIN)
    async with db.session() as session:
        await board.write(session, "worker@node1", [Health("录音归档", True, "运行正常")])
        await report_backup(session, clock.now(), "备份服务器 38 GB")
    await page.goto(f"{site.url}/system")
    await expect(page.locator("h1 + .tag")).to_have_text("全部正常")
    await picture(page, "system-green")
    async with db.session() as session:
        mend = "请检查录音存储的空间和连接；录音保留在暂存区，恢复后自动归档。"
        await board.write(session, "worker@node1", [Health("录音归档", False, "上一轮运行出错（OSError）", mend)])
    await expect(page.locator("h1 + .tag")).to_have_text("1 处异常")
    row = page.locator("#system tbody tr").first
    await expect(row).to_contain_text("录音归档")
    await expect(row).to_contain_text("热线中心系统管理员")
    await picture(page, "system-red")
    await row.get_by_role("link", name="录音").click()
    await expect(page.locator("h1")).to_have_text("处置手册：录音")
    await expect(page.get_by_text("热线中心系统管理员")).to_be_visible()
    await picture(page, "runbook")
    await page.get_by_role("link", name="系统状态").last.click()
    await expect(page.locator("h1")).to_have_text("系统状态")
