"""A working day at one desk, as fast as the page takes it: the hints of eight hours, the desk's own calls taken one
after the other, and what the page and its process hold after each hour's worth."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from playwright.async_api import Browser, Page
from sqlalchemy import update

from callflow.models import Call
from core.clock import now
from core.db import Database, new_id
from core.live import DESK, hint
from tests.bench.desk_paint import visit

HOURS, DESKS, CALLS_AN_HOUR = 8, 50, 1800
"""0.5 calls a second, of which each of 50 desks takes its part."""
CHANGES = 5
"""A call's changes that desks hear of."""
KNOCK = "#agent .knock:not(#unfinished-calls)"


@dataclass(frozen=True)
class Held:
    """What a desk holds once garbage is collected: bytes of the heap, DOM nodes, listeners, the process's bytes."""

    heap: int
    nodes: int
    listeners: int
    process: int


async def hold(chromium: Browser, page: Page) -> Held:
    """Collect, give back what a system short of memory would ask back, and count."""
    wire = await page.context.new_cdp_session(page)
    await wire.send("Memory.simulatePressureNotification", {"level": "critical"})
    for _ in range(3):
        await wire.send("HeapProfiler.collectGarbage")
    heap = await wire.send("Runtime.getHeapUsage")
    counted = await wire.send("Memory.getDOMCounters")
    await wire.detach()
    root = await chromium.new_browser_cdp_session()
    processes = (await root.send("SystemInfo.getProcessInfo"))["processInfo"]
    await root.detach()
    pages = [one["id"] for one in processes if one["type"] == "renderer"]
    own = sum(_private(pid) for pid in pages)
    return Held(int(heap["usedSize"]), counted["nodes"], counted["jsEventListeners"], own)


def _private(pid: int) -> int:
    """Bytes that belong to this process alone."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return 1024 * sum(int(size) for size in re.findall(r"^Private_\w+:\s+(\d+) kB$", text, re.MULTILINE))


async def day(db: Database, chromium: Browser, url: str, token: str, own: UUID) -> tuple[list[Held], int]:
    """What the desk held after each hour, and how often it fetched; `own`: a call of this desk that is over."""
    page, context = await visit(chromium, url, token)
    fetched = 0

    def count(request: Any) -> None:
        nonlocal fetched
        fetched += request.headers.get("x-live") == "1"

    context.on("request", count)
    await page.goto(f"{url}/my-day")
    await page.locator("#agent").wait_for()
    held = []
    for _ in range(HOURS):
        for _ in range(CALLS_AN_HOUR // DESKS):
            async with asyncio.TaskGroup() as both:
                both.create_task(elsewhere(db, [new_id() for _ in range(DESKS - 1)]))
                both.create_task(take(db, page, own))
        held.append(await hold(chromium, page))
        print(f"  hour {len(held)}: {held[-1]}", flush=True)
    await context.close()
    return held, fetched


async def elsewhere(db: Database, calls: Sequence[UUID]) -> None:
    """Calls of other desks: what each of their changes says."""
    for _ in range(CHANGES):
        async with db.session() as session:
            hint(session, "agents")
            for call in calls:
                hint(session, "calls", call)
                hint(session, "call", call)


async def take(db: Database, page: Page, call: UUID) -> None:
    """The call knocks, is opened, ends; back to where the day is. Locators: a handle would hold its page in memory."""
    await _set(db, call, ended_at=None, arrived_at=now())  # just now: nobody misses its channel
    await page.locator(KNOCK).click()
    await page.locator(f"#call-state[data-live-id='{call}']").wait_for()
    await _set(db, call, ended_at=now())
    await page.locator(KNOCK).wait_for(state="detached")
    await page.locator("#rail a[data-place=my-day]").click()
    await page.locator("#my-day").wait_for()


async def _set(db: Database, call: UUID, **values: Any) -> None:
    async with db.session() as session:
        changed = update(Call).where(Call.id == call).values(**values).returning(Call.agent_id)
        hint(session, DESK, await session.scalar(changed))
        hint(session, "calls", call)
        hint(session, "call", call)
