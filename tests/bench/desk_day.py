"""A working day at one desk, as fast as the page takes it: the hints of eight hours, the desk's own calls taken one
after the other, and what the page and its process hold after each hour's worth.

The page is driven over Chromium's own wire. What drives pages otherwise puts scripts of its own into them, and has
Chromium keep the bodies of all answers: a process of 100 MB had 200 by the evening.
"""

import asyncio
import contextlib
import json
import re
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import psutil
from sqlalchemy import update

from callflow.models import Call
from core.clock import now
from core.db import Database, new_id
from core.live import DESK, hint
from tests.bench.desk_paint import CHROMIUM, FLAGS, SIZE, cookie

HOURS, DESKS, CALLS_AN_HOUR = 8, 50, 1800
"""0.5 calls a second, of which each of 50 desks takes its part."""
CHANGES = 5
"""A call's changes that desks hear of."""
KNOCK = "#agent .knock:not(#unfinished-calls)"
START_S, STEP_S = 30, 30
UNTIL = """async (selector, there, press) => {
  while (Boolean(document.querySelector(selector)) !== there) await new Promise((done) => setTimeout(done, 10));
  if (press) document.querySelector(selector).click();
}"""
COUNT = """() => {
  const fetched = window.fetch;
  window.live = 0;
  window.fetch = (what, how) => { window.live += how?.headers?.["X-Live"] === "1"; return fetched(what, how); };
}"""


@dataclass(frozen=True)
class Held:
    """What a desk holds once garbage is collected: bytes of the heap, DOM nodes, listeners, the process's bytes."""

    heap: int
    nodes: int
    listeners: int
    process: int


class Desk:
    """A page of a Chromium of its own. `psutil` knows the browser's processes."""

    def __init__(self, wire: aiohttp.ClientWebSocketResponse, browser: psutil.Process) -> None:
        self._wire = wire
        self._browser = browser
        self._asked = 0

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the Chrome DevTools Protocol -> its result."""
        self._asked += 1
        await self._wire.send_json({"id": self._asked, "method": method, "params": params})
        async with asyncio.timeout(STEP_S):
            while (answer := await self._wire.receive_json()).get("id") != self._asked:
                continue
        if "error" in answer or "exceptionDetails" in answer["result"]:
            raise RuntimeError(f"{method}: {answer}")
        result: dict[str, Any] = answer["result"]
        return result

    async def run(self, function: str, *given: object) -> Any:
        """What a function of the page returns."""
        call = f"({function})({', '.join(json.dumps(one) for one in given)})"
        done = await self.send("Runtime.evaluate", expression=call, awaitPromise=True, returnByValue=True)
        return done["result"].get("value")

    async def until(self, selector: str, *, there: bool = True, press: bool = False) -> None:
        """Wait until this stands in the page, or is gone; then press it."""
        await self.run(UNTIL, selector, there, press)

    async def held(self) -> Held:
        """Collect, give back what a system short of memory would ask back, and count."""
        await self.send("Memory.simulatePressureNotification", level="critical")
        for _ in range(3):
            await self.send("HeapProfiler.collectGarbage")
        heap = await self.send("Runtime.getHeapUsage")
        counted = await self.send("Memory.getDOMCounters")
        pages = [one for one in self._browser.children(recursive=True) if "--type=renderer" in one.cmdline()]
        own = sum(_private(one.pid) for one in pages)
        return Held(int(heap["usedSize"]), counted["nodes"], counted["jsEventListeners"], own)


def _private(pid: int) -> int:
    """Bytes that belong to this process alone."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return 1024 * sum(int(size) for size in re.findall(r"^Private_\w+:\s+(\d+) kB$", text, re.MULTILINE))


@contextlib.asynccontextmanager
async def left_open() -> AsyncIterator[Desk]:
    """A Chromium with one page, until the day is over."""
    with tempfile.TemporaryDirectory(prefix="hl-desk-", ignore_cleanup_errors=True) as folder:
        size = f"--window-size={SIZE['width']},{SIZE['height']}"
        flags = [*FLAGS, "--headless=new", "--lang=zh-CN", size, "--remote-debugging-port=0"]
        process = await asyncio.create_subprocess_exec(
            CHROMIUM, *flags, f"--user-data-dir={folder}", "about:blank", stderr=asyncio.subprocess.DEVNULL
        )
        try:
            told = Path(folder) / "DevToolsActivePort"
            async with asyncio.timeout(START_S):
                while not (told.exists() and "\n" in told.read_text(encoding="ascii")):  # noqa: ASYNC110 - a file
                    await asyncio.sleep(0.1)
            address = f"http://127.0.0.1:{told.read_text(encoding='ascii').splitlines()[0]}"
            async with aiohttp.ClientSession() as client:
                pages = await (await client.get(f"{address}/json")).json()
                (wire,) = (one["webSocketDebuggerUrl"] for one in pages if one["type"] == "page")
                async with client.ws_connect(wire, max_msg_size=0) as connected:
                    yield Desk(connected, psutil.Process(process.pid))
        finally:
            process.terminate()
            await process.wait()


async def day(db: Database, url: str, token: str, own: UUID) -> tuple[list[Held], int]:
    """What the desk held after each hour, and how often it fetched; `own`: a call of this desk that is over."""
    async with left_open() as desk:
        await desk.send("Network.setCookie", **cookie(url, token))
        await desk.send("Page.navigate", url=f"{url}/my-day")
        await desk.until("#agent")
        await desk.run(COUNT)
        async with asyncio.timeout(START_S):
            while not await desk.run("() => window.live"):  # until it listens
                await elsewhere(db, [own])
                await asyncio.sleep(0.5)
        held: list[Held] = []
        for _ in range(HOURS):
            for _ in range(CALLS_AN_HOUR // DESKS):
                async with asyncio.TaskGroup() as both:
                    both.create_task(elsewhere(db, [new_id() for _ in range(DESKS - 1)]))
                    both.create_task(take(db, desk, own))
            held.append(await desk.held())
            print(f"  hour {len(held)}: {held[-1]}", flush=True)
        return held, await desk.run("() => window.live")


async def elsewhere(db: Database, calls: Sequence[UUID]) -> None:
    """Calls of other desks: what each of their changes says."""
    for _ in range(CHANGES):
        async with db.session() as session:
            hint(session, "agents")
            for call in calls:
                hint(session, "calls", call)
                hint(session, "call", call)


async def take(db: Database, desk: Desk, call: UUID) -> None:
    """The call knocks, is opened, ends; back to where the day is."""
    await _set(db, call, ended_at=None, arrived_at=now())  # just now: nobody misses its channel
    await desk.until(KNOCK, press=True)
    await desk.until(f"#call-state[data-live-id='{call}']")
    await _set(db, call, ended_at=now())
    await desk.until(KNOCK, there=False)
    await desk.until("#rail a[data-place=my-day]", press=True)
    await desk.until("#my-day")


async def _set(db: Database, call: UUID, **values: Any) -> None:
    async with db.session() as session:
        changed = update(Call).where(Call.id == call).values(**values).returning(Call.agent_id)
        hint(session, DESK, await session.scalar(changed))
        hint(session, "calls", call)
        hint(session, "call", call)
