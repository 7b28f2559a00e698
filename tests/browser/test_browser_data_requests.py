"""个人信息申请 in a real Chromium: registered from a call, decided by another, the copy taken, the letter printed."""

import zipfile
from typing import Any

import pytest
from browser_data import PASSWORD, fill
from playwright.async_api import Page, expect
from sqlalchemy import select
from test_browser_access import judged
from test_browser_frame import picture

from callflow.models import Call
from core.actor import SYSTEM
from core.clock import now
from core.db import Database
from core.identity import service as identity
from core.jobs import run_pending
from core.permissions import Role
from core.phone import show
from crm.datarequests.jobs import Shelf
from crm.datarequests.models import DataRequest
from crm.tickets.models import Ticket

pytestmark = pytest.mark.browser


async def press(page: Page, button: str, note: str) -> None:
    await page.get_by_role("button", name=button, exact=True).click()
    await expect(page.locator(".note")).to_contain_text(note)


@pytest.mark.proves("F22-5")
async def test_the_walk_from_a_call_to_the_letter(db: Database, site: Any) -> None:
    call = await fill(db)
    async with db.session() as session:
        await identity.create_user(
            session, SYSTEM, login="dangan", name="陈档", roles=frozenset({Role.ARCHIVIST}), password=PASSWORD
        )
        order = await session.scalar(select(Ticket).where(Ticket.call_id == call))
        assert order is not None
        number, code = order.number, order.query_code
    agent = await site.enter("wangli")
    await agent.goto(f"{site.url}/data-requests")
    await expect(agent.locator("#data-requests")).to_contain_text("还没有个人信息申请")
    await picture(agent, "data-requests-empty")
    await agent.goto(f"{site.url}/calls/{call}")
    await picture(agent, "data-request-call")
    await agent.get_by_role("link", name="登记个人信息申请").click()
    await expect(agent.locator("#data-request-new")).to_contain_text("本次来电号码")
    await agent.get_by_label("申请事项").select_option("copy")
    await agent.get_by_label("申请人姓名").fill("张伟")
    await agent.get_by_label("申请内容").fill("想要一份你们保存的我的全部信息")
    await picture(agent, "data-request-new")
    assert not await judged(agent)
    await press(agent, "登记并核验身份", "请核验申请人身份")
    await agent.get_by_label("工单编号").fill(number)
    await agent.get_by_label("查询码").fill("1")
    await agent.get_by_role("button", name="身份核验通过", exact=True).click()
    await expect(agent.locator("main")).to_contain_text("工单编号与查询码不符")
    await agent.get_by_label("查询码").fill(code)
    await picture(agent, "data-request-registered")
    assert not await judged(agent)
    await press(agent, "身份核验通过", "等待登记人以外的人员")

    archivist = await site.enrol("dangan")
    await archivist.locator("#rail").get_by_role("link", name="个人信息申请").click()
    await expect(archivist.locator("#data-requests")).to_contain_text("待决定")
    await picture(archivist, "data-requests")
    assert not await judged(archivist)
    await archivist.locator("#data-requests tbody").get_by_role("link").click()
    await archivist.get_by_label("决定", exact=True).select_option("grant")
    await picture(archivist, "data-request-decide")
    await press(archivist, "作出决定", "决定已登记：同意")
    await press(archivist, "生成复制件", "已执行")
    await expect(archivist.locator("#package")).to_contain_text("正在生成")
    await run_pending(db, services={Shelf: Shelf(site.store)})
    await expect(archivist.locator("#package")).to_contain_text("已下载 0 次")
    await picture(archivist, "data-request-package")
    async with archivist.expect_download() as waits:
        await archivist.get_by_role("button", name="下载复制件").click()
    path = await (await waits.value).path()
    with zipfile.ZipFile(path) as archive:
        [name] = archive.namelist()
        page = archive.read(name).decode()
    assert "烧烤摊" in page and number in page
    copy = await site.open()
    await copy.set_content(page)
    await picture(copy, "data-request-copy")
    await archivist.reload()
    await expect(archivist.locator("#package")).to_contain_text("已下载 1 次")
    await archivist.get_by_label("书面决定书").check()
    await picture(archivist, "data-request-answer")
    await press(archivist, "登记答复", "答复已登记")
    assert not await judged(archivist)
    await picture(archivist, "data-request-answered")
    await archivist.get_by_role("link", name="决定书", exact=True).click()
    await expect(archivist.locator(".letter")).to_contain_text("个人信息申请决定书")
    await picture(archivist, "data-request-letter")
    assert not await judged(archivist)
    await archivist.emulate_media(media="print")
    await expect(archivist.locator("#rail")).to_be_hidden()
    await picture(archivist, "data-request-print")


