"""The encrypting store: keys, old plain objects, tampering, and every step at which a put may end."""

import errno
import hashlib
import io
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import HotlineError, Invalid, NotFound, Unavailable
from core.secrets import Secrets
from recordings.store import folder, vault
from recordings.store.datakeys import MemoryKeys
from recordings.store.folder import INCOMING, FolderStore
from recordings.store.frames import FRAME, HEADER
from recordings.store.masters import CannotUnwrap, FileMasters, GivenMasters
from recordings.store.port import SUFFIX, Damaged, Store
from recordings.store.rotate import rotate
from recordings.store.suite import Suite
from recordings.store.vault import VaultStore

SOUND = os.urandom(2 * FRAME + 100)
OTHER = os.urandom(2 * FRAME + 100)


class Vault:
    """A folder, its keys, and the store before it."""

    def __init__(self, home: Path, suite: Suite | None = Suite.AES) -> None:
        self.root = home / "archive"
        self.folder = FolderStore(self.root)
        self.keys = MemoryKeys()
        self.masters = FileMasters(Secrets(home / "secrets"))
        self.store = self.opened(suite)

    def opened(self, suite: Suite | None, inner: Store | None = None) -> VaultStore:
        return VaultStore(inner or self.folder, self.keys, self.masters, suite)

    def path(self, key: str) -> Path:
        return self.root / (key + SUFFIX)


@pytest.fixture
def safe(tmp_path: Path) -> Vault:
    return Vault(tmp_path)


async def put(store: Store, key: str, data: bytes) -> None:
    await store.put(key, io.BytesIO(data), hashlib.sha256(data).hexdigest())


async def content(blocks: AsyncIterator[bytes]) -> bytes:
    return b"".join([block async for block in blocks])


@pytest.mark.parametrize("suite", Suite)
async def test_nothing_of_the_content_lies_in_the_store(tmp_path: Path, suite: Suite) -> None:
    safe = Vault(tmp_path, suite)
    await put(safe.store, "a", SOUND)
    stored = safe.path("a").read_bytes()
    assert SOUND[:64] not in stored and not (safe.root / "a").exists()
    assert await content(safe.store.read("a", FRAME - 1, FRAME + 1)) == SOUND[FRAME - 1 : FRAME + 1]
    assert len(safe.keys.rows) == 1
    assert [row.suite for row in safe.keys.rows.values()] == [suite]


async def test_each_object_has_its_own_key_and_the_same_again_keeps_it(safe: Vault) -> None:
    for key in ("a", "b", "a"):
        await put(safe.store, key, SOUND)
    assert len(safe.keys.rows) == 2
    assert safe.path("a").read_bytes()[HEADER:] != safe.path("b").read_bytes()[HEADER:]


async def test_plain_objects_of_before_stay_readable_and_are_replaced_by_other_content_only(safe: Vault) -> None:
    await put(safe.folder, "old", SOUND)
    await put(safe.store, "old", SOUND)
    assert not safe.path("old").exists()
    assert await content(safe.store.read("old", 5, 9)) == SOUND[5:9]
    assert (await safe.store.stat("old")).size == len(SOUND)
    await put(safe.store, "old", OTHER)
    assert not (safe.root / "old").exists()
    assert await content(safe.store.read("old")) == OTHER
    assert [(one.key, one.size) async for one in safe.store.list()] == [("old", len(OTHER))]


async def test_switched_off_it_writes_plain_and_reads_what_was_encrypted(safe: Vault) -> None:
    await put(safe.store, "a", SOUND)
    plain = safe.opened(None)
    await put(plain, "a", SOUND)
    await put(plain, "b", OTHER)
    assert await content(plain.read("a")) == SOUND
    assert (safe.root / "b").read_bytes() == OTHER
    await put(plain, "a", OTHER)
    assert (safe.root / "a").read_bytes() == OTHER and not safe.path("a").exists()
    assert await content(safe.store.read("a")) == OTHER


async def test_a_name_of_ours_is_nobody_elses(safe: Vault) -> None:
    for act in (put(safe.store, f"a{SUFFIX}", b"x"), safe.store.stat(f"a{SUFFIX}"), safe.store.delete(f"a{SUFFIX}")):
        with pytest.raises(Invalid, match="bad-store-key"):
            await act


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def cut(path: Path, size: int) -> None:
    os.truncate(path, size)


