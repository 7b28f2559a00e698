"""From the spool to the archive on a real database: whole, odd, absent and interrupted recordings."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
import soundfile
from recording_voices import call
from sqlalchemy import func, select

from callflow.incidents.models import Incident
from callflow.models import Call
from core import board, clock
from core.actor import Actor
from core.db import Database
from core.errors import Denied, Invalid, Unavailable
from core.health import Health
from core.ledger.models import LedgerEntry
from core.permissions import Role
from recordings.archive import catalogue, incidents, ingest, playback
from recordings.archive.ingest import Ingest
from recordings.archive.space import SpoolSpace
from recordings.desk.waveform import waveform
from recordings.forms import Encoding
from recordings.models import Kind, Recording, RecordingState
from recordings.store.folder import FolderStore

LISTENER = Actor(None, "王档案", frozenset({Role.ARCHIVIST}))
AGENT = Actor(None, "李话务", frozenset({Role.AGENT}))
ID = "1700000000.1"
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def noise(seconds: float, seed: int) -> bytes:
    return np.random.default_rng(seed).integers(-9000, 9000, int(seconds * 8000), "<i2").tobytes()


class Spool:
    """A spool, an archive and an ingest between them."""

    def __init__(self, db: Database, home: Path) -> None:
        self.folder = home / "spool" / "recordings"
        self.folder.mkdir(parents=True)
        self.store = FolderStore(home / "archive")
        self.work = home / "work"
        self.use(db, self.store)

    def use(self, db: Database, store: FolderStore) -> None:
        self.store = store
        self.ingest = Ingest(
            db, store, self.folder, work=self.work, node="node1", quiet_after_s=30, protected_years=lambda: 3
        )

    def put(self, name: str, data: bytes, quiet_s: float = 0) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        os.utime(path, (time.time() - quiet_s,) * 2)
        return path

    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if path.is_file())


@pytest.fixture
def spool(db: Database, home: Path) -> Spool:
    return Spool(db, home)


async def only(db: Database) -> Recording:
    async with db.session() as session:
        return (await session.scalars(select(Recording))).one()


async def count(db: Database) -> int:
    async with db.session() as session:
        return (await session.scalar(select(func.count()).select_from(Recording))) or 0


async def sound(store: FolderStore, row: Recording, tmp_path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    path = tmp_path / "back.flac"
    data = b"".join([block async for block in store.read(row.store_key)])
    assert hashlib.sha256(data).hexdigest() == row.digest
    path.write_bytes(data)
    samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    assert rate == 8000
    return np.asarray(samples)


async def test_two_directions_become_one_lossless_stereo_file(db: Database, spool: Spool, tmp_path: Path) -> None:
    call_id = await call(db, seconds=3)
    citizen, other = noise(3, 1), noise(3, 2)
    spool.put(f"{ID}_talk1_in.sln", citizen)
    spool.put(f"{ID}_talk1_out.sln", other)
    assert await spool.ingest.scan() == 1
    row = await only(db)
    samples = await sound(spool.store, row, tmp_path)
    assert samples[:, 0].tobytes() == citizen
    assert samples[:, 1].tobytes() == other
    assert (row.call_id, row.kind, row.part, row.channels, row.state) == (call_id, Kind.TALK, 1, 2, "stored")
    assert row.seconds == 3
    assert row.protected_until.year == clock.local(row.started_at).year + 3
    assert spool.left() == []
    assert await spool.ingest.scan() == 0


REFUSING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'not this one' USING ERRCODE = 'check_violation'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON recordings FOR EACH ROW WHEN (NEW.linkedid = '1700000000.2') EXECUTE FUNCTION
  refuse();
"""


