"""Several stores: replicas follow through outages, stand in for the primary, mend it, and one becomes the primary."""

import asyncio
import hashlib
import io
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from archive_room import NOON, Room
from retention_room import Office
from sqlalchemy import delete, select

from core import clock
from core.db import Database
from core.errors import Conflict, Invalid, NotFound, Unavailable
from core.ledger.models import LedgerEntry
from crm import installed
from crm.installed import Installation
from recordings.models import Recording
from recordings.settings import MAIN, RecordingSettings
from recordings.store.folder import FolderStore
from recordings.store.models import ArchiveCopy, ArchiveKey
from recordings.store.port import SUFFIX, Damaged
from recordings.store.replicate import Replica
from recordings.store.suite import Suite
from recordings.store.switch import StoreIncomplete, mirror, switch
from recordings.store.vault import PLAIN

SECOND, THIRD = "disk2", "disk3"


@pytest.fixture
def room(db: Database, home: Path) -> Room:
    """A primary and two replicas, each on a disk of its own."""
    return with_replicas(db, home)


def with_replicas(db: Database, home: Path, suite: Suite | None = Suite.AES) -> Room:
    for name in (SECOND, THIRD):
        (home / name).mkdir()
    return Room(db, home, suite, {name: FolderStore(home / name, given=True) for name in (SECOND, THIRD)})


async def bytes_of(blocks: AsyncIterator[bytes]) -> bytes:
    return b"".join([block async for block in blocks])


async def ledger(room: Room, action: str) -> list[LedgerEntry]:
    async with room.db.session() as session:
        wanted = select(LedgerEntry).where(LedgerEntry.action == action).order_by(LedgerEntry.id)
        return list(await session.scalars(wanted))


async def copies(room: Room) -> dict[tuple[str, str], bool]:
    """Store and name -> whether it is verified there."""
    async with room.db.session() as session:
        return {
            (one.store, one.name): one.verified_at is not None for one in await session.scalars(select(ArchiveCopy))
        }


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".incoming" not in path.parts
    }


@pytest.mark.parametrize("suite", [Suite.AES, None], ids=["encrypted", "plain"])
async def test_each_replica_becomes_the_primary_byte_by_byte(db: Database, home: Path, suite: Suite | None) -> None:
    room = with_replicas(db, home, suite)
    await room.record(count=3)
    assert set((await copies(room)).values()) == {False}, "archived when the primary has it; the others follow"
    said = await room.replication.health()
    assert "main：主存储" in said.detail and "disk2：落后 3 份" in said.detail
    await room.replication.step()
    assert files(home / SECOND) == files(home / THIRD) == files(room.root) != {}
    assert list((await copies(room)).values()) == [True] * 6
    said = await room.replication.health()
    assert (said.ok, said.detail) == (True, "main：主存储；disk2：已同步；disk3：已同步")


async def test_a_replica_that_is_away_stops_no_other_and_catches_up(room: Room, home: Path) -> None:
    (home / SECOND).rename(home / "unplugged")
    rows = await room.record(count=2)
    with pytest.raises(Unavailable, match="archive-unavailable"):
        await room.replication.step()
    assert len(files(home / THIRD)) == 2
    assert not (home / SECOND).exists(), "nothing is written to where the disk would be"
    with clock.frozen(clock.now() + timedelta(hours=3)):
        said = await room.replication.health()
    assert not said.ok and "disk2：落后 2 份" in said.detail and "disk3：已同步" in said.detail and said.mend
    (home / "unplugged").rename(home / SECOND)
    await room.replication.step()
    assert files(home / SECOND) == files(room.root)
    assert await bytes_of(room.store.read(rows[0].store_key))


async def test_a_replica_that_is_named_later_gets_what_was_there_before(db: Database, home: Path) -> None:
    room = Room(db, home)
    await room.record(count=2)
    (home / SECOND).mkdir()
    room.use({MAIN: FolderStore(room.root), SECOND: FolderStore(home / SECOND, given=True)})
    await room.replication.step()
    assert files(home / SECOND) == files(room.root)


