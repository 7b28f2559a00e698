"""Every desk at 1366 × 768 and at 200 %: nothing is cut off at the side, the title is in sight, focus is visible."""

from typing import Any

import pytest
from browser_data import PASSWORD, fill
from playwright.async_api import Page, expect
from test_browser_frame import picture

from core.actor import SYSTEM
from core.db import Database
from core.identity import service as identity
from core.permissions import Role

pytestmark = pytest.mark.browser
SIZES = {"100": (1366, 768), "200": (683, 384)}
"""A window zoomed to 200 % has half as many CSS pixels."""
DESKS = {
    Role.SHIFT_LEAD: [
        *("live-calls", "calls", "callbacks", "orders", "sms", "recordings", "incidents", "account"),
        *("board", "roster", "handovers", "nuisance", "my-day", "team-day", "hotlines"),
    ],
    Role.SYSTEM_ADMIN: ["numbers", "seats", "duty", "units", "system", "system/runbooks/line"],
    Role.SECURITY_ADMIN: ["users"],
    Role.AUDIT_ADMIN: ["ledger"],
}
CUT = """() => {
  const wide = document.documentElement.clientWidth + 1;
  const scrolls = (one) => {
    for (let box = one.parentElement; box; box = box.parentElement)
      if (getComputedStyle(box).overflowX === "auto") return box.getBoundingClientRect().right <= wide;
    return false;
  };
  return [...document.querySelectorAll("#page *, #bar *, #rail *")]
    .filter((one) => one.getBoundingClientRect().width && one.getBoundingClientRect().right > wide && !scrolls(one))
    .map((one) => `${one.tagName}.${one.className} ${one.textContent.trim().slice(0, 20)}`).slice(0, 5);
}"""
"""What reaches beyond the right edge and cannot be scrolled to inside its own box."""


async def inspect(page: Page, name: str) -> None:
    """The present page at both sizes."""
    for zoom, (width, height) in SIZES.items():
        await page.set_viewport_size({"width": width, "height": height})
        assert await page.evaluate(CUT) == [], (name, zoom)
        await page.evaluate("scrollTo(0, 0)")
        await picture(page, f"{name}-{zoom}")
    await page.set_viewport_size({"width": 1366, "height": 768})


@pytest.mark.parametrize("role", list(DESKS))
async def test_nothing_is_cut_off(db: Database, site: Any, role: Role) -> None:
    call_id = await fill(db)
    if role is Role.SHIFT_LEAD:
        page = await site.enter("wangli")
        await page.goto(f"{site.url}/calls/{call_id}")
        await inspect(page, "call")
        page = await site.enter("zhou.an")
    else:
        async with db.session() as session:
            await identity.create_user(
                session, SYSTEM, login="guanli", name="管理员", roles=frozenset({role}), password=PASSWORD
            )
        page = await site.enrol("guanli")
    for desk in DESKS[role]:
        await page.goto(f"{site.url}/{desk}")
        await inspect(page, desk.replace("/", "-"))


async def test_the_title_is_in_sight_after_each_step(db: Database, site: Any) -> None:
    await fill(db)
    page = await site.enter("lijianguo")
    await page.set_viewport_size({"width": 1000, "height": 500})
    await page.locator("#rail").get_by_role("link", name="通话记录").click()
    await expect(page.locator("h1")).to_have_text("通话记录")
    await page.mouse.wheel(0, 400)
    await page.locator("#rail").get_by_role("link", name="录音", exact=True).click()
    await expect(page.locator("h1")).to_have_text("录音")
    bar = "document.querySelector('#bar').getBoundingClientRect().bottom"
    assert await page.evaluate(f"document.querySelector('h1').getBoundingClientRect().top >= {bar}")


async def test_focus_is_seen_wherever_the_tab_key_leads(db: Database, site: Any) -> None:
    call_id = await fill(db)
    page = await site.enter("wangli")
    await page.goto(f"{site.url}/calls/{call_id}")
    seen = """() => {
      const one = document.activeElement;
      const style = getComputedStyle(one);
      return [one.tagName, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0];
    }"""
    reached = set()
    for _ in range(90):
        await page.keyboard.press("Tab")
        tag, visible = await page.evaluate(seen)
        assert visible or tag == "BODY", tag
        reached.add(tag)
    assert {"A", "BUTTON", "SELECT", "INPUT", "TEXTAREA"} <= reached
