"""A desk in a real Chromium: when its pop-up was painted, what its page weighs, and how soon it shows something."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--ignore-certificate-errors", "--disable-background-networking", "--no-first-run"]
SIZE = {"width": 1366, "height": 768}
WATCH = """() => {
  window.pops = [];
  let last = "";
  const look = () => {
    const knock = document.querySelector("#agent .knock:not(#unfinished-calls)");
    const href = knock ? knock.getAttribute("href") : "";
    if (href === last) return;
    last = href;
    if (!href) return;
    requestAnimationFrame(() => {
      const after = new MessageChannel();
      const painted = () => performance.timeOrigin + performance.now();
      after.port1.onmessage = () => window.pops.push([href.split("/").pop(), painted()]);
      after.port2.postMessage(0);
    });
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""
"""A message posted in an animation frame is handled after that frame was painted."""
PAINTED = "() => performance.getEntriesByType('paint').find((one) => one.name === 'first-contentful-paint')?.startTime"

TELEPHONE = "() => performance.getEntriesByType('resource').some((one) => one.name.includes('softphone'))"
"""Whether the last that the page loads, the telephone's module, is there."""


@dataclass(frozen=True)
class Weight:
    """Bytes over the wire, compressed, of the first visit to a page: all of it, and by kind."""

    bytes: int
    parts: dict[str, int]


@contextlib.asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium from Debian."""
    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        try:
            yield made
        finally:
            await made.close()


def cookie(url: str, token: str) -> Any:
    """The cookie of who is signed in."""
    return {"name": "__Host-hotline", "value": token, "url": url, "secure": True, "httpOnly": True}


async def visit(made: Browser, url: str, token: str) -> tuple[Page, Any]:
    """A window of its own, signed in, with nothing in its cache."""
    context: Any = await made.new_context(viewport=SIZE, ignore_https_errors=True, locale="zh-CN")  # type: ignore[arg-type]
    await context.add_cookies([cookie(url, token)])
    return await context.new_page(), context


async def weigh(made: Browser, url: str, path: str, token: str) -> tuple[Weight, float]:
    """What the page and everything that it loads weigh, and milliseconds to the first contentful paint."""
    page, context = await visit(made, url, token)
    wire = await context.new_cdp_session(page)
    kinds: dict[str, str] = {}
    sizes: dict[str, int] = {}
    wire.on("Network.responseReceived", lambda one: kinds.__setitem__(one["requestId"], one["type"]))
    wire.on("Network.loadingFinished", lambda one: sizes.__setitem__(one["requestId"], int(one["encodedDataLength"])))
    await wire.send("Network.enable")
    await page.goto(url + path, wait_until="load")
    await page.wait_for_function(TELEPHONE)
    await page.wait_for_function(f"({PAINTED})() !== undefined")
    painted = float(await page.evaluate(PAINTED))
    parts: dict[str, int] = {}
    for id, size in sizes.items():
        kind = kinds.get(id, "Other")
        parts[kind] = parts.get(kind, 0) + size
    await context.close()
    return Weight(sum(sizes.values()), parts), painted
