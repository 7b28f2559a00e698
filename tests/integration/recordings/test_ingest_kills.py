"""Whatever kills the worker, wherever: afterwards each sound of the spool is archived once, whole, in every store."""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from archive_room import Room
from dying import Mortals
from ingest_killed import REPLICA, ingest_of, room_of
from recording_voices import call
from sqlalchemy import select

from core.db import Database
from recordings.archive.ingest import fetch
from recordings.archive.sound import holds
from recordings.forms import Form
from recordings.models import Kind, Recording
from recordings.proof.check import compare
from recordings.store.models import ArchiveCopy, ArchiveKey
from recordings.store.port import SUFFIX

SERVER = Path(__file__).with_name("ingest_killed.py")
SEED = int(os.environ.get("HOTLINE_SOAK_SEED", "1"))
RANDOM = 120 if "HOTLINE_SOAK_SEED" in os.environ else 8
"""Moments thrown at random: many in `make soak`, a few in `make test`."""
LATEST_S = 0.3


@pytest.fixture(scope="module")
def worker(database_url: str) -> Iterator[Mortals]:
    started = Mortals(SERVER, database_url)
    yield started
    started.end()


@pytest.fixture
def room(db: Database, home: Path) -> Room:
    return room_of(db, home)


def noise(seconds: float, seed: int) -> bytes:
    return np.random.default_rng(seed).integers(-9000, 9000, int(seconds * 8000), "<i2").tobytes()


SOUNDS = {
    "1.1_talk1_in": noise(0.3, 1),
    "1.1_talk1_out": noise(0.4, 2),
    "1.2_talk1_out": noise(0.2, 3),
    "1.3_message": noise(0.2, 4),
    "1.4_talk1_in": b"",
    "1.4_talk1_out": b"",
}
"""What lies in the spool: a talk, one with a side missing, a message, one without a sample."""
ARCHIVED = {
    ("1.1", "talk", "stored"): (SOUNDS["1.1_talk1_in"], SOUNDS["1.1_talk1_out"]),
    ("1.2", "talk", "partial"): (b"", SOUNDS["1.2_talk1_out"]),
    ("1.3", "message", "stored"): (SOUNDS["1.3_message"],),
    ("1.4", "talk", "empty"): (),
}
"""What is archived of it: linkedid, kind, state, and each channel."""


async def fill(room: Room, node: str) -> None:
    """A spool of one node, and its calls."""
    for linkedid in ("1.1", "1.2", "1.3", "1.4"):
        await call(room.db, linkedid, node=node, seconds=1)
    for name, sound in SOUNDS.items():
        (room.spool / f"{name}.sln").write_bytes(sound)


async def recovered(room: Room, node: str) -> None:
    """What the next process does; the lock of a killed one goes with its connection, which takes a moment."""
    ingest, give_up = ingest_of(room, node), time.monotonic() + 20
    while any(room.spool.iterdir()):
        await ingest.scan()
        assert time.monotonic() < give_up, f"left: {sorted(path.name for path in room.spool.iterdir())}"
    while (await room.store.copies.lag(REPLICA)).count:
        await room.replication.step()
        assert time.monotonic() < give_up


async def wrong(room: Room, node: str) -> list[str]:
    """What is not as if nobody had been killed."""
    async with room.db.session() as session:
        rows = list(await session.scalars(select(Recording).where(Recording.node == node)))
        keys = list(await session.scalars(select(ArchiveKey.store_key)))
        copied = list(await session.scalars(select(ArchiveCopy.name).where(ArchiveCopy.store == REPLICA)))
    found = [f"{row.linkedid}: {said}" for row in rows if row.digest and (said := await compare(room.store, row))]
    got = sorted((row.linkedid, str(row.kind), str(row.state)) for row in rows)
    if got != sorted(ARCHIVED):
        found.append(f"catalogued: {got}")
    for row in rows:
        if row.digest:
            found += await sounds_wrong(room, row)
    ours = sorted(row.store_key for row in rows if row.digest)
    if sorted(one for one in keys if f"/{node}/" in one) != ours:
        found.append("not one data key for each object")
    stored = {one + SUFFIX for one in ours}
    for what, names in (("primary", listed(room.root, node)), ("replica", listed(room.home / REPLICA, node))):
        if set(names) != stored:
            found.append(f"in the {what}: {sorted(names)}")
    if listed(room.root, node) != listed(room.home / REPLICA, node):
        found.append("the replica differs")
    if {one for one in copied if f"/{node}/" in one} != stored:
        found.append("the notes of the replica differ")
    return found


def listed(root: Path, node: str) -> dict[str, bytes]:
    paths = [path for path in root.glob(f"*/*/*/{node}/*") if path.is_file()]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


async def sounds_wrong(room: Room, row: Recording) -> list[str]:
    copy = room.home / "copy"
    await fetch(room.store, row.store_key, copy)
    channels = ARCHIVED.get((row.linkedid, str(row.kind), str(row.state)), ())
    if row.kind is Kind.MESSAGE:
        source = room.home / "source"
        source.write_bytes(channels[0])
        with copy.open("rb") as sound:
            return [] if row.form is Form.OPUS and holds(sound, [source]) else [f"{row.linkedid}: sound different"]
    samples, _ = soundfile.read(copy, dtype="int16", always_2d=True)
    same = [
        samples[:, number].tobytes() == sound + bytes(2 * len(samples) - len(sound))
        for number, sound in enumerate(channels)
    ]
    return [] if all(same) else [f"{row.linkedid}: sounds different"]


async def test_a_kill_at_any_step_loses_nothing_and_doubles_nothing(room: Room, worker: Mortals) -> None:
    await fill(room, "whole")
    steps = (await worker.run(-1, home=str(room.home), node="whole"))["steps"]
    assert not await wrong(room, "whole")
    kinds = {"encode", "create", "write", "fsync", "rename", "commit", "unlink .sln", "mkdir"}
    statements = {"insert into recordings", "insert into archive_keys", "insert into archive_copies"}
    assert len(steps) >= 30 and kinds | statements <= set(steps), steps
    failures, number, lives = [], 0, True
    while lives:
        node = f"killed{number}"
        await fill(room, node)
        lives = (await worker.run(number, home=str(room.home), node=node))["killed"]
        await recovered(room, node)
        if found := await wrong(room, node):
            failures.append((number, steps[number : number + 1], found))
        number += 1
    assert number > 30
    assert not failures, f"{len(failures)} of {number}: " + "\n".join(map(str, failures))


async def test_kills_at_any_moment_lose_nothing_and_double_nothing(room: Room, worker: Mortals) -> None:
    thrown = random.Random(SEED)
    for number in range(RANDOM):
        node, lives = f"thrown{number}", thrown.randrange(1, 4)
        await fill(room, node)
        moments = [thrown.uniform(0, LATEST_S) for _ in range(lives)]
        for moment in moments:
            await worker.run(-1, moment, home=str(room.home), node=node)
        await recovered(room, node)
        found = await wrong(room, node)
        assert not found, f"seed {SEED}, number {number}, killed after {moments}: {found}"
