"""What goes wrong around an ingest that nobody kills: disks, database, clock, a second worker, files that grow."""

import asyncio
import os
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from archive_room import DAY, NOON, Room
from recording_voices import call
from sqlalchemy import select

from core import clock
from core.db import Database
from core.errors import Unavailable
from core.postgres import EmbeddedPostgres
from recordings.archive import catalogue, ingest
from recordings.archive.ingest import Ingest
from recordings.models import Recording
from recordings.proof.check import compare
from recordings.settings import MAIN
from recordings.store.folder import INCOMING, FolderStore

ID = "1700000000.1"
NODE = "node1"


@pytest.fixture
def room(db: Database, home: Path) -> Room:
    return Room(db, home)


def worker(room: Room, quiet_after_s: float = 0) -> Ingest:
    return Ingest(
        room.db,
        room.store,
        room.spool,
        work=room.home / "work",
        node=NODE,
        quiet_after_s=quiet_after_s,
        protected_years=lambda: 3,
    )


def noise(seconds: float, seed: int) -> bytes:
    return np.random.default_rng(seed).integers(-9000, 9000, int(seconds * 8000), "<i2").tobytes()


async def lay(room: Room, linkedid: str = ID, seconds: float = 0.5) -> Path:
    """A finished message in the spool."""
    await call(room.db, linkedid, seconds=1)
    path = room.spool / f"{linkedid}_message.sln"
    path.write_bytes(noise(seconds, int(linkedid.partition(".")[2])))
    return path


async def archived(room: Room) -> list[Recording]:
    """All rows; each sound is as the catalogue says."""
    async with room.db.session() as session:
        rows = list(await session.scalars(select(Recording).order_by(Recording.id)))
    assert [await compare(room.store, row) for row in rows] == [""] * len(rows)
    return rows


@contextmanager
def disk(root: Path, size: str) -> Iterator[None]:
    """A small file system of its own."""
    root.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", root], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", root], check=True)


def remount(root: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", root], check=True)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a file system of its own needs root to mount")


@needs_root
async def test_a_work_folder_without_room_holds_up_none_that_fits_into_memory(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "IN_MEMORY", 100_000)
    long, short = await lay(room, seconds=20), await lay(room, "1700000000.2")
    with disk(room.home / "work", "64k"):
        with pytest.raises(Unavailable, match="archive-full"):
            await worker(room).scan()
        assert (long.exists(), short.exists()) == (True, False)
    assert await worker(room).scan() == 1
    assert len(await archived(room)) == 2


@needs_root
async def test_what_cannot_be_removed_from_the_spool_is_archived_once_and_said(room: Room) -> None:
    with disk(room.spool, "1m"):
        path, other = await lay(room), await lay(room, "1700000000.2")
        remount(room.spool, "ro")
        for _ in range(2):
            with pytest.raises(Unavailable, match="spool-stuck"):
                await worker(room).scan()
        assert path.exists() and other.exists() and len(await archived(room)) == 2
        remount(room.spool, "rw")
        await worker(room).scan()
        assert not path.exists() and not other.exists() and len(await archived(room)) == 2


async def test_an_archive_that_is_away_keeps_the_spool(room: Room) -> None:
    path = await lay(room)
    room.root.write_text("no folder")
    with pytest.raises(Unavailable, match="archive-unavailable"):
        await worker(room).scan()
    assert path.exists() and not await archived(room)
    room.root.unlink()
    assert await worker(room).scan() == 1 and len(await archived(room)) == 1


