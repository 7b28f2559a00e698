"""The rule console and the calendar in a real Chromium: one person proposes, another confirms."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from browser_data import PASSWORD
from playwright.async_api import Page, expect
from test_browser_frame import picture

from core.actor import SYSTEM
from core.clock import local, now
from core.db import Database
from core.identity import service as identity
from core.permissions import Role
from core.rules.book import Rulebook
from core.rules.keeper import RulesKeeper
from crm import installed

pytestmark = pytest.mark.browser
TEXT = (Path(__file__).parents[2] / "counties" / "yiyang" / "policy.toml").read_text(encoding="utf-8")
NOTICE = """国务院办公厅关于2027年部分节假日安排的通知
一、元旦：1月1日（周五）至3日（周日）放假，共3天。
二、春节：2月5日（周五）至12日（周五）放假调休，共8天。2月14日（周日）、2月20日（周六）上班。
三、清明节：4月3日（周六）至5日（周一）放假，共3天。
四、劳动节：5月1日（周六）至5日（周三）放假调休，共5天。4月25日（周日）、5月8日（周六）上班。
五、端午节：6月9日（周三）放假1天，不调休。
六、中秋节：9月15日（周三）放假1天，不调休。
七、国庆节：10月1日（周五）至7日（周四）放假调休，共7天。9月26日（周日）、10月9日（周六）上班。
"""


@pytest.fixture
async def keeper(db: Database, site: Any) -> RulesKeeper:
    def apply(book: Rulebook) -> None:
        installed.use(replace(installed.installed(), rules=book))

    made = RulesKeeper(db, TEXT, apply, must_load=True)
    await made.look()
    return made


async def person(db: Database, site: Any, login: str, name: str, role: Role) -> Page:
    async with db.session() as session:
        await identity.create_user(session, SYSTEM, login=login, name=name, roles=frozenset({role}), password=PASSWORD)
    page: Page = await site.enrol(login)
    return page


@pytest.mark.proves("F06-1", "A06-1", "A31-1")
async def test_a_rule_is_changed_by_two_persons(db: Database, site: Any, keeper: RulesKeeper) -> None:
    page = await person(db, site, "xuzhen", "徐珍", Role.SUPERVISOR)
    await page.goto(f"{site.url}/policy")
    await expect(page.locator("h1")).to_have_text("运行规则")
    await picture(page, "policy")
    await page.locator(".panel", has_text="签收与办结时限").get_by_role("link", name="提出变更").click()
    await expect(page.locator("h1")).to_have_text("变更：签收与办结时限")
    complaint = page.get_by_label("投诉类（工作日）")
    await complaint.fill("0")
    await page.get_by_role("button", name="预览变更的影响").click()
    await expect(page.locator(".field", has=complaint).locator(".wrong")).to_have_text("不能小于 1。")
    await picture(page, "policy-section-error")
    await complaint.fill("8")
    await page.get_by_role("button", name="预览变更的影响").click()
    await expect(page.locator("h1")).to_have_text("规则变更预览")
    await expect(page.locator("main")).to_contain_text("核对 18 个样例，3 个变化")
    await picture(page, "policy-preview")
    await page.get_by_role("button", name="提出变更，交另一人确认").click()
    await expect(page.locator(".wrong", has_text="请填写文号或文件名称")).to_be_visible()
    await page.get_by_label("文号或文件名称").fill("弋政数字〔2026〕3号")
    await page.get_by_label("生效时间").fill((local(now()) + timedelta(days=3)).strftime("%Y-%m-%dT00:00"))
    await page.get_by_role("button", name="提出变更，交另一人确认").click()
    await expect(page.locator("h1")).to_have_text("待确认的规则变更")
    await expect(page.get_by_role("button", name="确认变更，到时生效")).to_have_count(0)
    at = page.url
    other = await person(db, site, "hechun", "何春", Role.BUREAU_LEADER)
    await other.goto(at)
    await picture(other, "policy-confirm")
    await other.get_by_role("button", name="确认变更，到时生效").click()
    await expect(other.locator(".note")).to_contain_text("已确认")
    await expect(other.locator("aside .tag")).to_have_text("待生效")


@pytest.mark.proves("D1", "D4")
async def test_next_years_notice_is_imported(db: Database, site: Any, keeper: RulesKeeper) -> None:
    page = await person(db, site, "xuzhen", "徐珍", Role.SUPERVISOR)
    await page.goto(f"{site.url}/calendar?year=2026")
    await picture(page, "calendar")
    await page.goto(f"{site.url}/calendar?year=2027")
    await expect(page.locator("main")).to_contain_text("尚未导入")
    await page.get_by_label("通知正文").fill(NOTICE.replace("2月14日（周日）", "2月14日（周一）"))
    await page.get_by_role("button", name="识别并核对日期").click()
    await expect(page.locator(".wrong", has_text="不是星期一")).to_be_visible()
    await page.get_by_label("通知正文").fill(NOTICE)
    await page.get_by_role("button", name="识别并核对日期").click()
    await expect(page.locator("h1")).to_have_text("日历变更预览")
    await picture(page, "calendar-preview")
    await page.get_by_role("button", name="提出变更，交另一人确认").click()
    await expect(page.locator("h1")).to_have_text("待确认的日历变更")
    at = page.url
    other = await person(db, site, "hechun", "何春", Role.BUREAU_LEADER)
    await other.goto(at)
    await other.get_by_role("button", name="确认日历，立即生效").click()
    await expect(other.locator(".note")).to_contain_text("只会延后")
    await other.goto(f"{site.url}/calendar?year=2027")
    await expect(other.locator("main")).not_to_contain_text("尚未导入")
    await picture(other, "calendar-2027")
