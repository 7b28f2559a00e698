"""One PostgreSQL per run, one database per test process, emptied by DELETE after each test that used it."""

import asyncio
import fcntl
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
import uvloop

from core import personal
from core.db import Database
from core.postgres import FOR_TESTS, EmbeddedPostgres

RUN = "HOTLINE_TEST_RUN"
TEMPLATE = "template_hotline"


def pytest_configure(config: pytest.Config) -> None:
    """The run's folder is made once, by the controller; workers inherit its name."""
    if RUN not in os.environ:
        os.environ[RUN] = tempfile.mkdtemp(prefix="hotline-test-")
        config.add_cleanup(lambda: EmbeddedPostgres(Path(os.environ[RUN]) / "pg").stop())
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # what the roles run on
    personal.use_keys(personal.Keys.derive(b"a master key that only tests ever use"))


@pytest.fixture(scope="session")
def postgres() -> EmbeddedPostgres:
    """The run's PostgreSQL, started by whoever needs it first."""
    server = EmbeddedPostgres(Path(os.environ[RUN]) / "pg", FOR_TESTS)
    with (Path(os.environ[RUN]) / "pg.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server.start()
        _make_template(server)
    return server


def _make_template(server: EmbeddedPostgres) -> None:
    from hotline.schema import migrate

    with psycopg.connect(server.url_of("postgres"), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone():
            return
        connection.execute(f"CREATE DATABASE {TEMPLATE}_draft")
        migrate(server.url_of(f"{TEMPLATE}_draft"))
        connection.execute(f"ALTER DATABASE {TEMPLATE}_draft RENAME TO {TEMPLATE}")


@pytest.fixture(scope="session")
def database_url(postgres: EmbeddedPostgres, worker_id: str) -> str:
    """A database of this test process's own, with all tables."""
    name = f"test_{worker_id}_{os.getpid()}"
    with psycopg.connect(postgres.url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    return postgres.url_of(name)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """The database, empty before the test and emptied after it."""
    database = Database(database_url, pool_size=5)
    try:
        yield database
    finally:
        await database.close()
        empty(database_url)


def empty(url: str) -> None:
    """Delete every row (twelve milliseconds; TRUNCATE takes ten times as long)."""
    with psycopg.connect(url, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT format('DELETE FROM %I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).fetchall()
        statements = "; ".join(row[0] for row in tables)
        connection.execute(f"SET session_replication_role = replica; {statements}")


@pytest.fixture
def home() -> Iterator[Path]:
    """An instance's folder with a short path (unix sockets have at most 107 bytes)."""
    with tempfile.TemporaryDirectory(prefix="hl-", dir=os.environ[RUN]) as folder:
        yield Path(folder)
