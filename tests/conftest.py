"""One PostgreSQL per run, one database per test process, emptied by DELETE after each test that used it."""

import asyncio
import fcntl
import functools
import gc
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
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
from core.postgres import APPLICATION, FOR_TESTS, OWNER, EmbeddedPostgres

if TYPE_CHECKING:
    from crm.installed import Installation

RUN = "HOTLINE_TEST_RUN"
TEMPLATE = "template_hotline"
KEYS = personal.Keys.derive(b"a master key that only tests ever use")


def pytest_configure(config: pytest.Config) -> None:
    """The run's folder is made once, by the controller; workers inherit its name."""
    if RUN not in os.environ:
        os.environ[RUN] = tempfile.mkdtemp(prefix="hotline-test-")
        config.add_cleanup(lambda: EmbeddedPostgres(Path(os.environ[RUN]) / "pg").stop())
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # what the roles run on
    personal.use_keys(KEYS)
    _hash_cheaply()
    _log_briefly()


def pytest_xdist_auto_num_workers() -> int:
    """A process for each of the three groups that ring, which wait most of their time, and one more where the other
    tests can stand back for these; as many as processors, where there are more."""
    return max(len(os.sched_getaffinity(0)), 4 if _may_stand_back() else 3)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[object]:
    """A test that rings has the processors first, and what it starts: sound that comes late is other sound. Every other
    takes what is left, which while lines ring is more than half."""
    if _may_stand_back():
        rings = item.get_closest_marker("line") is not None
        os.sched_setscheduler(0, os.SCHED_OTHER if rings else os.SCHED_IDLE, os.sched_param(0))
    return (yield)


@functools.cache
def _may_stand_back() -> bool:
    """Whether this process may stand back and come forth again, which takes a right; tried by a thread, for itself."""

    def there_and_back() -> None:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))

    with ThreadPoolExecutor(1) as one:
        return one.submit(there_and_back).exception() is None


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


@pytest.fixture(autouse=True)
def _usual_keys() -> Iterator[None]:
    """A test that runs a command in this process has used that instance's keys: the next one has its own again."""
    yield
    personal.use_keys(KEYS)


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
        draft = f"{TEMPLATE}_draft"
        migrate(server.url_of(draft), server.url_of(draft, APPLICATION))
        # A test that tampers does it as whoever has the server would: `by_hand.BY_HAND`.
        connection.execute(f"ALTER ROLE {APPLICATION} NOINHERIT; GRANT {OWNER} TO {APPLICATION}")
        connection.execute(f"ALTER DATABASE {TEMPLATE}_draft RENAME TO {TEMPLATE}")


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    """The name of the database with all tables that others are copied from."""
    del postgres  # which has made it
    return TEMPLATE


@pytest.fixture(scope="session")
def owner_url(postgres: EmbeddedPostgres, worker_id: str) -> str:
    """A database of this test process's own, with all tables, as their owner."""
    name = f"test_{worker_id}_{os.getpid()}"
    with psycopg.connect(postgres.url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    return postgres.url_of(name)


@pytest.fixture(scope="session")
def database_url(owner_url: str) -> str:
    """The same as the application's user, with the rights that it has where it is installed."""
    return owner_url.replace(OWNER, APPLICATION, 1)


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
def empty(owner_url: str) -> Iterator[Callable[[], object]]:
    """Deletes every row, on a connection that has planned it before (three milliseconds; TRUNCATE takes a hundred)."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
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
