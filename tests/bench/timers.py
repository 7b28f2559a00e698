"""`make bench-timers`: one scan over 100,000 open orders after a night's outage, the scan after it, and its jobs.

Of each ten orders four are overdue, two unsigned past their due (one of them for days), two due today, one waits past
the reviewer's target, and one is in time. PostgreSQL as the product runs it, with full durability.
"""

import argparse
import asyncio
import tempfile
import time
from datetime import datetime
from pathlib import Path

import uvloop
from sqlalchemy import text

from callflow import current
from callflow.policy import LinePolicy
from core import clock, log, personal
from core.clock import SHANGHAI
from core.db import Database
from core.postgres import EmbeddedPostgres
from crm import installed
from crm.timers.scan import scan
from hotline.schema import migrate
from tests.bench.clerk import COUNTY, KEYS
from tests.bench.machine import speed

BAR_S = 10.0
NOW = datetime(2026, 3, 18, 9, 30, tzinfo=SHANGHAI)
PARTS = """
CREATE TEMP TABLE made AS SELECT n, gen_random_uuid() AS ticket, gen_random_uuid() AS round, gen_random_uuid() AS part,
    CASE WHEN n % 10 < 4 THEN timestamptz '2026-03-18 00:00+08' WHEN n % 10 < 6 THEN timestamptz '2026-03-25 00:00+08'
         WHEN n % 10 < 8 THEN timestamptz '2026-03-19 00:00+08' ELSE timestamptz '2026-04-09 00:00+08' END AS due,
    CASE WHEN n % 10 = 4 THEN timestamptz '2026-03-18 00:00+08' ELSE timestamptz '2026-03-14 00:00+08' END AS sign_due,
    n % 10 IN (4, 5) AS unsigned, n % 10 = 8 AS checking FROM generate_series(1, :count) AS n
"""
TICKETS = """
INSERT INTO tickets (id, number, query_code, query_failures, state, version, source, anonymous, confidential, sealed,
    category, title, content, address, occurred, proposals, accepted, report_count, opened_at, updated_at,
    first_dispatched_at, due_at, lead_unit_id, accepted_at, state_since, state_due_at, provisional, hard,
    extension_pending, extensions, returns, supervision_level)
SELECT ticket, 'YY20260303-' || lpad(n::text, 6, '0'), '123456', 0,
    CASE WHEN unsigned THEN 'dispatched' WHEN checking THEN 'checking' ELSE 'handling' END, 3, 'phone', false, false,
    false, 'complaint', '占道经营', '占道经营', '', '', '{}', '{}', 1, timestamptz '2026-03-03 10:00+08', now(),
    timestamptz '2026-03-03 10:00+08', due, :unit, timestamptz '2026-03-03 10:00+08',
    timestamptz '2026-03-03 10:00+08', CASE WHEN checking THEN timestamptz '2026-03-18 00:00+08' ELSE due END,
    false, false, false, 0, 0, 0 FROM made
"""
ROUNDS = """
INSERT INTO rounds (id, ticket_id, n, kind, dispatched_at, limit_days, due_at, provisional, days, policy_version,
    calendar_version) SELECT round, ticket, 1, 'first', timestamptz '2026-03-03 10:00+08', 10, due, false, '[]', '-',
    '-' FROM made
"""
ASSIGNMENTS = """
INSERT INTO assignments (id, ticket_id, round_id, unit_id, role, stage, basis, dispatched_at, sign_due_at, due_at,
    signed_at, submitted_at) SELECT part, ticket, round, :unit, 'lead', 'handling', '',
    timestamptz '2026-03-03 10:00+08', sign_due, due, CASE WHEN NOT unsigned THEN timestamptz '2026-03-03 11:00+08' END,
    CASE WHEN checking THEN timestamptz '2026-03-16 11:00+08' END FROM made
"""


async def fill(db: Database, count: int) -> None:
    """The orders."""
    async with db.session() as session:
        new = "INSERT INTO units (id, code, name, kind, active) VALUES (gen_random_uuid(), 'u', 'u', 'd', true)"
        unit = (await session.execute(text(new + " RETURNING id"))).scalar_one()
        await session.execute(text(PARTS), {"count": count})
        await session.execute(text(TICKETS), {"unit": unit})
        await session.execute(text(ROUNDS))
        await session.execute(text(ASSIGNMENTS), {"unit": unit})
    async with db.engine.connect() as connection:
        await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(text("VACUUM ANALYZE"))


async def measure(db: Database) -> tuple[float, dict[str, int]]:
    """One scan: seconds, and what fired."""
    began = time.perf_counter()
    with clock.frozen(NOW):
        fired = await scan(db)
    assert fired is not None
    return time.perf_counter() - began, {timer: count for timer, count in fired.items() if count}


async def main() -> None:
    """Print the figures; exits 1 when the bar is missed or something fired twice."""
    parser = argparse.ArgumentParser(description="bench-timers")
    parser.add_argument("--orders", type=int, default=100_000)
    asked = parser.parse_args()
    print(speed(), flush=True)
    log.setup("ERROR", json=False, role="bench")
    personal.use_keys(KEYS)
    county = installed.read(COUNTY)
    installed.use(county)
    current.use(county.policy[LinePolicy])
    with tempfile.TemporaryDirectory(prefix="hl-timers-") as name:
        server = EmbeddedPostgres(Path(name) / "postgres")
        await asyncio.to_thread(server.start)
        try:
            await asyncio.to_thread(migrate, server.owner_url, server.url)
            db = Database(server.url)
            await fill(db, asked.orders)
            first, fired = await measure(db)
            again, twice = await measure(db)
            await db.close()
        finally:
            await asyncio.to_thread(server.stop)
    print(f"{asked.orders:,} open orders; fired: " + ", ".join(f"{id} {n:,}" for id, n in fired.items()))
    print(
        f"the scan after the outage {first:.1f} s (bar {BAR_S:.0f} s), the next one {again:.2f} s,"
        f" fired {twice or 'nothing'}"
    )
    if first > BAR_S or twice:
        raise SystemExit(1)


if __name__ == "__main__":
    uvloop.run(main())
