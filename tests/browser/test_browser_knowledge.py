"""The knowledge base in a real Chromium: found while one types, carried to publication, taken over into an answer."""

import re
from typing import Any

import pytest
from browser_data import PASSWORD, fill
from playwright.async_api import Page, expect
from sqlalchemy import select
from test_browser_access import judged
from test_browser_frame import picture

from core.actor import SYSTEM
from core.clock import now
from core.db import Database
from core.identity import service as identity
from core.identity.models import Unit
from core.live import hint
from core.permissions import Role
from crm.installed import installed
from crm.knowledge.models import KnowledgeUse
from crm.knowledge.seed import seed_knowledge
from crm.tickets.input import Correction
from crm.tickets.models import Ticket
from crm.tickets.service import correct
from recordings.models import Side, Source, TranscriptSegment

pytestmark = pytest.mark.browser


async def seeded(db: Database) -> None:
    async with db.session() as session:
        await seed_knowledge(session, installed().county)


async def makers(db: Database) -> None:
    async with db.session() as session:
        unit = await session.scalar(select(Unit.id).where(Unit.code == "cgj"))
        for login, role, of in (
            ("clerk", Role.UNIT_CLERK, unit),
            ("reviewer", Role.SECRECY_REVIEWER, unit),
            ("chief", Role.UNIT_LEADER, unit),
            ("keeper", Role.KNOWLEDGE_KEEPER, None),
        ):
            await identity.create_user(
                session, SYSTEM, login=login, name=login, roles=frozenset({role}), unit_id=of, password=PASSWORD
            )


async def open_item(page: Page, site: Any, words: str, standing: str) -> None:
    await page.goto(f"{site.url}/knowledge?standing={standing}")
    await page.get_by_role("link", name=words).click()
    await expect(page.locator("h1")).to_contain_text(words)


@pytest.mark.proves("A17-2")
async def test_results_follow_the_typing_and_the_keyboard_opens_them(db: Database, site: Any) -> None:
    await fill(db)
    await seeded(db)
    page = await site.enter("wangli")
    await page.locator("#rail").get_by_role("link", name="知识库").click()
    await expect(page.locator("#found tbody tr").first).to_be_visible()
    await picture(page, "knowledge-list")
    await page.keyboard.press("/")
    await page.keyboard.type("shebaoka diule", delay=20)
    await expect(page.locator("#found tbody tr").first).to_contain_text("社会保障卡挂失和补办")
    await expect(page.locator("#found mark").first).to_be_visible()
    await expect(page.locator("#field-search")).to_be_focused()
    await expect(page).to_have_url(re.compile("search=shebaoka"))
    await picture(page, "knowledge-found")
    await page.locator("#field-search").fill("qqqqqq")
    await expect(page.locator("#found")).to_contain_text("没有找到相关条目")
    await picture(page, "knowledge-none")
    await page.locator("#field-search").fill("路灯坏了")
    await expect(page.locator("#found tbody tr").first).to_contain_text("路灯不亮怎么报修")
    await page.locator("h1").click()
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("路灯不亮怎么报修")
    await expect(page.locator(".tell")).to_contain_text("演示条目")
    await picture(page, "knowledge-item")