@contextmanager
def refusing(url: str) -> Iterator[None]:
    """A catalogue that takes every row but that of the second call."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(REFUSING)
        try:
            yield
        finally:
            connection.execute("DROP FUNCTION refuse CASCADE")


async def test_a_row_that_is_refused_holds_up_no_other(db: Database, spool: Spool, owner_url: str) -> None:
    for n in (1, 2, 3):
        await call(db, f"1700000000.{n}", seconds=1)
        spool.put(f"1700000000.{n}_talk1_in.sln", noise(1, n))
        spool.put(f"1700000000.{n}_talk1_out.sln", noise(1, n + 10))
    with refusing(owner_url):
        for _ in range(2):
            with pytest.raises(Unavailable, match=r"录音 1700000000\.2_talk1 无法归档"):
                await spool.ingest.scan()
            assert spool.left() == ["1700000000.2_talk1_in.sln", "1700000000.2_talk1_out.sln"]
            assert await count(db) == 2
    assert await spool.ingest.scan() == 1
    assert (spool.left(), await count(db)) == ([], 3)


@pytest.mark.parametrize(
    ("left", "right", "state", "samples"),
    [
        (noise(1, 1)[:-1], noise(2, 2), RecordingState.STORED, 16000),
        (None, noise(1, 2), RecordingState.PARTIAL, 8000),
        (noise(1, 1), b"", RecordingState.PARTIAL, 8000),
        (b"", b"", RecordingState.EMPTY, 0),
        (b"x", None, RecordingState.EMPTY, 0),
    ],
    ids=["odd and uneven", "no citizen", "silent other", "nothing", "half a sample"],
)
async def test_odd_files(
    db: Database, spool: Spool, left: bytes | None, right: bytes | None, state: RecordingState, samples: int
) -> None:
    await call(db, seconds=3)
    if left is not None:
        spool.put(f"{ID}_talk1_in.sln", left)
    if right is not None:
        spool.put(f"{ID}_talk1_out.sln", right)
    assert await spool.ingest.scan() == 1
    row = await only(db)
    assert (row.state, row.seconds) == (state, samples / 8000)
    assert spool.left() == []


async def test_a_call_that_goes_on_is_left_alone(db: Database, spool: Spool) -> None:
    await call(db)
    spool.put(f"{ID}_talk1_in.sln", noise(1, 1), quiet_s=5)
    assert await spool.ingest.scan() == 0
    assert spool.left() == [f"{ID}_talk1_in.sln"]
    spool.put(f"{ID}_talk1_in.sln", noise(1, 1), quiet_s=40)
    assert await spool.ingest.scan() == 1


@contextmanager
def being_written(path: Path) -> Iterator[None]:
    """Another process has the file open."""
    program = "import sys; f = open(sys.argv[1], 'ab'); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout and writer.stdout.readline() == "open\n"
        yield
        writer.communicate()


async def test_a_file_that_is_being_written_is_left_alone(db: Database, spool: Spool) -> None:
    await call(db, seconds=1)
    with being_written(spool.put(f"{ID}_message.sln", noise(1, 1), quiet_s=99)):
        assert await spool.ingest.scan() == 0
    assert await spool.ingest.scan() == 1


async def test_an_unknown_call_is_archived_and_adopted_later(db: Database, spool: Spool) -> None:
    spool.put(f"{ID}_talk1_in.sln", noise(1, 1), quiet_s=60)
    assert await spool.ingest.scan() == 1
    assert (await only(db)).call_id is None
    call_id = await call(db, seconds=1)
    await spool.ingest.scan()
    assert (await only(db)).call_id == call_id


async def test_files_that_are_not_ours_stay(db: Database, spool: Spool) -> None:
    spool.put("notes.txt", b"x", quiet_s=99)
    (spool.folder / "a_message.sln").mkdir()
    assert await spool.ingest.scan() == 0
    assert spool.left() == ["notes.txt"]


class Crash(BaseException):
    """The process dies here."""


STEPS = ["recordings.archive.ingest.encode", "recordings.archive.ingest._remove"]


@pytest.mark.parametrize("step", [*STEPS, "put", "publish"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_at_any_step_loses_nothing_and_doubles_nothing(
    db: Database, spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    await call(db, seconds=2)
    citizen, other = noise(2, 1), noise(2, 2)
    spool.put(f"{ID}_talk1_in.sln", citizen)
    spool.put(f"{ID}_talk1_out.sln", other)
    with monkeypatch.context() as patch:
        _die_at(patch, spool, step, when)
        with pytest.raises(Crash):
            await spool.ingest.scan()
    await spool.ingest.scan()
    row = await only(db)
    samples = await sound(spool.store, row, tmp_path)
    assert (samples[:, 0].tobytes(), samples[:, 1].tobytes()) == (citizen, other)
    assert spool.left() == []
    kept = [stat.key async for stat in spool.store.list()]
    assert kept == [row.store_key]


def _die_at(patch: pytest.MonkeyPatch, spool: Spool, step: str, when: str) -> None:
    owners: dict[str, tuple[Any, str]] = {"put": (spool.store, "put"), "publish": (catalogue, "publish")}
    owner, name = owners.get(step, (ingest, step.rsplit(".", 1)[-1]))
    real = getattr(owner, name)
    if name in {"encode", "_remove"}:

        def dying(*args: object) -> object:
            if when == "before":
                raise Crash
            real(*args)
            raise Crash

        patch.setattr(owner, name, dying)
        return

    async def dying_later(*args: object) -> object:
        if when == "before":
            raise Crash
        await real(*args)
        raise Crash

    patch.setattr(owner, name, dying_later)


async def test_the_same_name_with_another_sound_is_another_part(db: Database, spool: Spool) -> None:
    await call(db, seconds=1)
    for seed in (1, 2, 1):
        spool.put(f"{ID}_talk1_in.sln", noise(1, seed))
        await spool.ingest.scan()
    async with db.session() as session:
        assert sorted((await session.scalars(select(Recording.part))).all()) == [1, 2]


@contextmanager
def small_disk(root: Path) -> Iterator[None]:
    root.mkdir(exist_ok=True)
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", root], check=False).returncode
    ):
        pytest.skip("a small file system needs root to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", root], check=True)


@pytest.fixture
def small_archive(spool: Spool, db: Database) -> Iterator[Spool]:
    root = spool.folder.parents[1] / "small"
    with small_disk(root):
        spool.use(db, FolderStore(root))
        yield spool


async def test_a_full_spool_is_still_emptied(db: Database, spool: Spool) -> None:
    await call(db, seconds=1)
    with small_disk(spool.folder):
        spool.put(f"{ID}_talk1_in.sln", noise(0.5, 1))
        with suppress(OSError):
            spool.put("filler", bytes(100_000))
        assert shutil.disk_usage(spool.folder).free == 0
        assert await spool.ingest.scan() == 1
        assert spool.left() == ["filler"]
    assert (await only(db)).seconds == 0.5


async def test_who_waited_in_vain_has_no_recording_and_leaves_no_file(db: Database, spool: Spool) -> None:
    call_id = await call(db, seconds=9)
    async with db.session() as session:
        (await session.get_one(Call, call_id)).connected_at = None
    spool.put(f"{ID}_talk1_in.sln", b"")
    spool.put(f"{ID}_talk1_out.sln", b"")
    spool.put(f"{ID}_message.sln", noise(1, 1))
    assert await spool.ingest.scan() == 2
    assert spool.left() == []
    assert (await only(db)).kind is Kind.MESSAGE


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "one after the other"])
async def test_what_a_caller_leaves_behind_who_keeps_the_place_is_no_talk(
    db: Database, spool: Spool, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    """The queue's recorder closed empty files; what was said when the citizen was called back is another part."""
    monkeypatch.setattr(ingest, "BATCH", 50 if at_once else 1)
    call_id = await call(db)
    for side in ("in", "out"):
        spool.put(f"{ID}_talk1_{side}.sln", b"", quiet_s=99)
    assert await spool.ingest.scan() == 0
    async with db.session() as session:
        (await session.get_one(Call, call_id)).ended_at = clock.now()
    said = spool.put(f"{ID}_talk11_out.sln", noise(1, 1))
    with being_written(spool.put(f"{ID}_talk11_in.sln", noise(1, 1))):
        assert await spool.ingest.scan() == 0
    assert said.exists()
    assert await spool.ingest.scan() == 2
    row = await only(db)
    assert (row.state, row.part, spool.left()) == (RecordingState.STORED, 11, [])


