"""Finding a recording by what was said, and correcting a line of it, with the keyboard in a real Chromium."""

from typing import Any

import pytest
from browser_data import fill
from playwright.async_api import expect
from sqlalchemy import select
from test_browser_frame import picture

from core.db import Database, new_id
from crm.finding.index import index_due
from recordings.models import Recording, Side, Source, TranscriptRun, TranscriptSegment, Why

pytestmark = pytest.mark.browser
SAID = (
    (Side.OTHER, 1.0, "您好弋阳一二三四五热线请讲"),
    (Side.CITIZEN, 6.0, "你好我们桃花社区从昨天晚上开始就停水了"),
    (Side.OTHER, 14.0, "请问是整个小区都停水吗"),
    (Side.CITIZEN, 21.0, "对整个小区都没有水物业说不知道什么时候来水"),
)


async def spoken(db: Database) -> Recording:
    """The newest recording has words, and a newer model has heard one line of them again."""
    async with db.session() as session:
        row = (await session.scalars(select(Recording).order_by(Recording.started_at.desc()).limit(1))).one()
        assert row.call_id
        of = {"call_id": row.call_id, "recording_id": row.id, "engine": "vosk"}
        old = TranscriptRun(id=new_id(), model="small-cn-0.22", model_digest="a" * 64, why=Why.BATCH, **of)
        new = TranscriptRun(id=new_id(), model="cn-0.22", model_digest="b" * 64, why=Why.AGAIN, **of)
        session.add_all([old, new])
        await session.flush()
        for side, start, text in SAID:
            session.add(_line(row, side, start, text, new if start == 14.0 else old))
        session.add(_line(row, Side.OTHER, 14.0, "请问是整个小区都停税吗", old, replaced_by=new.id))
    await index_due(db)
    return row


def _line(row: Recording, side: Side, start: float, text: str, run: TranscriptRun, **more: Any) -> TranscriptSegment:
    return TranscriptSegment(
        call_id=row.call_id, recording_id=row.id, side=side, start_s=start, end_s=start + 5, text=text, words=[],
        source=Source.BATCH, run_id=run.id, **more,
    )  # fmt: skip


@pytest.mark.proves("F12.9-4")
async def test_what_was_said_is_found_and_its_place_opened(db: Database, site: Any) -> None:
    await fill(db)
    row = await spoken(db)
    page = await site.enter("lijianguo")
    await page.goto(f"{site.url}/recordings")
    await page.keyboard.press("/")
    await page.keyboard.type("小区 停水")
    await page.keyboard.press("Enter")
    hits = page.locator("tr.hits")
    await expect(hits.locator("mark")).to_have_text(["停水", "小区", "停水", "小区"])
    await expect(page.locator("table[data-keys] tbody tr")).to_have_count(2)
    await picture(page, "recordings-found")
    for key in ("ArrowDown", "j", "Enter"):
        await page.keyboard.press(key)
    await page.wait_for_url(f"**/recordings/{row.id}#t=6")
    await page.goto(f"{site.url}/recordings?search=没有人说过的话")
    await expect(page.locator(".empty")).to_contain_text("换一个说法")
    await picture(page, "recordings-not-found")


@pytest.mark.proves("F12.9-4")
async def test_a_line_is_corrected_and_taken_back(db: Database, site: Any) -> None:
    await fill(db)
    row = await spoken(db)
    page = await site.enter("lijianguo")
    await page.goto(f"{site.url}/recordings/{row.id}/words")
    line = page.locator("tbody tr").nth(3)
    await line.get_by_text("更正", exact=False).first.click()
    await line.get_by_label("更正后的文字").fill("对，整个小区都没有水，物业说不知道什么时候来水。")
    await picture(page, "transcript-correcting")
    await line.get_by_role("button", name="保存更正").click()
    await expect(page.locator(".note")).to_contain_text("已更正")
    await expect(line).to_contain_text("对，整个小区都没有水")
    await expect(line).to_contain_text("已更正")
    await line.get_by_text("历次文字").click()
    await expect(line).to_contain_text("机器原文")
    await expect(line).to_contain_text(SAID[3][2])
    await picture(page, "transcript-layers")
    await line.locator("summary", has_text="更正").last.click()
    await line.get_by_role("button", name="撤回最近一次更正").click()
    await expect(page.locator(".note")).to_contain_text("已撤回")
    await expect(line).not_to_contain_text("已更正")
    await page.get_by_role("link", name="与原来的文字对比").click()
    await expect(page.locator("table.compared")).to_be_visible()
    await picture(page, "transcript-compared")
    await page.goto(f"{site.url}/retranscriptions")
    await page.get_by_role("textbox", name="原因").fill("新模型上线")
    await page.get_by_label("范围").select_option("period")
    await picture(page, "retranscriptions")
