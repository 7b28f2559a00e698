"""`make bench-orders`: what an act, a list, a search and a page take among 10,000 and among 1,000,000 orders.

    make bench-orders                                     # both sizes; about a quarter of an hour
    make bench-orders ARGS="--sizes 10000"
    make bench-orders ARGS="--folder /var/tmp/orders"     # keeps the county, so that the next run only measures

PostgreSQL as the product runs it, with full durability. Figures hold for this machine.
"""

import argparse
import asyncio
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path

import uvloop

from callflow import current
from callflow.policy import LinePolicy
from core import log, personal
from core.db import Database
from core.postgres import EmbeddedPostgres
from crm import installed
from hotline.schema import migrate
from tests.bench import orders_measure as measure
from tests.bench.clerk import COUNTY, KEYS
from tests.bench.machine import speed
from tests.bench.orders_data import fill
from tests.bench.orders_desk import office

SIZES = "10000,1000000"
BARS = {"dispatch commit": 20.0, "unit worklist": 50.0, "text search": 100.0, "order page": 100.0}
"""Milliseconds that the 95th percentile may take."""
MOST_RATIO = 2.0
SEED = 12345


@dataclass(frozen=True)
class Found:
    """p95 in milliseconds by what was measured, and of each kind of search."""

    bars: dict[str, float]
    kinds: dict[str, float]


def read_all(folder: Path) -> None:
    """Every file of the database once, so that the system's cache is that of a machine which has run for a while."""
    for path in (folder / "base").rglob("*"):
        if path.is_file():
            with path.open("rb", buffering=0) as file:
                while file.read(1 << 20):
                    pass


async def at_size(folder: Path, size: int, rounds: int) -> Found:
    """All measurements among so many orders."""
    server = EmbeddedPostgres(folder / str(size) / "postgres")
    await asyncio.to_thread(server.start)
    try:
        await asyncio.to_thread(migrate, server.owner_url, server.url)
        db = Database(server.url)
        if not await measure.any_orders(db):
            print(
                f"{size:,} orders: written in {await asyncio.to_thread(fill, server.owner_url, size):.0f} s", flush=True
            )
        dice = random.Random(SEED)
        await asyncio.to_thread(read_all, folder / str(size) / "postgres")
        async with office(db, folder / str(size)) as people:
            searches = await measure.searches(people, dice, max(1, rounds // 4))
            together = [one for times in searches.values() for one in times]
            bars = {
                "dispatch commit": measure.p95(await measure.dispatching(db, people, dice, rounds)),
                "unit worklist": measure.p95(await measure.worklists(people, dice, rounds)),
                "text search": measure.p95(together),
                "order page": measure.p95(await measure.pages(db, people, dice, rounds)),
            }
        await db.close()
        return Found(bars, {kind: measure.p95(times) for kind, times in searches.items()})
    finally:
        await asyncio.to_thread(server.stop)


def report(found: dict[int, Found]) -> None:
    """The table: p95 in milliseconds at each size, its bar, and the largest size against the smallest."""
    small, large = min(found), max(found)
    print(f"\n{'p95 in ms':<26}" + "".join(f"{size:>12,}" for size in sorted(found)) + f"{'bar':>8}{'ratio':>8}")
    for name, bar in BARS.items():
        row = [found[size].bars[name] for size in sorted(found)]
        ratio = found[large].bars[name] / found[small].bars[name]
        met = max(row) <= bar and ratio <= MOST_RATIO
        print(
            f"{name:<26}"
            + "".join(f"{one:>12.1f}" for one in row)
            + f"{bar:>8.0f}{ratio:>8.2f}  "
            + ("met" if met else "MISSED")
        )
    for kind in found[small].kinds:
        print(f"  {kind:<24}" + "".join(f"{found[size].kinds[kind]:>12.1f}" for size in sorted(found)))


async def main() -> None:
    """Each size, then the table."""
    parser = argparse.ArgumentParser(description="bench-orders")
    parser.add_argument("--sizes", default=SIZES)
    parser.add_argument("--folder", type=Path, help="where the counties are kept")
    parser.add_argument("--rounds", type=int, default=200)
    asked = parser.parse_args()
    print(speed(), flush=True)
    log.setup("ERROR", json=False, role="bench")
    personal.use_keys(KEYS)
    county = installed.read(COUNTY)
    installed.use(county)
    current.use(county.policy[LinePolicy])
    with tempfile.TemporaryDirectory(prefix="hl-orders-") as name:
        folder = asked.folder or Path(name)
        found = {int(size): await at_size(folder, int(size), asked.rounds) for size in asked.sizes.split(",")}
    report(found)


if __name__ == "__main__":
    uvloop.run(main())