async def registered(page: Page, site: Any, kind: str, **more: str) -> None:
    """Registered for a visitor who showed a card."""
    await page.goto(f"{site.url}/data-requests/new")
    await page.get_by_label("申请事项").select_option(kind)
    await page.get_by_label("申请方式").select_option("visit")
    for label, text in ({"申请人姓名": "张伟", "申请内容": "请依法办理我的申请"} | more).items():
        await page.get_by_label(label).fill(text)
    await press(page, "登记并核验身份", "请核验申请人身份")
    await page.get_by_label("核对了什么").fill("居民身份证，姓名与登记一致")
    await press(page, "身份核验通过", "等待登记人以外的人员")


async def test_what_is_protected_is_not_deleted_what_is_wrong_is_put_right_and_a_restriction_shows(
    db: Database, site: Any
) -> None:
    call = await fill(db)
    async with db.session() as session:
        await identity.create_user(
            session, SYSTEM, login="zhuren", name="吴主任", roles=frozenset({Role.DIRECTOR}), password=PASSWORD
        )
        row = await session.get(Call, call)
        assert row is not None and row.caller
        number = show(row.caller)
    agent, director = await site.enter("wangli"), await site.enrol("zhuren")
    await registered(agent, site, "delete", 申请所涉电话=number)
    await director.goto(agent.url)
    await expect(director.locator("#acts")).to_contain_text("1件工单尚未办结")
    await picture(director, "data-request-protected")
    assert not await judged(director)
    await press(director, "作出决定", "决定已登记：不予同意")
    await registered(agent, site, "correct", 申请所涉电话=number, 正确的姓名="张玮", 正确的住址="解放路2号")
    await director.goto(agent.url)
    await director.get_by_label("决定", exact=True).select_option("part")
    await director.get_by_label("住址", exact=True).uncheck()
    await director.get_by_label("理由").fill("住址没有证明材料")
    await picture(director, "data-request-correct")
    await press(director, "作出决定", "部分同意")
    await press(director, "更正档案和未派发的工单", "已执行")
    await expect(director.locator("#corrections")).to_contain_text("已更正")
    await picture(director, "data-request-corrected")
    assert not await judged(director)
    await registered(agent, site, "restrict", 申请所涉电话=number)
    await director.goto(agent.url)
    await director.get_by_label("决定", exact=True).select_option("grant")
    await press(director, "作出决定", "同意")
    await press(director, "限制处理该号码的信息", "已执行")
    await agent.goto(f"{site.url}/calls/{call}")
    await expect(agent.locator("main")).to_contain_text("正在限制处理")
    await picture(agent, "data-request-restricted-call")
    assert not await judged(agent)
    async with db.session() as session:
        for one in await session.scalars(select(DataRequest).where(DataRequest.kind != "correct")):
            one.warn_at = one.due_at = now()
    await director.goto(f"{site.url}/desk")
    await expect(director.locator("#data-requests-due")).to_contain_text("2 件将到期或已逾期")
    await picture(director, "data-requests-due")
    assert not await judged(director)
    await director.goto(f"{site.url}/data-requests?due=late")
    await picture(director, "data-requests-late")