async def test_nobody_waits_for_the_end_of_a_call_that_is_unknown(db: Database, spool: Spool) -> None:
    spool.put(f"{ID}_talk1_in.sln", b"", quiet_s=29)
    assert await spool.ingest.scan() == 0
    spool.put(f"{ID}_talk1_in.sln", b"", quiet_s=31)
    assert await spool.ingest.scan() == 1
    assert (await only(db)).state is RecordingState.EMPTY


async def test_a_sound_too_long_for_memory_goes_through_a_file_without_a_name(
    db: Database, spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await call(db, seconds=2)
    spool.put(f"{ID}_message.sln", noise(2, 1))
    monkeypatch.setattr(ingest, "IN_MEMORY", 1000)
    real, names = ingest.encode, []

    def watched(sources: list[Path | None], target: Any, encoding: Encoding) -> object:
        made = real(sources, target, encoding)
        names.extend([os.fstat(target.fileno()).st_nlink, list(spool.work.iterdir())])
        return made

    monkeypatch.setattr(ingest, "encode", watched)
    assert await spool.ingest.scan() == 1
    assert names == [0, []], "a file, of which a killed process leaves nothing"
    assert (await sound(spool.store, await only(db), tmp_path)).tobytes() == noise(2, 1)


async def test_health_of_the_spool_says_when_room_is_short(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free // 2**20
    assert (await SpoolSpace(tmp_path, 0).health()).ok
    short = await SpoolSpace(tmp_path, free * 2).health()
    assert not short.ok
    assert "MB" in short.detail
    assert not (await SpoolSpace(tmp_path / "absent", 0).health()).ok


async def test_minutes_without_room_are_incidents(db: Database) -> None:
    async def said(ok: bool) -> list[tuple[str, int, bool]]:
        async with db.session() as session:
            await board.write(session, "worker@node1", [Health("录音归档", ok, ""), Health("录音暂存区", True, "")])
        await incidents.observe(db)
        async with db.session() as session:
            rows = (await session.scalars(select(Incident))).all()
        return [(row.kind, row.minutes, row.closed_at is None) for row in rows]

    with clock.frozen(NOW):
        assert await said(True) == []
        assert await said(False) == [("archive-away", 1, True)]
        assert await said(False) == [("archive-away", 1, True)]
    with clock.frozen(NOW + timedelta(minutes=1)):
        await incidents.observe(db)
        assert await said(False) == [("archive-away", 2, True)]
        assert await said(True) == [("archive-away", 2, False)]


def grow(root: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=2m", root], check=True)


async def test_a_full_archive_keeps_the_spool_until_there_is_room(db: Database, small_archive: Spool) -> None:
    await call(db, seconds=8)
    await call(db, "1700000000.2", seconds=1)
    small_archive.put(f"{ID}_talk1_in.sln", noise(8, 1))
    small_archive.put("1700000000.2_message.sln", noise(0.5, 1))
    with pytest.raises(Unavailable, match="archive-full"):
        await small_archive.ingest.scan()
    assert small_archive.left() == [f"{ID}_talk1_in.sln"], "the one that fits is archived, the other is kept"
    grow(small_archive.folder.parents[1] / "small")
    assert await small_archive.ingest.scan() == 1
    assert await count(db) == 2


async def test_listening_needs_a_right_and_a_reason_and_is_on_record(db: Database, spool: Spool) -> None:
    await call(db, seconds=2)
    spool.put(f"{ID}_message.sln", noise(2, 1))
    await spool.ingest.scan()
    row = await only(db)
    async with db.session() as session:
        with pytest.raises(Denied):
            await playback.open_range(session, spool.store, AGENT, row.id, None, "核实")
        with pytest.raises(Invalid, match="reason-needed"):
            await playback.open_range(session, spool.store, LISTENER, row.id, None, "  ")
        whole = await playback.open_range(session, spool.store, LISTENER, row.id, None, "核实投诉")
        part = await playback.open_range(session, spool.store, LISTENER, row.id, "bytes=10-19", "核实投诉")
        for span in ("bytes=0-", "bytes=20-29"):
            await playback.open_range(session, spool.store, LISTENER, row.id, span, "抽查", "sitting-1")
        data = b"".join([block async for block in whole.content])
        assert hashlib.sha256(data).hexdigest() == row.digest == whole.digest
        assert b"".join([block async for block in part.content]) == data[10:20]
        assert part.partial and not whole.partial
    with pytest.raises(Denied):
        await waveform(db, spool.store, AGENT, row.id)
    shape = await waveform(db, spool.store, LISTENER, row.id)
    assert (shape.channels, len(shape.points), max(shape.points)) == (1, 20, 255)
    async with db.session() as session:
        looks = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "recording.listen"))).all()
    assert [(look.actor_name, look.reason, look.subject_id) for look in looks] == [
        ("王档案", "核实投诉", str(row.id)),
        ("王档案", "核实投诉", str(row.id)),
        ("王档案", "抽查", str(row.id)),
    ], "each look, and of one sitting's ranges only the first"
