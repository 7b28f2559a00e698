"""A browser that is killed in the middle of a call: what was typed is there again when it is opened anew."""

import asyncio
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from browser_data import PASSWORD, fill
from conftest import CHROMIUM, FLAGS, SIZE
from playwright.async_api import Page, async_playwright, expect
from test_browser_frame import picture

from core.db import Database

pytestmark = pytest.mark.browser
MOST_LOST_S = 5.0
TYPED = 60
"""Marks that are typed, a handful a second."""


class Killable:
    """A Chromium of one's own, so that it can die without a word."""

    def __init__(self, profile: Path) -> None:
        self.profile = profile

    async def start(self, playwright: Any) -> Page:
        """Its first window."""
        options = ["--headless=new", "--remote-debugging-port=0", f"--user-data-dir={self.profile}"]
        self.process = await asyncio.create_subprocess_exec(
            CHROMIUM, *FLAGS, *options, "about:blank", stderr=asyncio.subprocess.PIPE
        )
        assert self.process.stderr
        while True:
            line = (await self.process.stderr.readline()).decode()
            assert line, "Chromium ended before it could be reached"
            if found := re.search(r"ws://\S+", line):
                break
        browser = await playwright.chromium.connect_over_cdp(found[0])
        page: Page = await browser.contexts[0].new_page()
        await page.set_viewport_size(SIZE)  # type: ignore[arg-type]
        return page

    async def kill(self) -> None:
        """As the power does."""
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


async def enter(page: Page, url: str) -> None:
    await page.goto(f"{url}/sign-in")
    await page.get_by_label("登录名").fill("wangli")
    await page.get_by_label("密码").fill(PASSWORD)
    await page.get_by_role("button", name="登录").click()
    await page.wait_for_selector("#rail")


@pytest.mark.proves("A12.1-1", "F12.1-2")
async def test_a_killed_browser_loses_at_most_five_seconds(db: Database, site: Any, tmp_path: Path) -> None:
    call_id = await fill(db)
    async with async_playwright() as playwright:
        first = Killable(tmp_path / "first")
        page = await first.start(playwright)
        await enter(page, site.url)
        await page.goto(f"{site.url}/calls/{call_id}")
        content = page.locator("#field-content")
        await content.fill("")
        written: list[float] = []
        for mark in range(TYPED):
            await content.press_sequentially(f"{mark:02d} ")
            written.append(time.monotonic())
            await asyncio.sleep(0.1)  # a person types; nothing is waited for
        await expect(page.locator("[data-saved]")).to_contain_text("已自动保存")
        killed_at = time.monotonic()
        await first.kill()
        # another window, with nothing of the first one's: another machine would do as well
        second = Killable(tmp_path / "second")
        page = await second.start(playwright)
        await enter(page, site.url)
        await page.locator("a.knock").click()
        await expect(page.locator("#restored")).to_contain_text("自动保存、尚未提交的内容")
        kept = await page.locator("#field-content").input_value()
        typed = "".join(f"{mark:02d} " for mark in range(TYPED))
        assert typed.startswith(kept), kept  # also when it was saved between the two digits of a mark
        lost = written[(len(kept.rstrip()) + 1) // len("00 ") :]
        assert not lost or killed_at - lost[0] <= MOST_LOST_S, (kept, killed_at - lost[0])
        assert await page.locator("#field-title").input_value() == "小区门口占道经营"
        await expect(page.locator(".field.proposed:has(#field-title)")).to_have_count(1)
        await picture(page, "call-restored")
        await page.get_by_role("button", name="放弃这些内容").click()
        await expect(page.locator("#restored")).to_have_count(0)
        await second.kill()