TAMPERING = {
    "a byte of the sound": (lambda safe: flip(safe.path("a"), HEADER + FRAME + 50), "第 2 段"),
    "the header": (lambda safe: flip(safe.path("a"), 31), "长度应为"),
    "its key's id": (lambda safe: flip(safe.path("a"), 20), "没有这份文件的数据密钥"),
    "its beginning": (lambda safe: flip(safe.path("a"), 0), "文件头"),
    "its algorithm": (lambda safe: flip(safe.path("a"), 4), "文件头|加密算法"),
    "cut short": (lambda safe: cut(safe.path("a"), len(SOUND)), "长度应为"),
    "cut by a frame": (lambda safe: cut(safe.path("a"), HEADER + FRAME + 16), "长度应为"),
    "emptied": (lambda safe: cut(safe.path("a"), 0), "文件头"),
    "longer": (lambda safe: safe.path("a").write_bytes(safe.path("a").read_bytes() + b"x"), "长度应为"),
    "another in its place": (lambda safe: safe.path("b").rename(safe.path("a")), "这是另一份文件（b）"),
    "a plain one in its place": (lambda safe: plain_instead(safe), "未加密的文件替换"),
}


def plain_instead(safe: Vault) -> None:
    safe.path("a").unlink()
    (safe.root / "a").write_bytes(SOUND)


@pytest.mark.parametrize("name", TAMPERING)
async def test_what_was_changed_is_said_and_never_given_out(safe: Vault, name: str) -> None:
    change, said = TAMPERING[name]
    await put(safe.store, "a", SOUND)
    await put(safe.store, "b", OTHER)
    change(safe)
    served = b""
    with pytest.raises(Damaged, match=said) as raised:
        async for block in safe.store.read("a"):
            served += block
    assert SOUND.startswith(served) and len(served) <= FRAME
    assert raised.value.status == 500 and raised.value.key == "a"
    await put(safe.store, "a", SOUND)
    assert await content(safe.store.read("a")) == SOUND, "the same content again mends it"


async def test_the_sizes_of_a_cut_object_are_not_believed(safe: Vault) -> None:
    await put(safe.store, "a", SOUND)
    cut(safe.path("a"), HEADER + FRAME + 16)
    with pytest.raises(Damaged):
        await safe.store.stat("a")


async def test_wrapped_keys_cannot_be_exchanged(safe: Vault) -> None:
    await put(safe.store, "a", SOUND)
    await put(safe.store, "b", OTHER)
    one, two = safe.keys.rows.values()
    safe.keys.rows |= {one.id: replace(one, wrapped=two.wrapped), two.id: replace(two, store_key="c")}
    for key in ("a", "b"):
        with pytest.raises(Damaged):
            await content(safe.store.read(key))


async def test_without_its_data_key_an_object_and_every_copy_of_it_is_unreadable(safe: Vault) -> None:
    await put(safe.store, "a", SOUND)
    copy = safe.path("a").read_bytes()
    await safe.keys.destroy("a")
    with pytest.raises(Damaged, match="没有这份文件的数据密钥"):
        await content(safe.store.read("a"))
    await put(safe.store, "a", SOUND)
    safe.path("a").write_bytes(copy)
    with pytest.raises(Damaged):
        await content(safe.store.read("a"))


async def test_deleting_takes_key_and_object(safe: Vault) -> None:
    await put(safe.store, "a", SOUND)
    await safe.store.delete("a")
    await safe.store.delete("a")
    assert safe.keys.rows == {} and not safe.path("a").exists()
    with pytest.raises(NotFound):
        await safe.store.stat("a")


async def test_a_new_master_key_wraps_anew_and_no_object_is_rewritten(safe: Vault) -> None:
    await put(safe.store, "a", SOUND)
    before, old = safe.path("a").stat(), await safe.masters.present()
    done = await rotate(safe.keys, safe.masters, make=True)
    assert (done.rewrapped, done.refused, done.master_id) == (1, (), await safe.masters.present())
    assert {row.master_id for row in safe.keys.rows.values()} == {done.master_id} != {old}
    assert await safe.masters.known() == {old, done.master_id}
    after = safe.path("a").stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
    assert await content(safe.store.read("a")) == SOUND
    assert (await rotate(safe.keys, safe.masters, make=False)).rewrapped == 0
    await put(safe.store, "b", OTHER)
    assert {row.master_id for row in safe.keys.rows.values()} == {done.master_id}


