"""Whatever lies in the spool beside recordings does no harm, is not lost, and holds up no recording."""

import asyncio
import ctypes
import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from archive_room import Room
from recording_voices import call
from sqlalchemy import func, select, text

from core.db import Database
from core.errors import Unavailable
from recordings.archive.ingest import Ingest, fetch
from recordings.archive.rules import LONGEST_S, RATE
from recordings.models import Recording
from recordings.proof.check import compare

SECRET = b"what the spool has no business with"
STEM = "1700000000.1"
Make = Callable[[Path], object]


def holding(data: bytes) -> Make:
    return lambda path: path.write_bytes(data)


def sparse(size: int) -> Make:
    def make(path: Path) -> None:
        path.touch()
        os.truncate(path, size)

    return make


def link(to: str) -> Make:
    return lambda path: path.symlink_to(to)


def bound(path: Path) -> None:
    """A socket's name."""
    os.chdir(path.parent)  # its address has at most 107 bytes
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


SAMPLES = np.random.default_rng(1).integers(-9000, 9000, 1600, "<i2").tobytes()
NOT_OURS: dict[str, Make] = {
    # names that only look like ours
    **{
        name: holding(SAMPLES)
        for name in (
            "notes.txt",
            "_message.sln",
            ".sln",
            "..sln",
            "-rf_message.sln",
            ".hidden_message.sln",
            f"{STEM}_message",
            f"{STEM}_message.SLN",
            f"{STEM}_message.sln.tmp",
            f"{STEM}_message.sln ",
            f" {STEM}_message.sln",
            f"{STEM}_message.sln\n",
            f"{STEM}\n_message.sln",
            f"x\n{STEM}_message.sln",
            f"{STEM}\r_message.sln",
            f"{STEM}\t_message.sln",
            f"{STEM}_talk_in.sln",
            f"{STEM}_talk0_in.sln",
            f"{STEM}_talk-1_in.sln",
            f"{STEM}_talk01_in.sln",
            f"{STEM}_talk99999_in.sln",
            f"{STEM}_talk1_up.sln",
            f"{STEM}_talk1_in.wav",
            f"{STEM}_talk１_in.sln",
            f"{STEM}_message.ｓln",
            f"{STEM};rm -rf ~_message.sln",
            f"{STEM}'_message.sln",
            f'{STEM}"_message.sln',
            f"{STEM}$(reboot)_message.sln",
            f"{STEM}`id`_message.sln",
            f"{STEM}|_message.sln",
            f"{STEM}*_message.sln",
            f"{STEM}?_message.sln",
            f"{STEM}%2e%2e%2f_message.sln",
            f"{STEM}\\..\\_message.sln",
            f"{STEM}‮_message.sln",
            f"{STEM}\u200b_message.sln",
            "录音_message.sln",
            "📞_message.sln",
            "é_message.sln",
            "' OR 1=1 --_message.sln",
            "{0}_message.sln",
            "%s_message.sln",
            "x" * 129 + "_message.sln",
            "x" * 250,
            "~",
            "core",
            "\x7f_message.sln",
            "\x1b[2J_message.sln",
            os.fsdecode(b"\xff\xfe_message.sln"),
        )
    },
    # our names that are no files
    "1700000001.1_message.sln": lambda path: path.mkdir(),
    "1700000001.2_talk1_in.sln": lambda path: (path.mkdir(), (path / "1.1_message.sln").write_bytes(SAMPLES)),
    "1700000001.3_message.sln": os.mkfifo,
    "1700000001.4_talk1_out.sln": os.mkfifo,
    "1700000001.5_message.sln": bound,
    "1700000001.6_message.sln": link("../secret"),
    "1700000001.7_talk1_in.sln": link("../secret"),
    "1700000001.8_message.sln": link("/etc/passwd"),
    "1700000001.9_message.sln": link("/dev/zero"),
    "1700000001.10_message.sln": link("nowhere"),
    "1700000001.11_message.sln": link("1700000001.11_message.sln"),
    "1700000001.12_message.sln": link("."),
    "1700000001.13_message.sln": link("/proc/self/mem"),
    "subfolder": lambda path: (path.mkdir(), (path / "1.1_message.sln").write_bytes(SAMPLES)),
    "1700000001.14_message.sln.d": lambda path: path.mkdir(),
}
"""Stay where they are."""
OURS: dict[str, tuple[Make, str, int]] = {
    "1700000002.1_message.sln": (holding(b""), "empty", 0),
    "1700000002.2_message.sln": (holding(b"x"), "empty", 0),
    "1700000002.3_message.sln": (holding(b"xy"), "stored", 1),
    "1700000002.4_message.sln": (holding(b"xyz"), "stored", 1),
    "1700000002.5_message.sln": (holding(SAMPLES + b"x"), "stored", 1600),
    "1700000002.6_talk1_in.sln": (holding(SAMPLES), "partial", 1600),
    "1700000002.7_talk1_out.sln": (holding(SAMPLES[:-1]), "partial", 1599),
    "1700000002.8_talk9999_in.sln": (holding(SAMPLES), "partial", 1600),
    "1700000002.9_message.sln": (holding(b"\x00" * 4000), "stored", 2000),
    "1700000002.10_message.sln": (holding(b"\xff\x7f\x00\x80" * 500), "stored", 1000),
    "1700000002.11_message.sln": (holding(b"RIFF\x00\x00\x00\x00WAVEfmt " * 10), "stored", 80),
    "1700000002.12_message.sln": (holding(b"fLaC" * 100), "stored", 200),
    "1700000002.13_message.sln": (holding(b"\x00"), "empty", 0),
    "1700000002.14_message.sln": (sparse(2 * RATE * 600), "stored", RATE * 600),
    "x" * 128 + "_message.sln": (holding(SAMPLES), "stored", 1600),
    "a..b_message.sln": (holding(SAMPLES), "stored", 1600),
    "0_message.sln": (holding(SAMPLES), "stored", 1600),
}
"""Odd, and ours: state, and samples in the archive."""
TOO_LONG = {
    "1700000003.1_message.sln": sparse(2 * RATE * LONGEST_S + 2),
    "1700000003.2_talk1_in.sln": sparse(1 << 42),
}
"""Stay, and health says so."""


