"""The frame in a real Chromium: sign-in, navigation without reload, live parts, keyboard rows, errors in place."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from browser_data import fill
from playwright.async_api import expect

from callflow.incidents.models import Incident
from callflow.models import Call
from core import clock
from core.db import Database
from core.live import hint
from web.live import Hub

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("HOTLINE_PICTURES")
"""A folder: then every page is also photographed at 1366 × 768."""


async def picture(page: Any, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", caret="initial")


async def test_pages_open_without_reload_and_live_parts_grow(db: Database, site: Any) -> None:
    call_id = await fill(db)
    page = await site.enter("lijianguo")
    await expect(page.locator("h1")).to_have_text("实时话务")
    await page.evaluate("window.sameShell = true")
    await picture(page, "live-calls")
    for name, title in [
        ("通话记录", "calls"),
        ("回拨任务", "callbacks"),
        ("录音", "recordings"),
        ("值守事件", "incidents"),
        ("系统状态", "system"),
    ]:
        await page.locator("#rail").get_by_role("link", name=name, exact=name == "录音").click()
        await expect(page.locator("h1")).to_have_text(name)
        await expect(page.locator("#rail a[aria-current=page]")).to_contain_text(name)
        await picture(page, title)
    assert await page.evaluate("window.sameShell === true")
    await page.reload()
    await expect(page.locator("#rail a[aria-current=page]")).to_be_in_viewport(ratio=1)
    await page.locator("#rail").get_by_role("link", name="实时话务").click()
    await expect(page.get_by_text("138****0000")).to_have_count(0)
    async with db.session() as session:
        at = clock.now() - timedelta(seconds=1)
        session.add(
            Call(node="node1", linkedid="9.9", caller="+8613800000000", dialled="12345", arrived_at=at, queued_at=at)
        )
        hint(session, "calls")
    await expect(page.get_by_text("138****0000")).to_be_visible()
    await page.goto(f"{site.url}/calls/{call_id}")
    await expect(page.locator(".talk")).to_contain_text("占道经营")
    await picture(page, "call")


async def test_scripts_and_styles_come_compressed(db: Database, site: Any) -> None:
    await fill(db)
    page, coded = await site.open(), dict[str, str]()

    def note(response: Any) -> None:
        if "/static/" in response.url:
            coded[urlsplit(response.url).path] = response.headers.get("content-encoding", "")

    page.on("response", note)
    await page.goto(f"{site.url}/sign-in")
    await page.wait_for_load_state("load")
    assert set(coded.values()) == {"gzip"}, coded


async def test_what_a_person_has_opened_stays_open_when_its_region_is_fetched(db: Database, site: Any) -> None:
    call_id = await fill(db)
    page = await site.enter("wangli")
    await page.goto(f"{site.url}/calls/{call_id}")
    await page.get_by_text("求助班长").click()
    await page.get_by_label("需要什么帮助").fill("市民情绪激动")
    await page.evaluate("document.querySelector('#call-help').dataset.stale = 'yes'")
    async with db.session() as session:
        hint(session, "help", call_id)
    await expect(page.locator("#call-help[data-stale]")).to_have_count(0)
    await expect(page.get_by_label("需要什么帮助")).to_be_visible()


async def test_of_rows_that_say_the_same_only_the_one_that_was_opened_is_open(db: Database, site: Any) -> None:
    await fill(db)
    at = clock.now() - timedelta(hours=2)
    async with db.session() as session:
        for hours in (1, 2):
            moment = at - timedelta(hours=hours)
            session.add(Incident(opened_at=moment, last_minute_at=moment, closed_at=moment, minutes=1))
    page = await site.enter("lijianguo")
    await page.goto(f"{site.url}/incidents")
    rows = page.locator("#incidents details")
    assert await rows.count() >= 2
    await rows.nth(1).locator("summary").click()
    await rows.nth(1).get_by_role("textbox").fill("话务员临时离岗")
    await page.evaluate("document.querySelector('#incidents').dataset.stale = 'yes'")
    async with db.session() as session:
        hint(session, "incidents")
    await expect(page.locator("#incidents[data-stale]")).to_have_count(0)
    assert await rows.evaluate_all("all => all.map((one) => one.open)") == [n == 1 for n in range(await rows.count())]
    await expect(rows.nth(1).get_by_role("textbox")).to_have_value("话务员临时离岗")


async def test_what_happens_before_the_page_listens_is_seen(
    db: Database, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a page's rendering and the opening of its stream somebody calls; the hint of it reaches nobody."""
    call_id = await fill(db)
    page = await site.enter("wangli")
    entered = Hub.open

    def late(hub: Hub, *given: Any) -> Any:
        monkeypatch.setattr(Hub, "open", entered)
        with psycopg.connect(db.dsn) as connection:
            connection.execute("UPDATE calls SET original_hotline = '12369 环保' WHERE id = %s", [call_id])
        hub.tell("call", str(call_id))
        return entered(hub, *given)

    await page.goto("about:blank")
    monkeypatch.setattr(Hub, "open", late)
    await page.goto(f"{site.url}/calls/{call_id}")
    await expect(page.locator("main")).to_contain_text("12369 环保")