async def test_a_rotation_that_was_cut_short_goes_on_and_names_what_it_cannot_unwrap(
    safe: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recordings.store.datakeys.BATCH", 2)
    for n in range(5):
        await put(safe.store, f"a{n}", SOUND)
    broken = next(iter(safe.keys.rows.values()))
    safe.keys.rows[broken.id] = replace(broken, wrapped=broken.wrapped[:-1])

    def killed(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await rotate(safe.keys, safe.masters, make=True, told=killed)
    assert len({row.master_id for row in safe.keys.rows.values()}) == 2, "some by the new one, some by the old"
    for n in range(1, 5):
        assert await content(safe.store.read(f"a{n}")) == SOUND
    done = await rotate(safe.keys, safe.masters, make=False)
    assert done.rewrapped == 3
    assert [line.partition("：")[0] for line in done.refused] == [broken.store_key]


async def test_keys_given_by_the_environment(safe: Vault) -> None:
    old, new = "an old master key from the environment", "a new master key from the environment"
    first = GivenMasters([old])
    keys = MemoryKeys()
    await put(VaultStore(safe.folder, keys, first, Suite.SM4), "a", SOUND)
    with pytest.raises(Invalid, match="keys-given"):
        await rotate(keys, first, make=True)
    both = GivenMasters([new, old])
    assert await content(VaultStore(safe.folder, keys, both, Suite.SM4).read("a")) == SOUND
    assert (await rotate(keys, both, make=False)).rewrapped == 1
    only = VaultStore(safe.folder, keys, GivenMasters([new]), Suite.SM4)
    assert await content(only.read("a")) == SOUND
    with pytest.raises(Damaged, match="缺少主密钥"):
        await content(VaultStore(safe.folder, keys, first, Suite.SM4).read("a"))
    for bad in ([], ["short"]):
        with pytest.raises(Invalid, match="bad-master-key"):
            GivenMasters(bad)


async def test_a_wrapped_key_that_is_no_wrapped_key_is_refused() -> None:
    masters = GivenMasters(["a master key that only tests ever use"])
    for wrapped in (b"", b"\x09" + bytes(60), b"\x01short"):
        with pytest.raises(CannotUnwrap):
            await masters.unwrap(await masters.present(), wrapped, b"")


async def content_or_damage(safe: Vault) -> bytes | str:
    try:
        return await content(safe.store.read("a"))
    except Damaged as error:
        return error.why


class Crash(BaseException):
    """The process dies here."""


STEPS = ("keep", "encrypt", "_content_digest", "inner put", "inner delete")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_at_any_step_leaves_nothing_wrong_and_the_next_put_ends_it(
    safe: Vault, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    await put(safe.folder, "a", OTHER)
    with monkeypatch.context() as patch:
        die_at(patch, safe, step, when)
        with pytest.raises(Crash):
            await put(safe.store, "a", SOUND)
    assert await content_or_damage(safe) in (SOUND, OTHER, "已加密的文件被一份未加密的文件替换")
    await put(safe.store, "a", SOUND)
    assert await content(safe.store.read("a")) == SOUND
    assert len(safe.keys.rows) == 1, "the key of the first try serves the second"
    assert list((safe.root / INCOMING).iterdir()) == []


def die_at(patch: pytest.MonkeyPatch, safe: Vault, step: str, when: str) -> None:
    owners: dict[str, tuple[object, str]] = {
        "keep": (safe.keys, "keep"),
        "inner put": (safe.folder, "put"),
        "inner delete": (safe.folder, "delete"),
    }
    owner, name = owners.get(step, (vault, step))
    real: Any = getattr(owner, name)

    def dying(*given: Any) -> Any:
        if when == "before":
            raise Crash
        real(*given)
        raise Crash

    async def dying_later(*given: Any) -> Any:
        if when == "before":
            raise Crash
        await real(*given)
        raise Crash

    patch.setattr(owner, name, dying_later if step in owners else dying)


@pytest.mark.parametrize("step", ["encrypt", "inner put"])
async def test_a_full_disk_is_unavailable_and_keeps_what_was_there(
    safe: Vault, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    await put(safe.store, "a", OTHER)

    def full(*given: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        owner, name = (vault, "encrypt") if step == "encrypt" else (folder, "_copy")
        patch.setattr(owner, name, full)
        with pytest.raises(Unavailable, match="archive-full"):
            await put(safe.store, "a", SOUND)
    assert await content(safe.store.read("a")) == OTHER
    await put(safe.store, "a", SOUND)
    assert await content(safe.store.read("a")) == SOUND


async def test_keys_that_cannot_be_asked_are_unavailable_and_no_damage(
    safe: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(safe.store, "a", SOUND)

    async def away(*given: Any) -> Any:
        raise Unavailable("database-unavailable", "数据库暂时不可用，请稍后再试。")

    monkeypatch.setattr(safe.keys, "find", away)
    with pytest.raises(HotlineError, match="database-unavailable"):
        await content(safe.store.read("a"))


async def test_a_store_that_ends_in_the_middle_gives_no_partial_answer(
    safe: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(safe.store, "a", SOUND)
    real = safe.folder.read

    async def short(key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        async for block in real(key, start, end):
            yield block[: HEADER if start == 0 else 100]

    monkeypatch.setattr(safe.folder, "read", short)
    with pytest.raises(Damaged, match="缺失"):
        await content(safe.store.read("a"))
