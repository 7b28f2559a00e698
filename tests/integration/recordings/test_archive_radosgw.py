"""The archive in a real S3 service that checks every signature and keeps what is locked: Ceph's gateway."""

import base64
import hashlib
import io
import os
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import obstore
import pytest
from archive_room import NOON, Room
from radosgw_server import Gateway
from retention_room import Office

from core import clock
from core.db import Database
from core.errors import NotFound, Unavailable
from crm import installed
from crm.installed import Installation
from hotline.setup import radosgw
from recordings.models import Recording
from recordings.settings import MAIN
from recordings.store.bucket import BucketStore
from recordings.store.folder import FolderStore
from recordings.store.port import SUFFIX, Damaged
from recordings.store.vault import PLAIN

pytestmark = pytest.mark.xdist_group("radosgw")  # one gateway, in one process


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    found = radosgw.find()
    assert found, "hotline setup --tests installs it"
    server = Gateway(found, tmp_path_factory.mktemp("radosgw"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def bucket(gateway: Gateway, request: pytest.FixtureRequest) -> str:
    """A bucket of this test's own."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:60].strip("-")
    gateway.make_bucket(name)
    return name


async def bytes_of(blocks: AsyncIterator[bytes]) -> bytes:
    return b"".join([block async for block in blocks])


async def put(store: BucketStore, key: str, data: bytes) -> None:
    await store.put(key, io.BytesIO(data), hashlib.sha256(data).hexdigest())


async def test_short_and_long_files_any_range_and_long_lists(gateway: Gateway, bucket: str) -> None:
    store = BucketStore.s3(gateway.settings(bucket, prefix="county"))
    long, short = os.urandom(12_000_001), os.urandom(1000)
    await put(store, "2026/11/23/long", long)
    await put(store, "2026/11/23/long", long)
    assert (await store.stat("2026/11/23/long")).size == len(long)
    assert await bytes_of(store.read("2026/11/23/long")) == long
    assert await bytes_of(store.read("2026/11/23/long", 5_242_870, 5_242_900)) == long[5_242_870:5_242_900]
    assert await bytes_of(store.read("2026/11/23/long", len(long) - 5, len(long) + 5)) == long[-5:]
    for number in range(12):
        await put(store, f"2026/11/24/{number:02}", short)
    assert [one.key async for one in store.list("2026/11/24/")] == [f"2026/11/24/{number:02}" for number in range(12)]
    await store.delete("2026/11/24/00")
    await store.delete("2026/11/24/00")
    with pytest.raises(NotFound):
        await store.stat("2026/11/24/00")


@pytest.mark.parametrize(
    "wrong", [{"secret_access_key": "not the secret"}, {"access_key_id": "NOBODY"}], ids=["secret", "key"]
)
async def test_who_does_not_know_the_secret_reads_writes_and_deletes_nothing(
    gateway: Gateway, bucket: str, wrong: dict[str, str]
) -> None:
    right, other = (BucketStore.s3(gateway.settings(bucket, **more)) for more in ({}, wrong))
    await put(right, "a", b"sound")
    for act in (other.stat("a"), bytes_of(other.read("a")), put(other, "b", b"x"), other.delete("a")):
        with pytest.raises(Unavailable, match="archive-unavailable"):
            await act
    with pytest.raises(Unavailable):
        await anext(other.list())
    assert [one.key async for one in right.list()] == ["a"]


async def test_a_bucket_that_is_not_there_takes_nothing_and_is_no_missing_file(gateway: Gateway) -> None:
    store = BucketStore.s3(gateway.settings("never-made"))
    for act in (put(store, "a", b"sound"), store.stat("a"), bytes_of(store.read("a")), anext(store.list())):
        with pytest.raises(Unavailable, match="archive-unavailable"):
            await act


def room_in(gateway: Gateway, bucket: str, db: Database, home: Path) -> Room:
    """The primary a bucket, a folder its replica."""
    room = Room(db, home)
    (home / "disk2").mkdir()
    folder = FolderStore(home / "disk2", given=True)
    room.use({MAIN: BucketStore.s3(gateway.settings(bucket)), "disk2": folder})
    return room


async def test_a_locked_bucket_keeps_what_is_overwritten_and_deleted(
    gateway: Gateway, db: Database, home: Path, installation: Installation
) -> None:
    installed.use(installation)
    gateway.make_bucket("locked", locked_days=1)
    room = room_in(gateway, "locked", db, home)
    row, other = await room.record(count=2)
    await room.replication.step()
    assert await room.checked(NOON) == (True, "2 份录音，未发现问题")
    name = row.store_key + SUFFIX

    def versions() -> list[str]:
        _, said = gateway.ask("GET", "/locked", f"prefix={name.replace('/', '%2F')}&versions=")
        return re.findall(r"<Version>.*?<VersionId>([^<]+)</VersionId>", said)

    (first,) = versions()
    another = b"another sound"
    assert gateway.ask("PUT", f"/locked/{name}", body=another, **{"content-md5": md5(another)})[0] == 200
    assert (await room.checked(NOON + timedelta(days=2)))[0], "found, and mended from the replica"
    assert gateway.ask("DELETE", f"/locked/{name}")[0] == 204
    assert (await room.checked(NOON + timedelta(days=4)))[0]
    assert len(await bytes_of(room.store.read(row.store_key))) == row.size
    assert len(versions()) == 4 and first in versions(), "as it was, over it, mended, mended again"
    status, said = gateway.ask("DELETE", f"/locked/{name}", f"versionId={first}")
    assert (status, "AccessDenied" in said) == (403, True), "nobody deletes a locked version"
    async with room.db.session() as session:
        held = await session.get_one(Recording, other.id)
        held.protected_until += timedelta(days=1)
    await Office(room).done()
    with pytest.raises(NotFound):
        await room.store.stat(row.store_key)
    old = [one.key async for one in room.store.within(MAIN).list() if not one.key.startswith(PLAIN)]
    assert old == [other.store_key + SUFFIX]
    vault = (await room.store.primary())[1]
    with pytest.raises(Damaged, match="没有这份文件的数据密钥"):
        await vault.assay(row.store_key, io.BytesIO(await locked_bytes(gateway, name, first)))


async def locked_bytes(gateway: Gateway, name: str, version: str) -> bytes:
    store = BucketStore.s3(gateway.settings("locked"))
    answer = await obstore.get_async(store._store, name, options={"version": version})
    return bytes(await answer.bytes_async())


def md5(data: bytes) -> str:
    """As the header wants it."""
    return base64.b64encode(hashlib.md5(data).digest()).decode()


async def test_a_gateway_that_dies_holds_up_the_replica_alone(
    gateway: Gateway, bucket: str, db: Database, home: Path
) -> None:
    room = Room(db, home)
    room.use({MAIN: FolderStore(room.root), "city": BucketStore.s3(gateway.settings(bucket))})
    rows = await room.record(count=2)
    await room.replication.step()
    gateway.kill()
    try:
        rows += await room.record()
        with pytest.raises(Unavailable):
            await room.replication.step()
        assert "city：落后 1 份" in (await room.replication.health()).detail
    finally:
        gateway.serve()
    with clock.frozen(clock.now() + timedelta(minutes=1)):
        await room.replication.step()
    for row in rows:
        room.path(row).unlink()
        assert len(await bytes_of(room.store.read(row.store_key))) == row.size
    assert await room.checked(NOON + timedelta(days=3)) == (True, "3 份录音，未发现问题")
    assert all(room.path(row).exists() for row in rows)