async def test_what_the_server_could_not_answer_is_asked_for_again(db: Database, site: Any) -> None:
    call_id = await fill(db)
    page = await site.enter("wangli")
    await page.goto(f"{site.url}/calls/{call_id}")
    refused: list[str] = []

    async def away(route: Any) -> None:
        if refused or "x-live" not in route.request.headers:
            await route.continue_()
            return
        refused.append(route.request.url)
        await route.fulfill(status=503, body="")

    await page.route(f"**/calls/{call_id}", away)
    await page.evaluate("document.querySelector('#call-help').dataset.stale = 'yes'")
    async with db.session() as session:
        hint(session, "help", call_id)
    await expect(page.locator("#call-help[data-stale]")).to_have_count(0)
    assert refused


async def test_rows_move_under_the_keyboard(db: Database, site: Any) -> None:
    await fill(db)
    page = await site.enter("lijianguo")
    await page.goto(f"{site.url}/calls")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    await expect(page.locator("tr[aria-selected=true]")).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="通话文字")).to_be_visible()
    await page.goto(f"{site.url}/sms")
    await page.keyboard.press("/")
    await expect(page.get_by_label("工单编号")).to_be_focused()


async def test_an_error_stands_beside_its_field_and_what_was_typed_stays(db: Database, site: Any) -> None:
    await fill(db)
    page = await site.open()
    await page.goto(f"{site.url}/sign-in")
    await picture(page, "sign-in")
    await page.get_by_label("登录名").fill("wangli")
    await page.get_by_role("button", name="登录").click()
    await expect(page.locator(".field:has(#field-password) .wrong")).to_have_text("请填写这一项。")
    await expect(page.get_by_label("登录名")).to_have_value("wangli")
    await picture(page, "sign-in-error")


async def test_a_recording_asks_for_a_reason(db: Database, site: Any) -> None:
    await fill(db)
    page = await site.enter("lijianguo")
    await page.goto(f"{site.url}/recordings")
    await page.locator("tbody a").first.click()
    await page.get_by_role("button", name="登记理由并调听").click()
    await expect(page.locator("#problem")).to_contain_text("请填写")
    await picture(page, "recording-reason")
    await page.get_by_label("调听用途").select_option("核实诉求内容")
    await page.get_by_label("调听理由").fill("核实诉求内容")
    await page.get_by_role("button", name="登记理由并调听").click()
    await expect(page.locator("audio")).to_be_visible()
    await picture(page, "recording")


async def test_an_agent_changes_state_from_any_page(db: Database, site: Any) -> None:
    await fill(db)
    page = await site.enter("liujing")
    await page.get_by_role("button", name="示闲").click()
    await expect(page.locator("#agent .state")).to_contain_text("示闲")
    await page.get_by_label("示忙原因").select_option("training")
    await page.get_by_role("button", name="示忙").click()
    await expect(page.locator("#agent .state")).to_contain_text("培训")


async def test_a_link_clicked_as_soon_as_it_is_there_leads_on_without_reload(db: Database, site: Any) -> None:
    """A reload would end the call that the page's telephone has in hand."""
    await fill(db)
    page = await site.enter("lijianguo")
    await page.evaluate("""() => {
        window.sameShell = true;
        const { port1, port2 } = new MessageChannel();
        new MutationObserver((_, watch) => {
            if (document.querySelector("h1").textContent.trim() !== "回拨任务") return;
            watch.disconnect();
            port1.onmessage = () => document.querySelector("#page td a").click();
            port2.postMessage("next");
        }).observe(document.body, { childList: true, subtree: true });
    }""")
    await page.locator("#rail").get_by_role("link", name="回拨任务").click()
    await page.wait_for_url("**/calls/*")
    await expect(page.locator("#call-number")).to_be_visible()
    assert await page.evaluate("window.sameShell === true")


@pytest.mark.parametrize("slower", ["/callbacks", "/incidents"])
async def test_a_page_shows_the_answer_to_what_was_asked_last(db: Database, site: Any, slower: str) -> None:
    """Two clicks in a row: whichever answer is slower, the page is the second one's."""
    await fill(db)
    page = await site.enter("lijianguo")
    both = ("/callbacks", "/incidents")
    asked, let_go = {path: asyncio.Event() for path in both}, {path: asyncio.Event() for path in both}

    async def held(route: Any) -> None:
        path = urlsplit(route.request.url).path
        answer = await route.fetch()
        asked[path].set()
        await let_go[path].wait()
        await route.fulfill(response=answer)

    for path, name in zip(both, ("回拨任务", "值守事件"), strict=True):
        await page.route(f"**{path}", held)
        await page.locator("#rail").get_by_role("link", name=name, exact=name == "录音").click()
        await asked[path].wait()
    for path in sorted(both, key=lambda path: path == slower):
        async with page.expect_request_finished(lambda request, path=path: request.url.endswith(path)):
            let_go[path].set()
    await expect(page.locator("#rail a[aria-current=page]")).to_contain_text("值守事件")
    await expect(page.locator("h1")).to_have_text("值守事件")
    assert page.url.endswith("/incidents")
