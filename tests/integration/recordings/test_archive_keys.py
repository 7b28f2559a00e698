"""Data keys in their table: one for each content, wrapped anew in pages, destroyed singly; and an archive on them."""

import asyncio
import hashlib
import io
import os
from pathlib import Path

import pytest
from sqlalchemy import select

from core.db import Database
from core.secrets import Secrets
from recordings.settings import RecordingSettings
from recordings.store import datakeys
from recordings.store.choose import open_store
from recordings.store.datakeys import TableKeys
from recordings.store.folder import FolderStore
from recordings.store.masters import FileMasters
from recordings.store.models import ArchiveKey
from recordings.store.port import Damaged
from recordings.store.rotate import rotate
from recordings.store.suite import Suite
from recordings.store.vault import VaultStore

DIGEST = "ab" * 32


async def wrapped(_: object) -> tuple[str, bytes]:
    return "m1", os.urandom(61)


async def test_one_content_under_one_name_has_one_key(db: Database) -> None:
    keys = TableKeys(db)
    first = await keys.keep("a", DIGEST, Suite.AES, wrapped)
    assert await keys.keep("a", DIGEST, Suite.AES, wrapped) == first == await keys.find(first.id)
    others = [
        await keys.keep("a", DIGEST, Suite.SM4, wrapped),
        await keys.keep("a", "cd" * 32, Suite.AES, wrapped),
        await keys.keep("b", DIGEST, Suite.AES, wrapped),
    ]
    assert len({first.id, *(one.id for one in others)}) == 4
    assert await keys.knows("a") and not await keys.knows("c")
    await keys.destroy("a")
    assert [await keys.find(first.id), await keys.knows("a"), await keys.knows("b")] == [None, False, True]


async def test_whoever_stores_the_same_at_the_same_moment_shares_the_key(db: Database) -> None:
    keys = TableKeys(db)
    made = await asyncio.gather(*(keys.keep("a", DIGEST, Suite.AES, wrapped) for _ in range(5)))
    assert len(set(made)) == 1


async def test_who_holds_a_session_while_storing_does_not_wait_for_others_who_do(db: Database, home: Path) -> None:
    small = Database(db.url, pool_size=1)
    store = open_store(RecordingSettings(), home, small, Secrets(home / "secrets"))
    both = asyncio.Barrier(2)

    async def one(key: str) -> None:
        async with small.session() as session:
            await session.execute(select(ArchiveKey.id))
            await both.wait()
            await store.put(key, io.BytesIO(b"x"), hashlib.sha256(b"x").hexdigest())

    await asyncio.gather(one("a"), one("b"))
    assert [stat.key async for stat in store.list()] == ["a", "b"]
    await small.close()


async def test_an_archive_with_its_keys_in_the_table(db: Database, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datakeys, "BATCH", 2)
    keys, masters = TableKeys(db), FileMasters(Secrets(home / "secrets"))
    store = VaultStore(FolderStore(home / "archive"), keys, masters, Suite.AES)
    sounds = {f"2026/a{n}.flac": os.urandom(100_000 + n) for n in range(5)}
    for key, sound in sounds.items():
        await store.put(key, io.BytesIO(sound), hashlib.sha256(sound).hexdigest())
    done = await rotate(keys, masters, make=True)
    assert (done.rewrapped, done.refused) == (5, ())
    assert await keys.under_others(done.master_id, None) == []
    (home / "secrets" / "archive-master-1").unlink()
    for key, sound in sounds.items():
        assert b"".join([block async for block in store.read(key, 65_000, 66_000)]) == sound[65_000:66_000]
    await keys.destroy("2026/a3.flac")
    with pytest.raises(Damaged, match="没有这份文件的数据密钥"):
        await anext(store.read("2026/a3.flac"))
