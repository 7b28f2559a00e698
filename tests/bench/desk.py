"""`make bench-desk`: how soon a desk knows of a call, how soon 500 do, and what its page weighs.

    make bench-desk                                    # 300 calls at 0.5 a second with 50 desks; about 20 minutes
    make bench-desk ARGS="--calls 30"                  # a short look
    make bench-desk ARGS="--parts paint day"           # only some of: calls, many, paint, day

Asterisk is played: its lines are written into the journal of channel events that the line role follows, and what it
says of agents' telephones comes from a manager. PostgreSQL with full durability, the line's reader, the worker's jobs
and the web role with TLS are as the product runs them, each in its own process. Desks are event clients; one is a
headless Chromium whose agent takes every call.
"""

import argparse
import asyncio
import contextlib
import gc
import math
import signal
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import uvloop
from sqlalchemy import select

from callflow import current
from callflow.agents import service as agents
from callflow.models import Call
from callflow.numbers import service as numbers
from callflow.policy import LinePolicy
from core import log, personal
from core.actor import SYSTEM
from core.db import Database
from core.identity import service as identity
from core.permissions import Role
from crm import installed
from hotline.softphone import free_port
from tests.bench.clerk import COUNTY, KEYS, clerk
from tests.bench.desk_calls import AGENTS, POP, Exchange, Listener, latencies
from tests.bench.desk_day import Held, day
from tests.bench.desk_manager import QUEUE, Manager
from tests.bench.desk_paint import WATCH, browser, visit, weigh
from tests.bench.desk_roles import JOURNAL, ground, role
from tests.bench.line_load import percentile
from tests.bench.machine import speed

DESKS, MANY, RATE, CALLS, FAN_OUT_CALLS, VISITS = 50, 500, 0.5, 300, 20, 10
PARTS = ("calls", "many", "paint", "day")
BARS = {
    "event → SSE bytes, 50 desks, p99": (50.0, "ms"),
    "manager's event → SSE bytes, 50 desks, p99": (50.0, "ms"),
    "event → pop-up painted, p95": (300.0, "ms"),
    "event → SSE bytes, 500 desks, p99": (150.0, "ms"),
    "the desk's page, compressed": (400.0, "KB"),
    "first paint, cold cache, p95": (1000.0, "ms"),
    "heap at the day's end, to that of the first hour": (1.2, "times"),
    "process at the day's end, to that of the first hour": (1.2, "times"),
}
PASSWORD = "Yiyang-12345-A"


IN_PAGE = 1
"""The agent whose telephone is the one in the page, which makes the page heavier."""


@dataclass(frozen=True)
class Person:
    """An agent and the token of the sign-in."""

    extension: str
    token: str


@dataclass(frozen=True)
class Bench:
    """What runs: the database, the folder, the desks' address, who works, and the played manager."""

    db: Database
    home: Path
    url: str
    staff: list[Person]
    manager: Manager


async def people(db: Database, count: int) -> list[Person]:
    """Agents with desk telephones, logged in to the queue."""
    found = []
    async with db.session() as session:
        await numbers.set_queue(session, SYSTEM, QUEUE, "综合坐席")
    for n in range(count):
        login, extension = f"agent{n}", str(1001 + n)
        async with db.session() as session:
            user, _ = await identity.create_user(
                session, SYSTEM, login=login, name=f"坐席{n}", roles=frozenset({Role.AGENT}), password=PASSWORD
            )
            await agents.enrol(session, SYSTEM, user.id, extension, f"坐席{n}", {QUEUE: 0}, in_page=n == IN_PAGE)
            await agents.log_in(session, SYSTEM, user.id)
        signed = await identity.sign_in(db, login, PASSWORD, address="127.0.0.1", agent="bench")
        found.append(Person(extension, signed.token))
    return found


@contextlib.asynccontextmanager
async def desks(home: Path, url: str, staff: Sequence[Person], count: int) -> AsyncIterator[list[Listener]]:
    """So many event clients, all listening; all come at the same moment, as after a restart of the web role."""
    listeners = [Listener() for _ in range(count)]
    context = ssl.create_default_context(cafile=str(home / "tls" / "ca.pem"))
    began = time.monotonic()
    async with asyncio.timeout(120):
        await asyncio.gather(*(one.open(url, context, staff[n % len(staff)].token) for n, one in enumerate(listeners)))
    refused = [said for one in listeners for said in one.refused]
    print(f"{count} desks listen after {time.monotonic() - began:.1f} s; {len(refused)} times refused", flush=True)
    if refused:
        print(f"  such as: {refused[0]!r}", flush=True)
    try:
        yield listeners
    finally:
        for one in listeners:
            one.close()


async def ids_of(db: Database) -> dict[str, UUID]:
    """linkedid -> call."""
    async with db.session() as session:
        return {row[0]: row[1] for row in await session.execute(select(Call.linkedid, Call.id))}


