"""A believable county of three years in a PostgreSQL, written by COPY: `python -m tests.bench.orders_data URL COUNT`.

The same seed makes the same orders; only the present day moves them. Secondary indexes are made after the rows.
"""

import multiprocessing
import os
import random
import sys
import time
from datetime import UTC, date, datetime
from uuid import UUID

import psycopg

from core import personal
from crm import installed
from crm.county.load import County
from tests.bench.clerk import COUNTY, KEYS
from tests.bench.orders_days import days, moments
from tests.bench.orders_rows import COLUMNS, Writer
from tests.bench.orders_story import Callers

SEED = 20230605
CALLERS = 120_000
PER_CALLER = 8
BATCH_DAYS = 12
FAST = ("SET session_replication_role = replica", "SET synchronous_commit = off", "SET maintenance_work_mem = '1GB'")
INDEXES = """SELECT indexname, indexdef FROM pg_indexes i WHERE schemaname = 'public' AND tablename = ANY(%s)
    AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)"""


def fill(url: str, count: int) -> float:
    """Write the county and `count` orders into a migrated, empty database -> seconds."""
    began = time.monotonic()
    present = datetime.now(UTC)
    installation = installed.read(COUNTY)
    with psycopg.connect(url, autocommit=True) as connection:
        write_units(connection, installation.county)
        fast(connection)
        indexes = connection.execute(INDEXES, [list(COLUMNS)]).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        spans = days(count, present.date())
        tasks = [(url, spans[at : at + BATCH_DAYS], count, present) for at in range(0, len(spans), BATCH_DAYS)]
        workers = min(len(os.sched_getaffinity(0)), len(tasks))
        with multiprocessing.get_context("fork").Pool(workers) as pool:
            for _ in pool.imap_unordered(_write, tasks):
                pass
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute(
            "INSERT INTO ticket_number_counters SELECT to_date(substr(number, 3, 8), 'YYYYMMDD'), count(*)"
            " FROM tickets GROUP BY 1"
        )
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
    return time.monotonic() - began


def fast(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Write as fast as it goes; what is measured afterwards is asked with full durability."""
    for statement in FAST:
        connection.execute(statement)


def write_units(connection: psycopg.Connection[tuple[object, ...]], county: County) -> None:
    """The county's units."""
    dice = random.Random(SEED)
    ids = {code: UUID(int=dice.getrandbits(128), version=4) for code in county.units}
    for unit in sorted(county.units.values(), key=lambda unit: bool(unit.competent or unit.parent)):
        competent = ids[unit.competent] if unit.competent else None
        parent = ids[unit.parent] if unit.parent else None
        connection.execute(
            "INSERT INTO units (id, code, name, kind, competent_unit_id, parent_unit_id, active)"
            " VALUES (%s, %s, %s, %s, %s, %s, true)",
            [ids[unit.code], unit.code, unit.name, unit.kind.value, competent, parent],
        )


_writers: dict[tuple[str, int], Writer] = {}


def _write(task: tuple[str, list[tuple[date, int]], int, datetime]) -> None:
    url, spans, count, present = task
    with psycopg.connect(url) as connection:
        fast(connection)
        writer = _writers.get((url, count)) or _writer(connection, url, count, present)
        for day, number in spans:
            dice = random.Random(f"{SEED} {day.toordinal() - present.date().toordinal()}")
            rows = writer.day(day, moments(day, number, dice, present), dice)
            for table, lines in rows.items():
                with connection.cursor().copy(f"COPY {table} ({', '.join(COLUMNS[table].split())}) FROM STDIN") as copy:
                    copy.write("".join(lines))


def _writer(connection: psycopg.Connection[tuple[object, ...]], url: str, count: int, present: datetime) -> Writer:
    personal.use_keys(KEYS)
    installation = installed.read(COUNTY)
    installed.use(installation)
    units = {str(code): UUID(str(id)) for code, id in connection.execute("SELECT code, id FROM units").fetchall()}
    callers = Callers(min(CALLERS, 1 + count // PER_CALLER), random.Random(SEED))
    _writers[url, count] = Writer(installation, units, callers, present)
    return _writers[url, count]


if __name__ == "__main__":
    from hotline.schema import migrate

    migrate(sys.argv[1], sys.argv[1])
    print(f"{fill(sys.argv[1], int(sys.argv[2])):.0f} s")
