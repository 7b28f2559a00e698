"""One contract for all stores: the folder, the bucket adapter over obstore's own stores and a real S3 server, and the
encrypting store before them."""

import hashlib
import io
import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from npm_package import NODE, install
from obstore.store import LocalStore, MemoryStore

from core.errors import Invalid, NotFound, Unavailable
from recordings.settings import S3Settings
from recordings.store.bucket import BucketStore
from recordings.store.datakeys import MemoryKeys
from recordings.store.folder import INCOMING, FolderStore
from recordings.store.masters import GivenMasters
from recordings.store.port import Store
from recordings.store.suite import Suite
from recordings.store.vault import VaultStore

SERVER = Path(__file__).parents[2] / "s3"


@dataclass
class S3:
    """An S3 server of our own, with a bucket `recordings`; it knows its one key, and computes no V4 signature."""

    folder: Path
    port: int = 0
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """On its port of before, if it had one."""
        command = [str(NODE), "s3.js", str(self.folder), str(self.port)]
        self.process = subprocess.Popen(command, cwd=SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.port = json.loads(self.process.stdout.readline())["port"]

    def kill(self) -> None:
        """As a power cut would."""
        assert self.process
        self.process.kill()
        self.process.communicate()

    def settings(self, prefix: str, **more: Any) -> S3Settings:
        """Where it is."""
        given = {"access_key_id": "S3RVER", "secret_access_key": "S3RVER", **more}
        endpoint = f"http://127.0.0.1:{self.port}"
        return S3Settings(bucket="recordings", endpoint=endpoint, prefix=prefix, allow_http=True, **given)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    install(SERVER, "s3rver")
    server = S3(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["folder", "memory", "local", "s3", "vault", "vault in s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    match request.param:
        case "folder":
            return FolderStore(tmp_path / "archive")
        case "memory":
            return BucketStore(MemoryStore())
        case "local":
            return BucketStore(LocalStore(tmp_path / "bucket", mkdir=True))
        case "vault":
            return sealed(FolderStore(tmp_path / "archive"), Suite.AES)
        case of_server:
            server: S3 = request.getfixturevalue("s3")
            bucket = BucketStore.s3(server.settings(tmp_path.name))
            return bucket if of_server == "s3" else sealed(bucket, Suite.SM4)


def sealed(inner: Store, suite: Suite) -> VaultStore:
    return VaultStore(inner, MemoryKeys(), GivenMasters(["a master key that only tests ever use"]), suite)


def made(data: bytes) -> tuple[BinaryIO, str]:
    return io.BytesIO(data), hashlib.sha256(data).hexdigest()


async def bytes_of(blocks: AsyncIterator[bytes]) -> bytes:
    return b"".join([block async for block in blocks])


async def test_what_goes_in_comes_out(store: Store) -> None:
    data = os.urandom(700_000)
    source, digest = made(data)
    await store.put("2026/11/23/a.flac", source, digest)
    await store.put("2026/11/23/a.flac", source, digest)
    assert await bytes_of(store.read("2026/11/23/a.flac")) == data
    assert await bytes_of(store.read("2026/11/23/a.flac", 5, 300_000)) == data[5:300_000]
    assert await bytes_of(store.read("2026/11/23/a.flac", 699_990)) == data[699_990:]
    assert await bytes_of(store.read("2026/11/23/a.flac", 699_990, 9_000_000)) == data[699_990:]
    assert (await store.stat("2026/11/23/a.flac")).size == len(data)


async def test_list_in_order_and_delete(store: Store) -> None:
    source, digest = made(b"x")
    for key in ("b/2", "a/1", "b/1"):
        await store.put(key, source, digest)
    assert [stat.key async for stat in store.list()] == ["a/1", "b/1", "b/2"]
    assert [stat.key async for stat in store.list("b/")] == ["b/1", "b/2"]
    await store.delete("b/1")
    await store.delete("b/1")
    assert [stat.key async for stat in store.list("b/")] == ["b/2"]


async def test_a_wrong_digest_stores_nothing(store: Store) -> None:
    source, _ = made(b"x")
    with pytest.raises(Invalid, match="digest-mismatch"):
        await store.put("a", source, "0" * 64)
    with pytest.raises(NotFound):
        await store.stat("a")
    assert [stat async for stat in store.list()] == []


async def test_what_is_not_there(store: Store) -> None:
    with pytest.raises(NotFound, match="recording-file-missing"):
        await store.stat("nothing")
    with pytest.raises(NotFound, match="recording-file-missing"):
        await bytes_of(store.read("nothing"))


@pytest.mark.parametrize("key", ["", "/a", "../a", "a/../b", "a//b", ".incoming/x", "a\0b", "a/", "x" * 600])
async def test_no_key_leaves_the_store(store: Store, key: str) -> None:
    source, digest = made(b"x")
    with pytest.raises(Invalid, match="bad-store-key"):
        await store.put(key, source, digest)


async def test_leftovers_of_a_crash_are_nobodys_recording(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "archive")
    source, digest = made(b"sound")
    await store.put("a", source, digest)
    (tmp_path / "archive" / INCOMING / "half").write_bytes(b"so")
    assert [stat.key async for stat in store.list()] == ["a"]
    assert (tmp_path / "archive" / "a").stat().st_mode & 0o077 == 0


async def test_a_half_written_target_is_replaced(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "archive")
    source, digest = made(b"sound")
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "a").write_bytes(b"so")
    await store.put("a", source, digest)
    assert await bytes_of(store.read("a")) == b"sound"


@contextmanager
def small_disk(root: Path) -> Iterator[Path]:
    """A file system of 64 KB."""
    root.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", root], check=False).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        yield root
    finally:
        subprocess.run(["umount", root], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system needs root to mount")
async def test_a_full_disk_is_unavailable_and_leaves_nothing_half(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as root:
        store = FolderStore(root)
        source, digest = made(os.urandom(200_000))
        with pytest.raises(Unavailable, match="archive-full"):
            await store.put("a", source, digest)
        assert [stat async for stat in store.list()] == []
        assert not list((root / INCOMING).iterdir())
        small, its = made(b"fits")
        await store.put("b", small, its)
        assert await bytes_of(store.read("b")) == b"fits"


async def test_an_absent_bucket_is_unavailable() -> None:
    store = BucketStore.s3(
        S3Settings(bucket="b", endpoint="http://127.0.0.1:9", allow_http=True, access_key_id="a", secret_access_key="b")
    )
    source, digest = made(b"x")
    with pytest.raises(Unavailable, match="archive-unavailable"):
        await store.put("a", source, digest)


async def test_a_bucket_takes_a_long_recording_in_parts_and_gives_any_range(s3: S3, tmp_path: Path) -> None:
    data = os.urandom(23_000_001)  # five parts of at most five megabytes
    source, digest = made(data)
    store = BucketStore.s3(s3.settings(tmp_path.name))
    await store.put("long", source, digest)
    assert (await store.stat("long")).size == len(data)
    assert hashlib.sha256(await bytes_of(store.read("long"))).hexdigest() == digest
    assert await bytes_of(store.read("long", 5_242_870, 5_242_900)) == data[5_242_870:5_242_900]
    assert await bytes_of(store.read("long", len(data) - 1)) == data[-1:]
    assert await bytes_of(store.read("long", len(data), len(data) + 5)) == b""


async def test_a_bucket_that_refuses_the_key_is_unavailable(s3: S3, tmp_path: Path) -> None:
    source, digest = made(b"x")
    store = BucketStore.s3(s3.settings(tmp_path.name, access_key_id="nobody"))
    with pytest.raises(Unavailable, match="archive-unavailable"):
        await store.put("a", source, digest)
    with pytest.raises(NotFound):
        await BucketStore.s3(s3.settings(tmp_path.name)).stat("a")


async def test_a_bucket_server_that_dies_keeps_what_it_took_and_takes_the_rest_later(s3: S3, tmp_path: Path) -> None:
    store = BucketStore.s3(s3.settings(tmp_path.name))
    source, digest = made(b"first")
    await store.put("first", source, digest)
    s3.kill()
    try:
        source, digest = made(b"second")
        with pytest.raises(Unavailable, match="archive-unavailable"):
            await store.put("second", source, digest)
    finally:
        s3.start()
    await store.put("second", source, digest)
    assert await bytes_of(store.read("first")) == b"first"
    assert await bytes_of(store.read("second")) == b"second"