@pytest.fixture
def room(db: Database, home: Path) -> Room:
    (home / "spool" / "secret").parent.mkdir(parents=True)
    (home / "spool" / "secret").write_bytes(SECRET)
    return Room(db, home)


def ingest_of(room: Room) -> Ingest:
    return Ingest(
        room.db,
        room.store,
        room.spool,
        work=room.home / "work",
        node="node1",
        quiet_after_s=0,
        protected_years=lambda: 3,
    )


async def test_eighty_strangers_do_no_harm(
    room: Room, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(NOT_OURS) + len(OURS) + len(TOO_LONG) >= 80
    monkeypatch.chdir(room.spool)
    for name, make in {**NOT_OURS, **TOO_LONG, **{name: make for name, (make, *_) in OURS.items()}}.items():
        make(room.spool / name)
    await call(room.db, STEM, seconds=1)
    (room.spool / f"{STEM}_message.sln").write_bytes(SAMPLES)
    ingest = ingest_of(room)
    for _ in range(2):
        with pytest.raises(Unavailable, match="recording-unreadable"):
            await ingest.scan()
    assert {entry.name for entry in os.scandir(room.spool)} == set(NOT_OURS) | set(TOO_LONG)
    assert (room.home / "spool" / "secret").read_bytes() == SECRET
    async with room.db.session() as session:
        rows = {row.linkedid: row for row in await session.scalars(select(Recording))}
    assert set(rows) == {STEM} | {name.rsplit("_", 2 if "_talk" in name else 1)[0] for name in OURS}
    for name, (_, state, samples) in OURS.items():
        row = rows[name.rsplit("_", 2 if "_talk" in name else 1)[0]]
        assert (row.state, round(row.seconds * RATE)) == (state, samples), name
        assert not row.digest or await compare(room.store, row) == "", name
    for path in room.root.rglob("*"):
        assert path.is_dir() or (path.is_file() and not path.is_symlink())
    said = capsys.readouterr().out
    assert said.count("spool.not-ours") == 1 and f"count\x1b[0m=\x1b[35m{len(NOT_OURS)}" in said, "named once"
    assert said.count("recording.refused") == len(TOO_LONG)


async def test_what_is_archived_of_an_odd_file_is_what_it_held(room: Room) -> None:
    data = b"RIFF\x00\x00\x00\x00WAVEfmt " * 10
    (room.spool / f"{STEM}_message.sln").write_bytes(data)
    assert await ingest_of(room).scan() == 1
    async with room.db.session() as session:
        row = (await session.scalars(select(Recording))).one()
    await fetch(room.store, row.store_key, room.home / "copy.flac")
    samples, _ = soundfile.read(room.home / "copy.flac", dtype="int16")
    assert samples.tobytes() == data


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Sets(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


@contextmanager
def modes_in_force() -> Iterator[None]:
    """Closed files are closed to this thread and those it starts, though it may be root's (capabilities(7))."""
    libc, header, sets = ctypes.CDLL(None, use_errno=True), _Header(0x20080522, 0), (_Sets * 2)()
    assert libc.capget(ctypes.byref(header), sets) == 0
    before = sets[0].effective
    sets[0].effective = before & ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    assert libc.capset(ctypes.byref(header), sets) == 0
    try:
        yield
    finally:
        sets[0].effective = before
        assert libc.capset(ctypes.byref(header), sets) == 0


async def test_a_file_that_may_not_be_read_holds_up_no_other(room: Room) -> None:
    names = [f"1700000000.{number}_message.sln" for number in (1, 2, 3)]
    for name in names:
        (room.spool / name).write_bytes(SAMPLES)
    (room.spool / names[1]).chmod(0)
    await connected(room.db)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
    with modes_in_force(), pytest.raises(Unavailable, match="spool-unreadable"):
        await ingest_of(room).scan()
    assert [path.name for path in room.spool.iterdir()] == [names[1]]
    async with room.db.session() as session:
        assert await session.scalar(select(func.count()).select_from(Recording)) == 2
    (room.spool / names[1]).chmod(0o600)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
    assert await ingest_of(room).scan() == 1


async def connected(db: Database) -> None:
    """The pool has its connections: later none needs to be opened."""
    meeting = asyncio.Barrier(4)

    async def one() -> None:
        async with db.session() as session:
            await session.execute(text("SELECT 1"))
            await meeting.wait()

    await asyncio.gather(*(one() for _ in range(4)))
