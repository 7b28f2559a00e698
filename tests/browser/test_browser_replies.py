"""The reply form in a browser: remarks come while one types, files go with the act, a refusal keeps what was typed."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from sqlalchemy import select
from test_browser_frame import picture
from test_browser_walk import STALLS, people, state, taken

from core import clock
from core.db import Database
from crm.tickets.models import Attachment
from crm.tickets.states import State

pytestmark = pytest.mark.browser
ANSWER = "经核实，方志敏大道傍晚确有流动摊贩占道，已全部劝离，并安排每日17时至20时定点值守。"


@pytest.mark.proves("F12.4-1", "F12.4-2")
async def test_an_answer_with_its_files(db: Database, site: Any, tmp_path: Path) -> None:
    units = await people(db)
    ticket = await taken(db, STALLS, timedelta(hours=30), units["cgj"])
    for name, content in (("现场照片.png", b"\x89PNG\r\n\x1a\n" + bytes(200)), ("伪装.pdf", b"MZ" + bytes(50))):
        (tmp_path / name).write_bytes(content)
    clerk = await site.enter("zhouban")
    await clerk.locator(".queue tbody tr", has_text=ticket.number).get_by_role("button", name="签收").click()
    await expect(clerk.locator(".note")).to_contain_text("“签收”已登记")
    await clerk.goto(f"{site.url}/orders/{ticket.id}")
    form = clerk.locator("#act-submit")
    await form.get_by_label("办理结果（答复内容）").fill("占道一事不属于我局职责，请联系其他部门处理。")
    await form.get_by_label("办结方式").select_option("handled")
    await expect(clerk.locator(".remarks")).to_contain_text("推诿用语")
    await clerk.locator(".remarks").scroll_into_view_if_needed()
    await picture(clerk, "reply-remarks")
    await form.get_by_label("办理结果（答复内容）").fill(ANSWER)
    await clerk.get_by_role("button", name="检查答复").click()
    await expect(clerk.locator(".remarks-box")).to_contain_text("没有发现需要提示的内容")
    await form.get_by_label("诉求是否解决").select_option("true")
    await form.get_by_label("答复方式").select_option("phone")
    await form.get_by_label("答复时间").fill(clock.local(clock.now()).strftime("%Y-%m-%dT%H:%M:%S"))
    await form.get_by_label("答复的经办人").fill("周洁")
    await form.get_by_label("佐证材料").set_input_files([tmp_path / "现场照片.png", tmp_path / "伪装.pdf"])
    await clerk.get_by_role("button", name="提交办结，送审核").click()
    await expect(form.locator(".field:has(input[type=file]) .wrong")).to_contain_text("伪装.pdf：附件须为 PDF")
    await expect(form.get_by_label("办理结果（答复内容）")).to_have_value(ANSWER)
    await picture(clerk, "reply-file-refused")
    await form.get_by_label("佐证材料").set_input_files([tmp_path / "现场照片.png"])
    await clerk.get_by_role("button", name="提交办结，送审核").click()
    await expect(clerk.locator(".note")).to_contain_text("“提交办结”已登记")
    assert await state(db, ticket) is State.CHECKING
    async with db.session() as session:
        assert (await session.scalars(select(Attachment.name))).all() == ["现场照片.png"]
    await clerk.locator("#order-files").scroll_into_view_if_needed()
    async with clerk.expect_download() as coming:
        await clerk.locator("#order-files").get_by_role("link", name="现场照片.png").click()
    assert (await coming.value).suggested_filename == "现场照片.png"
    await clerk.goto(f"{site.url}/orders/{ticket.id}/letter")
    await expect(clerk.locator(".letter")).to_contain_text(ANSWER)
    await picture(clerk, "letter")
