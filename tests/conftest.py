"""One PostgreSQL per run, one database per test process, emptied by DELETE after each test that used it."""

import asyncio
import fcntl
import gc
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import structlog
import uvloop
from argon2 import PasswordHasher

from core import personal
from core.db import Database
from core.identity import passwords
from core.postgres import FOR_TESTS, EmbeddedPostgres

if TYPE_CHECKING:
    from crm.installed import Installation

RUN = "HOTLINE_TEST_RUN"
TEMPLATE = "template_hotline"


def pytest_configure(config: pytest.Config) -> None:
    """The run's folder is made once, by the controller; workers inherit its name."""
    if RUN not in os.environ:
        os.environ[RUN] = tempfile.mkdtemp(prefix="hotline-test-")
        config.add_cleanup(lambda: EmbeddedPostgres(Path(os.environ[RUN]) / "pg").stop())
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # what the roles run on
    personal.use_keys(personal.Keys.derive(b"a master key that only tests ever use"))
    _hash_cheaply()
    _log_briefly()


def pytest_xdist_auto_num_workers() -> int:
    """A process for each processor, and one for the groups that ring: these wait most of their time."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What collecting makes stays: no pass of the garbage collection looks at it, neither meanwhile nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def _hash_cheaply() -> None:
    """The same argon2id at its least cost: nearly every test of a page signs somebody in."""
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords._NOBODY = passwords._hasher.hash("")


def _log_briefly() -> None:
    """A trace as Python writes it: structlog's own shows every local value, and takes a second to draw."""
    *before, _ = structlog.get_config()["processors"]
    brief = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*before, brief])


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


@pytest.fixture(scope="session")
def database(database_url: str) -> Database:
    """One for all tests: it keeps the statements that it has made ready, and no connection from test to test."""
    return Database(database_url, pool_size=5)


@pytest.fixture
async def db(database: Database, empty: Callable[[], object]) -> AsyncIterator[Database]:
    """The database, empty before the test and emptied after it."""
    try:
        yield database
    finally:
        await database.close()
        empty()


@pytest.fixture(scope="session")
def empty(database_url: str) -> Iterator[Callable[[], object]]:
    """Deletes every row, on a connection that has planned it before (three milliseconds; TRUNCATE takes a hundred)."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT format('DELETE FROM %I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).fetchall()
        statements = "; ".join(row[0] for row in tables)
        connection.execute("SET session_replication_role = replica")
        yield lambda: connection.execute(statements)


@pytest.fixture(scope="session")
def installation() -> "Installation":
    """The first county, read once: what is made of its words takes a second, and nothing changes it."""
    from crm import installed

    return installed.read(Path(__file__).parents[1] / "counties" / "yiyang")


@pytest.fixture
def home() -> Iterator[Path]:
    """An instance's folder with a short path (unix sockets have at most 107 bytes)."""
    with tempfile.TemporaryDirectory(prefix="hl-", dir=os.environ[RUN]) as folder:
        yield Path(folder)
