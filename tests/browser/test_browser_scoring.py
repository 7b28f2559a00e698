"""Scoring in a real Chromium: a week is drawn, a call is scored beside its words, its agent objects, a lead decides."""

from datetime import datetime, time, timedelta
from typing import Any

import pytest
from browser_data import fill
from playwright.async_api import expect
from sqlalchemy import select
from test_browser_frame import picture

from callflow.models import Call
from core.clock import SHANGHAI
from core.db import Database
from crm.scoring import service
from recordings.models import Side, Source, TranscriptSegment

pytestmark = pytest.mark.browser
SAID = [
    "您好，弋阳12345热线，请讲。",
    "我们小区已经停水两天了，打供水公司电话没有人接。",
    "请问是哪个小区，什么时候开始停的？",
]


async def last_week(db: Database) -> None:
    """The calls that 张强 took lie in the week that is over, with words."""
    begins = datetime.combine(service.to_draw().first, time(10), SHANGHAI)
    async with db.session() as session:
        for n, call in enumerate(await session.scalars(select(Call).where(Call.linkedid.startswith("2.")))):
            if call.connected_at is None:
                continue
            call.arrived_at = call.connected_at = begins + timedelta(minutes=20 * n)
            call.ended_at = call.connected_at + timedelta(minutes=3)
            for at, text in enumerate(SAID):
                segment = {"text": text, "words": [], "source": Source.BATCH}
                segment |= {"start_s": at * 4.0, "end_s": at * 4.0 + 3}
                side = Side.CITIZEN if at == 1 else Side.OTHER
                session.add(TranscriptSegment(call_id=call.id, side=side, **segment))


@pytest.mark.proves("F07-4")
async def test_a_call_is_drawn_scored_objected_to_and_decided(db: Database, site: Any) -> None:
    await fill(db)
    await last_week(db)
    scorer, agent, lead = await site.enter("zhou.an"), await site.enter("zhangqiang"), await site.enter("lijianguo")
    await scorer.locator("#rail").get_by_role("link", name="话务质检").click()
    await scorer.get_by_role("button", name="抽取该周期样本").click()
    await expect(scorer.locator(".note")).to_contain_text("已抽取 3 通")
    await expect(scorer.locator("#scoring")).to_contain_text("与种子重抽一致")
    await picture(scorer, "scoring")
    await scorer.locator("#scoring tbody tr").first.get_by_role("link").click()
    await scorer.get_by_role("button", name="调听 1 段录音").click()
    await expect(scorer.locator("audio")).to_be_visible()
    await expect(scorer.locator(".words")).to_contain_text("已经停水两天")
    for name, points in (("开头语和结束语", 10), ("服务态度", 18), ("倾听和询问", 12)):
        await scorer.get_by_label(name).fill(str(points))
    for name, points in (("解答和政策依据", 16), ("工单填写", 15), ("系统操作和时限", 8)):
        await scorer.get_by_label(name).fill(str(points))
    await scorer.get_by_label("评语").fill("没有复述确认地点")
    await picture(scorer, "scoring-call")
    await scorer.get_by_role("button", name="提交评分").click()
    await expect(scorer.locator("#total")).to_have_text("79 分")
    await expect(agent.locator("#rail")).to_contain_text("我的质检1")
    await agent.locator("#rail").get_by_role("link", name="我的质检").click()
    await picture(agent, "my-scores")
    await agent.locator("#scores tbody").get_by_role("link").click()
    await expect(agent.locator("#score")).to_contain_text("没有复述确认地点")
    await agent.get_by_label("异议和理由").fill("第三句已经问过是哪个小区。")
    await picture(agent, "scoring-objection")
    await agent.get_by_role("button", name="提交异议").click()
    await expect(agent.locator(".note")).to_contain_text("异议已提交")
    await lead.goto(agent.url)
    await lead.locator("summary", has_text="改分").click()
    await lead.get_by_label("倾听和询问").fill("16")
    await lead.get_by_label("改分理由").fill("确已询问，只缺复述")
    await picture(lead, "scoring-decision")
    await lead.get_by_role("button", name="按此裁定").click()
    await expect(lead.locator("#total")).to_have_text("83 分")
    await expect(agent.locator("#rail")).to_contain_text("我的质检1")