async def test_what_the_primary_has_lost_or_damaged_is_read_from_a_replica_and_mended_next(
    room: Room, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    row, other, intact = await room.record(count=3)
    sound = {one.id: await bytes_of(room.store.read(one.store_key)) for one in (row, other, intact)}
    await room.replication.step()
    assert (await room.checked(NOON))[0]
    room.path(row).unlink()
    data = bytearray(room.path(other).read_bytes())
    data[-20] ^= 1
    room.path(other).write_bytes(data)
    for one in (row, other):
        assert await bytes_of(room.store.read(one.store_key)) == sound[one.id]
        assert await bytes_of(room.store.read(one.store_key, 10, 2000)) == sound[one.id][10:2000]
        assert (await room.store.stat(one.store_key)).size == one.size
    assert await room.checked(NOON + timedelta(seconds=1)) == (True, "3 份录音，未发现问题"), "long before it is due"
    assert {one.subject_id for one in await ledger(room, "archive.mend")} == {str(row.id), str(other.id)}
    assert files(room.root) == files(home / SECOND)


@pytest.mark.proves("A12.9-3")
async def test_one_byte_that_flipped_is_found_named_and_mended(room: Room, home: Path) -> None:
    row, _ = await room.record(count=2)
    await room.replication.step()
    kept = room.path(row).read_bytes()
    data = bytearray(kept)
    data[len(data) // 2] ^= 1
    room.path(row).write_bytes(data)
    before = room.path(row).stat().st_ino
    assert await room.checked() == (True, "2 份录音，未发现问题")
    assert room.path(row).read_bytes() == kept
    assert room.path(row).stat().st_ino != before, "renamed into its place as a whole"
    (noted,) = await ledger(room, "archive.mend")
    assert (noted.subject, noted.subject_id) == ("recording", str(row.id))
    assert noted.detail["store"] == SECOND and "归档文件已损坏或被改动：第 1 段" in noted.detail["finding"]


async def test_a_replica_that_is_damaged_itself_mends_nothing(room: Room, home: Path) -> None:
    (row,) = await room.record()
    await room.replication.step()
    name = row.store_key + SUFFIX
    good = room.path(row).read_bytes()
    for path in (room.path(row), home / SECOND / name, home / THIRD / name):
        path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    ok, detail = await room.checked()
    assert not ok and str(row.id) in detail and not await ledger(room, "archive.mend")
    with pytest.raises(Damaged):
        await bytes_of(room.store.read(row.store_key))
    (home / THIRD / name).write_bytes(good)
    assert await room.checked(NOON + timedelta(days=9)) == (True, "1 份录音，未发现问题")
    (noted,) = await ledger(room, "archive.mend")
    assert noted.detail["store"] == THIRD


@pytest.mark.parametrize("suite", [Suite.AES, None], ids=["encrypted", "plain"])
async def test_damage_in_the_primary_is_not_copied(db: Database, home: Path, suite: Suite | None) -> None:
    room = with_replicas(db, home, suite)
    (row,) = await room.record()
    path = room.path(row) if suite else room.root / row.store_key
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    await room.replication.step()
    assert files(home / SECOND) == files(home / THIRD) == {}
    assert "已损坏" in (await room.replication.health()).detail
    path.write_bytes(good)
    with clock.frozen(clock.now() + timedelta(minutes=1)):
        await room.replication.step()
    assert files(home / SECOND) == files(home / THIRD) == files(room.root)


async def test_what_a_replica_loses_or_damages_by_itself_is_replaced_and_on_record(room: Room, home: Path) -> None:
    row, other = await room.record(count=2)
    await room.replication.step()
    first, second = (home / SECOND / (one.store_key + SUFFIX) for one in (row, other))
    data = bytearray(first.read_bytes())
    data[60] ^= 1
    first.write_bytes(data)
    second.unlink()
    later = clock.now() + timedelta(days=2)
    for minutes in (0, 1, 2):
        with clock.frozen(later + timedelta(minutes=minutes)):
            await room.replication.step()
    assert files(home / SECOND) == files(room.root)
    noted = await ledger(room, "archive.replica-wrong")
    assert {name for one in noted for name in one.detail["names"]} == {one.store_key + SUFFIX for one in (row, other)}
    assert {one.subject_id for one in noted} == {SECOND}


async def test_a_long_file_that_breaks_in_the_middle_goes_on_from_a_replica_at_that_byte(room: Room) -> None:
    data = np.random.default_rng(1).bytes(3_500_000)
    await room.store.put("attachments/1", io.BytesIO(data), hashlib.sha256(data).hexdigest())
    await room.replication.step()
    path = room.root / ("attachments/1" + SUFFIX)
    stored = bytearray(path.read_bytes())
    stored[2_500_000] ^= 1
    path.write_bytes(stored)
    _, primary = await room.store.primary()
    alone = b""
    with pytest.raises(Damaged):
        async for block in primary.read("attachments/1", 1000):
            alone += block
    assert 0 < len(alone) < 2_500_000, "the primary gives a part before it breaks"
    assert await bytes_of(room.store.read("attachments/1", 1000)) == data[1000:]


async def test_what_lies_beside_the_archive_is_not_copied(room: Room, home: Path) -> None:
    (room.root / "lost+found").mkdir(parents=True)
    (room.root / "lost+found" / "#1").write_bytes(b"x")
    (room.root / "说明 1.txt").write_bytes(b"x")
    await room.record()
    await room.replication.step()
    assert len(files(home / SECOND)) == 1 and "disk2：已同步" in (await room.replication.health()).detail


async def test_copying_is_no_faster_than_it_may_be(room: Room) -> None:
    await room.record(count=4)
    size = sum(path.stat().st_size for path in room.root.rglob("*.hla1"))
    began = time.monotonic()
    done = await Replica(room.db, room.store, SECOND, 0.05).catch_up()
    assert (done.copied, done.size) == (4, size)
    assert time.monotonic() - began >= size / 50_000


@pytest.mark.skipif(os.geteuid() != 0, reason="a file system of its own needs root to mount")
async def test_a_full_replica_stops_no_other_and_loses_nothing(room: Room, home: Path) -> None:
    with disk(home / SECOND, "64k"):
        (home / SECOND / "filler").write_bytes(bytes(60_000))
        await room.record(count=2)
        with pytest.raises(Unavailable, match="archive-full"):
            await room.replication.step()
        assert len(files(home / THIRD)) == 2
        (home / SECOND / "filler").unlink()
        await room.replication.step()
        assert files(home / SECOND) == files(room.root)


@contextmanager
def disk(root: Path, size: str) -> Iterator[None]:
    """A small file system of its own."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", root], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", root], check=True)


async def test_deleting_reaches_every_store_also_one_that_is_away(
    room: Room, home: Path, installation: Installation
) -> None:
    installed.use(installation)
    (row,), (kept,) = await room.record(), await room.record(NOON + timedelta(days=2))
    await room.replication.step()
    (home / SECOND).rename(home / "unplugged")
    await Office(room).done()
    with pytest.raises(NotFound):
        await bytes_of(room.store.read(row.store_key))
    with pytest.raises(Unavailable):
        await room.replication.step()
    (home / "unplugged").rename(home / SECOND)
    await room.replication.step()
    assert set(files(home / SECOND)) == set(files(home / THIRD)) == set(files(room.root))
    assert {name for name in files(room.root) if not name.startswith(PLAIN)} == {kept.store_key + SUFFIX}
    assert {name for _, name in await copies(room)} == set(files(room.root))
    async with room.db.session() as session:
        assert await session.scalar(select(ArchiveKey).where(ArchiveKey.store_key == row.store_key)) is None


async def test_a_copy_whose_object_never_came_is_forgotten_after_a_day(room: Room) -> None:
    await room.store.copies.want([SECOND], "2026/dead.flac")
    await room.replication.step()
    assert (SECOND, "2026/dead.flac") in await copies(room), "its put may be on the way"
    with clock.frozen(clock.now() + timedelta(days=1, minutes=1)):
        await room.replication.step()
    assert (SECOND, "2026/dead.flac") not in await copies(room)


async def test_mirroring_copies_what_is_missing_and_goes_on_where_it_was_cut(db: Database, home: Path) -> None:
    room = Room(db, home)
    await room.record(count=25)
    (home / SECOND).mkdir()
    room.use({MAIN: FolderStore(room.root), SECOND: FolderStore(home / SECOND, given=True)})
    replica = Replica(db, room.store, SECOND, None)

    def cut(copied: int, size: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await mirror(replica, cut)
    assert len(files(home / SECOND)) == 20
    inodes = {path.name: path.stat().st_ino for path in (home / SECOND).rglob("*.hla1")}
    told: list[tuple[int, int]] = []
    done = await mirror(replica, lambda *so_far: told.append(so_far))
    assert (done.copied, done.failed, told[-1][0]) == (5, (), 5)
    assert files(home / SECOND) == files(room.root)
    after = {path.name: path.stat().st_ino for path in (home / SECOND).rglob("*.hla1")}
    assert {name: after[name] for name in inodes} == inodes


async def test_only_a_whole_store_becomes_the_primary_and_the_old_one_follows_it(room: Room, home: Path) -> None:
    rows = await room.record(count=21)
    with pytest.raises(StoreIncomplete, match="还缺 21 份") as refused:
        await switch(room.db, room.store, SECOND)
    assert rows[0].store_key in refused.value.message and "mirror --to disk2" in refused.value.message
    await room.replication.step()
    copy, good = home / SECOND / (rows[0].store_key + SUFFIX), room.path(rows[0]).read_bytes()
    copy.unlink()
    room.path(rows[0]).write_bytes(good[:-1])
    with pytest.raises(StoreIncomplete, match=f"还缺 1 份，不能成为主存储：{rows[0].store_key}。"):
        await switch(room.db, room.store, SECOND)
    room.path(rows[0]).write_bytes(good)
    with clock.frozen(clock.now() + timedelta(minutes=1)):
        assert await switch(room.db, room.store, SECOND) == MAIN, "the last few are copied in its moment"
    with pytest.raises(Conflict, match="already-primary"):
        await switch(room.db, room.store, SECOND)
    await room.record()
    await room.replication.step()
    assert files(home / SECOND) == files(home / THIRD) == files(room.root)
    assert len(files(home / SECOND)) == 22
    assert (await room.replication.health()).detail == "main：已同步；disk2：主存储；disk3：已同步"
    assert await room.checked() == (True, "22 份录音，未发现问题")
    (noted,) = await ledger(room, "archive.switch")
    assert (noted.subject_id, noted.detail["before"]) == (SECOND, MAIN)


async def test_a_primary_that_is_lost_for_good_is_replaced_by_the_notes_and_the_catalogue(
    room: Room, home: Path
) -> None:
    room.root.mkdir()
    others = {name: FolderStore(home / name, given=True) for name in (SECOND, THIRD)}
    room.use({MAIN: FolderStore(room.root, given=True), **others})
    (row,) = await room.record()
    await room.replication.step()
    room.root.rename(home / "burnt")
    with pytest.raises(Unavailable):
        await switch(room.db, room.store, SECOND)
    assert await switch(room.db, room.store, SECOND, lost=True) == MAIN
    assert await bytes_of(room.store.read(row.store_key))
    await room.record()
    with pytest.raises(Unavailable):
        await room.replication.step()
    await room.record()
    room.root.mkdir()
    await room.replication.step()
    assert files(room.root) == files(home / SECOND), "a new disk in its place is filled"


async def test_whoever_stores_while_the_primary_changes_stores_in_the_new_one(
    room: Room, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The switch comes between the old primary's put and the moment in which that is noticed."""
    real = room.store.within(MAIN).put
    held, go_on = asyncio.Event(), asyncio.Event()

    async def slow(*given: object) -> None:
        held.set()
        await go_on.wait()
        await real(*given)

    room.store.within(MAIN).put = slow
    data = b"an attachment"
    digest = hashlib.sha256(data).hexdigest()
    putting = asyncio.create_task(room.store.put("attachments/1", io.BytesIO(data), digest))
    await held.wait()
    monkeypatch.setattr("recordings.store.switch.MOMENT_S", 0.2)
    with pytest.raises(StoreIncomplete, match="attachments/1"):
        await switch(room.db, room.store, SECOND)
    async with room.db.session() as session:  # as if the switch had come before the note
        await session.execute(delete(ArchiveCopy).where(ArchiveCopy.store == SECOND))
    assert await switch(room.db, room.store, SECOND) == MAIN
    go_on.set()
    await putting
    assert "attachments/1.hla1" in files(home / SECOND)
    await room.replication.step()
    assert files(home / SECOND) == files(home / THIRD) == files(room.root)


async def test_a_store_that_nobody_named_is_refused(room: Room) -> None:
    with pytest.raises(Invalid, match="store-unknown"):
        await switch(room.db, room.store, "elsewhere")
    for wrong in (
        {"main": {"folder": "/x"}},
        {"Disk": {"folder": "/x"}},
        {"a": {}},
        {"a": {"folder": "/x", "s3": {"bucket": "b"}}},
    ):
        with pytest.raises(ValueError, match=r"副本名称|其中一项"):
            RecordingSettings.model_validate({"replicas": wrong})


async def test_what_is_found_stays_on_the_row_only_while_it_is_wrong(room: Room) -> None:
    (row,) = await room.record()
    room.path(row).unlink()
    assert not (await room.checked())[0], "no replica has it yet"
    async with room.db.session() as session:
        assert (await session.get_one(Recording, row.id)).finding == "归档文件不存在"