async def test_half_an_object_in_its_place_and_leftovers_aside_are_replaced(room: Room) -> None:
    (row,) = await room.record()
    sound = room.path(row)
    whole = sound.read_bytes()
    sound.write_bytes(whole[: len(whole) // 2])
    aside = room.root / INCOMING / "0123"
    aside.write_bytes(whole[:100])
    os.utime(aside, (time.time() - 2 * 86400,) * 2)
    young = aside.with_name("4567")
    young.write_bytes(whole[:100])
    room.use({MAIN: FolderStore(room.root)})
    path = room.spool / f"{row.linkedid}_message.sln"
    path.write_bytes(np.random.default_rng(room.made).integers(-9000, 9000, 4000, "<i2").tobytes())
    os.utime(path, (row.started_at.timestamp() + row.seconds,) * 2)
    assert await worker(room).scan() == 1
    assert len(await archived(room)) == 1 and sound.read_bytes() == whole
    assert (aside.exists(), young.exists()) == (False, True), "another process may write it"


@pytest.fixture
async def own(
    postgres: EmbeddedPostgres, template: str, home: Path
) -> AsyncIterator[tuple[Room, Callable[[bool], None]]]:
    """An archive on a database of its own, and what takes the database away and gives it back."""
    name = f"outage_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(postgres.url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")

        def away(gone: bool) -> None:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {not gone}")
            if gone:
                connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

        db = Database(postgres.url_of(name), pool_size=3)
        try:
            yield Room(db, home), away
        finally:
            await db.close()
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("moment", ["before", "encode", "put", "remove"])
async def test_a_database_that_goes_away_at_any_moment_loses_nothing(
    own: tuple[Room, Callable[[bool], None]], monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    room, away = own
    path = await lay(room)
    with monkeypatch.context() as patch:
        if moment == "before":
            away(True)
        else:
            owner: Any = room.store.within(MAIN) if moment == "put" else ingest
            name = {"encode": "encode", "put": "put", "remove": "_remove"}[moment]
            real = getattr(owner, name)

            def after(*given: Any) -> Any:
                outcome = real(*given)
                away(True)
                return outcome

            async def after_put(*given: Any) -> None:
                await real(*given)
                away(True)

            patch.setattr(owner, name, after_put if moment == "put" else after)
        with pytest.raises(Unavailable):
            await worker(room).scan()
        assert path.exists() == (moment != "remove")
    away(False)
    await worker(room).scan()
    assert not path.exists() and len(await archived(room)) == 1
    assert len([one async for one in room.store.list()]) == 1


async def test_a_clock_that_was_set_back_keeps_no_recording_waiting(room: Room) -> None:
    """The file is from tomorrow, the call is unknown: quiet is counted by what this process saw."""
    path = room.spool / f"{ID}_message.sln"
    path.write_bytes(noise(0.5, 1))
    os.utime(path, (time.time() + 86400,) * 2)
    one = worker(room, quiet_after_s=0.2)
    assert await one.scan() == 0
    give_up = time.monotonic() + 10
    while path.exists() and time.monotonic() < give_up:
        await one.scan()
    assert not path.exists() and len(await archived(room)) == 1


async def test_a_clock_that_was_set_back_into_a_sealed_day_accuses_nobody(room: Room) -> None:
    await room.record()
    assert await room.seal(NOON + timedelta(days=1))
    await room.record(NOON + timedelta(hours=1))
    assert await room.checked(NOON + timedelta(days=2)) == (True, "2 份录音，未发现问题")
    assert await room.seal(NOON + timedelta(days=2))
    assert await room.checked(NOON + timedelta(days=4)) == (True, "2 份录音，未发现问题")
    first, second = await archived(room)
    assert (first.catalogued_at, second.catalogued_at) == (NOON, clock.midnight(DAY + timedelta(days=1)))


async def test_a_worker_that_lost_its_lock_and_the_next_archive_once(
    room: Room, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await lay(room)
    encoding, go_on, real = threading.Event(), threading.Event(), ingest.encode

    def slow(*given: Any) -> Any:
        """The first waits."""
        if not encoding.is_set():
            encoding.set()
            assert go_on.wait(20)
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(ingest, "encode", slow)
        first = asyncio.create_task(worker(room).scan())
        await asyncio.to_thread(encoding.wait, 20)
        assert await worker(room).scan() == 0, "the first has the lock"
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks JOIN pg_database d ON d.oid = database"
                " WHERE locktype = 'advisory' AND datname = current_database()"
            )
        assert await worker(room).scan() == 1
        assert not path.exists()
        go_on.set()
        await asyncio.gather(first, return_exceptions=True)
    assert await worker(room).scan() == 0
    assert len(await archived(room)) == 1
    assert len([one async for one in room.store.list()]) == 1


async def test_two_workers_at_the_same_row_make_one(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have lost the lock, and have read that there is no row yet."""
    await lay(room)
    meeting, real = asyncio.Barrier(2), catalogue.insert_rows

    @asynccontextmanager
    async def no_lock(*given: Any) -> AsyncIterator[object]:
        yield given

    async def together(*given: Any) -> None:
        await meeting.wait()
        await real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(ingest, "try_hold", no_lock)
        patch.setattr(catalogue, "insert_rows", together)
        outcome = await asyncio.gather(worker(room).scan(), worker(room).scan(), return_exceptions=True)
    assert 1 in outcome
    await worker(room).scan()
    assert len(await archived(room)) == 1 and not list(room.spool.iterdir())


async def test_a_file_that_grew_while_it_was_read_is_archived_whole(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await lay(room)
    real, more = ingest.encode, noise(0.3, 9)
    whole = path.read_bytes() + more

    def growing(*given: Any) -> Any:
        made = real(*given)
        with path.open("ab") as file:
            file.write(more)
        return made

    with monkeypatch.context() as patch:
        patch.setattr(ingest, "encode", growing)
        await worker(room).scan()
    assert path.exists(), "the rest has not been read"
    assert await worker(room).scan() == 1
    rows = await archived(room)
    assert not path.exists() and max(row.seconds for row in rows) == len(whole) / 16000