async def drive(exchange: Exchange, count: int, extensions: Sequence[str], first: int) -> None:
    """So many calls, `RATE` a second."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for n in range(count):
            await asyncio.sleep(max(0.0, began + n / RATE - time.monotonic()))
            group.create_task(exchange.call(first + n, extensions[n % len(extensions)]))
    await asyncio.sleep(2)


async def at_desks(bench: Bench, count: int) -> dict[str, list[float]]:
    """50 desks and one Chromium, whose agent takes every call."""
    exchange = Exchange(bench.home / JOURNAL, bench.manager)
    first = bench.staff[0]
    async with browser() as chromium:
        page, _ = await visit(chromium, bench.url, first.token)
        await page.goto(f"{bench.url}/my-day")
        await page.wait_for_selector("#agent")
        await page.evaluate(WATCH)
        async with desks(bench.home, bench.url, bench.staff, DESKS) as listeners:
            await drive(exchange, count, [first.extension], 1)
        pops: dict[str, float] = dict(await page.evaluate("() => window.pops"))
    exchange.close()
    ids = await ids_of(bench.db)
    asked = [one for one in exchange.written if one.event == POP]
    painted = [pops.get(str(ids.get(one.call)), math.inf) - one.wall * 1000 for one in asked]
    return {
        "call": latencies(exchange.written, ids, listeners, "call"),
        AGENTS: latencies(exchange.written, ids, listeners, AGENTS),
        "painted": painted,
    }


async def fan_out(bench: Bench) -> list[float]:
    """500 desks."""
    exchange = Exchange(bench.home / JOURNAL, bench.manager)
    async with desks(bench.home, bench.url, bench.staff, MANY) as listeners:
        await drive(exchange, FAN_OUT_CALLS, [one.extension for one in bench.staff], 100_000)
    exchange.close()
    return latencies(exchange.written, await ids_of(bench.db), listeners, "call")


def shown(values: Sequence[float]) -> str:
    """p50, p95, p99 and the worst."""
    return " / ".join(f"{percentile(list(values), one) or 0:.0f}" for one in (0.5, 0.95, 0.99, 1.0))


def report(found: dict[str, float]) -> None:
    """Each bar, met or not."""
    for name, (bar, unit) in BARS.items():
        if name in found:
            value = found[name]
            print(f"  {'met   ' if value <= bar else 'MISSED'} {name}: {value:.4g} {unit} (bar {bar:.4g} {unit})")


async def measured(bench: Bench, parts: Sequence[str], calls: int) -> dict[str, float]:
    """All figures, by the names of the bars."""
    hint, manager, pop, many, weight, paint, heap, process = BARS
    found: dict[str, float] = {}
    gc.collect()
    gc.disable()  # what listens here is never late for it
    print("milliseconds, p50 / p95 / p99 / worst")
    if "calls" in parts:
        times = await at_desks(bench, calls)
        found[hint], found[manager] = worst(times["call"], 0.99), worst(times[AGENTS], 0.99)
        found[pop] = worst(times["painted"], 0.95)
        print(f"  event → SSE bytes, {DESKS} desks, {len(times['call']):,} hints: {shown(times['call'])}")
        print(f"  manager's event → SSE bytes, {len(times[AGENTS]):,} hints: {shown(times[AGENTS])}")
        print(f"  event → pop-up painted, {len(times['painted'])} calls: {shown(times['painted'])}", flush=True)
    if "many" in parts:
        wide = await fan_out(bench)
        found[many] = worst(wide, 0.99)
        print(f"  event → SSE bytes, {MANY} desks, {len(wide):,} hints: {shown(wide)}", flush=True)
    own = await own_call(bench)
    if "paint" in parts:
        async with browser() as chromium:
            token = bench.staff[IN_PAGE].token
            visits = [await weigh(chromium, bench.url, f"/calls/{own}", token) for _ in range(VISITS)]
            page, paints = visits[-1][0], [painted for _, painted in visits]
            found[weight], found[paint] = page.bytes / 1000, worst(paints, 0.95)
            print(f"  first paint of a call's page: {shown(paints)}")
            print("  bytes: " + ", ".join(f"{kind} {size:,}" for kind, size in sorted(page.parts.items())), flush=True)
    if "day" in parts:
        held, fetched = await day(bench.db, bench.url, bench.staff[0].token, own)
        found[heap] = held[-1].heap / held[0].heap
        found[process] = held[-1].process / held[0].process
        print(f"  a working day, {fetched:,} times fetched")
        print("  after each hour: heap MB / nodes / listeners / process MB")
        print("   " + ", ".join(map(size_of, held)), flush=True)
    return found


def worst(values: Sequence[float], share: float) -> float:
    """The percentile; infinite of nothing."""
    return percentile(list(values), share) if values else math.inf  # type: ignore[return-value]


def size_of(one: Held) -> str:
    """In short."""
    return f"{one.heap / 1e6:.2f} / {one.nodes} / {one.listeners} / {one.process / 1e6:.0f}"


async def own_call(bench: Bench) -> UUID:
    """A call of the first agent that is over; one is made where there was none."""
    mine = select(Call.id).where(Call.agent_extension == bench.staff[0].extension).limit(1)
    async with bench.db.session() as session:
        known = await session.scalar(mine)
    if known is None:
        exchange = Exchange(bench.home / JOURNAL, bench.manager)
        await drive(exchange, 1, [bench.staff[0].extension], 900_000)
        exchange.close()
        async with bench.db.session() as session:
            known = (await session.scalars(mine)).one()
    return known


async def main() -> None:
    """Everything in one go, in a folder of its own."""
    parser = argparse.ArgumentParser(description="bench-desk")
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    asked = parser.parse_args()
    print(speed(), flush=True)
    own = asyncio.current_task()
    assert own
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, own.cancel)  # what was started is stopped
    log.setup("ERROR", json=False, role="bench")
    personal.use_keys(KEYS)
    county = installed.read(COUNTY)
    installed.use(county)
    current.use(county.policy[LinePolicy])
    async with ground() as (home, database):
        db, port = Database(database), free_port()
        staff = await people(db, DESKS)
        url = f"https://127.0.0.1:{port}"
        async with (
            Manager() as manager,
            role("line", home, database, manager.port),
            role("web", home, database, port),
            clerk(db),
        ):
            found = await measured(Bench(db, home, url, staff, manager), asked.parts, asked.calls)
        await db.close()
    report(found)
    print(speed(), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
