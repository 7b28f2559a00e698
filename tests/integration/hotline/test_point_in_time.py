"""A server with a log archive comes back to any minute, by PostgreSQL's own tools, as the how-to describes."""

import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from core.postgres import BIN, FOR_TESTS, EmbeddedPostgres

RECOVERED_WITHIN_S = 60.0


def server(folder: Path, log: Path, **more: str) -> EmbeddedPostgres:
    """Ours, set as somebody's own server would be."""
    kept = {"archive_mode": "on", "archive_command": f"cp %p {log}/%f", "wal_level": "replica"}
    return EmbeddedPostgres(folder, FOR_TESTS | kept | more)


def until(true: Callable[[], object]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + RECOVERED_WITHIN_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_comes_back_to_the_minute_before_the_mistake(home: Path) -> None:
    log, base = home / "log", home / "base"
    log.mkdir()
    first = server(home / "first", log)
    first.start()
    try:
        with psycopg.connect(first.owner_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE orders (number text)")
            connection.execute("INSERT INTO orders VALUES ('before the copy')")
            options = ["--format=tar", "--gzip", "--wal-method=stream", "--checkpoint=fast"]
            subprocess.run(
                [BIN / "pg_basebackup", f"--dbname={first.owner_url}", f"--pgdata={base}", *options], check=True
            )
            connection.execute("INSERT INTO orders VALUES ('after the copy')")
            row = connection.execute("SELECT clock_timestamp()").fetchone()
            assert row
            connection.execute("DELETE FROM orders")
            connection.execute("SELECT pg_switch_wal()")
            last = connection.execute("SELECT pg_walfile_name(pg_current_wal_lsn() - 1)").fetchone()
            assert last
            until(lambda: (log / last[0]).exists())
    finally:
        first.stop()

    data = home / "second" / "data"
    data.mkdir(parents=True, mode=0o700)
    for name, where in (("base.tar.gz", data), ("pg_wal.tar.gz", data / "pg_wal")):
        with tarfile.open(base / name) as packed:
            packed.extractall(where, filter="data")
    shutil.rmtree(home / "first")
    (data / "recovery.signal").touch()
    target = {
        "restore_command": f"cp {log}/%f %p",
        "recovery_target_time": row[0].isoformat(),
        "recovery_target_action": "promote",
    }
    second = server(home / "second", log, **target)
    second.start()
    try:
        with psycopg.connect(second.owner_url, autocommit=True) as connection:
            until(lambda: not connection.execute("SELECT pg_is_in_recovery()").fetchone()[0])  # type: ignore[index]
            found = connection.execute("SELECT number FROM orders ORDER BY number").fetchall()
        assert [one[0] for one in found] == ["after the copy", "before the copy"]
    finally:
        second.stop()
