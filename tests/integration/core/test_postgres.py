"""The embedded PostgreSQL after deaths of every kind: it starts again, alone on its data, or says at once why not."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from core.errors import Unavailable
from core.postgres import APPLICATION, EmbeddedPostgres


@pytest.fixture
def server(home: Path) -> Iterator[EmbeddedPostgres]:
    one = EmbeddedPostgres(home / "pg")
    one.start()
    yield one
    with suppress(Unavailable):
        one.stop(immediately=True)


def stored(server: EmbeddedPostgres) -> list[int]:
    with psycopg.connect(server.owner_url) as connection:
        return [row[0] for row in connection.execute("SELECT n FROM kept ORDER BY n")]


def gone(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def test_a_killed_server_starts_again_with_what_was_committed_and_without_its_old_processes(
    server: EmbeddedPostgres,
) -> None:
    with psycopg.connect(server.owner_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)  # one that does not notice that its postmaster is gone
        pid = server.pid()
        assert pid
        os.kill(pid, signal.SIGKILL)
        with suppress(Unavailable):  # its process may still be there for a moment
            server.start()
        server.start()
        assert server.pid() not in (None, pid)
        assert gone(backend)
    assert stored(server) == [1]


def test_a_server_from_before_gets_the_applications_user(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.owner_url, autocommit=True) as connection:
        connection.execute(f"DROP ROLE {APPLICATION}")
    server.start()
    with psycopg.connect(server.url) as connection:
        found = connection.execute("SELECT rolname, rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    assert found == (APPLICATION, False)


def test_a_server_that_dies_while_it_starts_is_said_at_once(server: EmbeddedPostgres) -> None:
    server.stop()
    broken = server.folder / "data" / "postgresql.auto.conf"
    kept = broken.read_bytes()
    broken.write_bytes(b"no such setting\n")
    began = time.monotonic()
    with pytest.raises(Unavailable, match="postgres-not-starting"):
        server.start()
    assert time.monotonic() - began < 30
    broken.write_bytes(kept)
    server.start()
    with psycopg.connect(server.owner_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_stranger_in_the_data_folder_is_left_alone(server: EmbeddedPostgres) -> None:
    stranger = subprocess.Popen(["sleep", "60"], cwd=server.folder / "data")
    try:
        server.stop(immediately=True)
        server.start()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