@pytest.mark.proves("F18-1", "A18-1")
async def test_an_item_goes_from_its_writer_to_the_agents(db: Database, site: Any) -> None:
    await fill(db)
    await makers(db)
    clerk = await site.enter("clerk")
    await clerk.goto(f"{site.url}/knowledge/new")
    assert not await judged(clerk)
    await clerk.get_by_label("问题").fill("道路护栏损坏怎么报修")
    await clerk.get_by_role("button", name="保存草稿").click()
    await expect(clerk.locator(".note")).to_contain_text("已保存为草稿")
    await clerk.get_by_role("button", name="保存并送保密审查").click()
    await expect(clerk.locator("#problem")).to_contain_text("请选择分类")
    await expect(clerk.locator("#field-basis")).to_have_attribute("aria-invalid", "true")
    await picture(clerk, "knowledge-draft")
    assert not await judged(clerk)
    await clerk.get_by_label("答复").fill("说明道路名称和位置，由城市管理部门维修。")
    await clerk.get_by_label("依据").fill("《城市道路管理条例》")
    await clerk.get_by_label("分类（第十七条）").select_option("公共服务")
    await clerk.get_by_role("button", name="保存草稿").click()
    await expect(clerk.locator(".note")).to_contain_text("草稿已保存")
    await clerk.get_by_role("button", name="保存并送保密审查").click()
    await expect(clerk.locator("#knowledge-state")).to_have_text("待保密审查")
    for login, button, standing, after in (
        ("reviewer", "通过保密审查", "secrecy", "待单位审核"),
        ("chief", "审核同意", "leader", "待中心发布"),
        ("keeper", "发布", "centre", "已发布"),
    ):
        page = await site.enter(login)
        await open_item(page, site, "道路护栏损坏怎么报修", standing)
        await picture(page, f"knowledge-{login}")
        assert not await judged(page)
        await page.get_by_role("button", name=button).click()
        await expect(page.locator("#knowledge-state")).to_have_text(after)
    await expect(clerk.locator("#knowledge-state")).to_have_text("已发布")


@pytest.mark.proves("F13-4", "F18-2")
async def test_beside_a_call_the_words_suggest_and_the_answer_is_taken_over(db: Database, site: Any) -> None:
    call_id = await fill(db)
    await seeded(db)
    async with db.session() as session:
        ticket = await session.scalar(select(Ticket).where(Ticket.call_id == call_id))
        assert ticket is not None
        given = Correction.model_validate({"title": "咨询路灯报修", "content": "咨询路灯不亮怎么报修"})
        await correct(session, SYSTEM, ticket.id, ticket.version, given)
    page = await site.enter("wangli")
    await page.goto(f"{site.url}/calls/{call_id}")
    await expect(page.locator("#knowledge-hits")).to_contain_text("占道经营和流动摊贩怎么反映")

    async def say(words: str, at: float) -> None:
        async with db.session() as session:
            session.add(
                TranscriptSegment(
                    call_id=call_id, side=Side.CITIZEN, start_s=at, end_s=at + 2, text=words, words=[],
                    source=Source.LIVE,
                )
            )  # fmt: skip
            hint(session, "words", call_id)

    await say("另外我想问社保卡丢了怎么补办", 60.0)
    await expect(page.locator("#knowledge-hits")).to_contain_text("社会保障卡挂失和补办")
    await picture(page, "knowledge-call")
    await page.locator("#knowledge-search").fill("ludeng buliang")
    await expect(page.locator("#knowledge-hits")).to_contain_text("路灯不亮怎么报修")
    await say("还有公积金怎么提取", 70.0)
    await expect(page.locator("#words")).to_contain_text("公积金怎么提取")
    await expect(page.locator("#knowledge-hits")).to_contain_text("路灯不亮怎么报修")
    await expect(page.locator("#knowledge-hits")).not_to_contain_text("公积金")
    await page.locator("#knowledge-hits summary").first.click()
    await page.get_by_role("button", name="用此答复").first.click()
    form = page.locator("#act-answer")
    await expect(form.get_by_label("知识库条目编号")).to_have_value("ZS00062")
    await expect(form.get_by_label("知识库条目版本")).to_have_value("1")
    await picture(page, "knowledge-answer")
    assert not await judged(page)
    await form.get_by_role("button").last.click()
    await expect(page.locator(".note")).to_contain_text("即时办结")
    async with db.session() as session:
        [use] = await session.scalars(select(KnowledgeUse))
        assert (use.call_id, use.n) == (call_id, 1) and use.at <= now()
    await page.goto(f"{site.url}/knowledge/{use.item_id}/uses")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await picture(page, "knowledge-uses")
