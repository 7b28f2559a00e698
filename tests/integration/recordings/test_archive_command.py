"""`hotline archive …` on a real instance: what it prints, what it finds, how it ends."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from archive_room import DAY, NOON, Room
from sqlalchemy import select, update
from typer.testing import CliRunner

from core.db import Database
from core.errors import Invalid, NotFound
from core.ledger.models import LedgerEntry
from hotline import cli, commands
from hotline.runtime import Runtime
from hotline.settings import Settings
from recordings.models import Recording
from recordings.store.choose import open_store
from recordings.store.models import ArchiveKey
from recordings.store.replicated import ReplicatedStore

commands.register(cli.app)


@pytest.fixture
def room(db: Database, home: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    monkeypatch.setenv("HOTLINE_HOME", str(home))
    monkeypatch.setenv("HOTLINE_DATABASE_URL", db.dsn)
    return Room(db, home)


async def hotline(*arguments: str) -> Any:
    return await asyncio.to_thread(CliRunner().invoke, cli.app, ["archive", *arguments])


async def test_everything_one_recording_or_one_day_is_verified(room: Room) -> None:
    row, other = await room.record(count=2)
    (later,) = await room.record(NOON + timedelta(days=1))
    await room.seal(NOON + timedelta(days=2))
    done = await hotline("verify")
    assert (done.exit_code, done.stdout[:13], done.stdout[-7:]) == (0, "核验录音 3 份（0.0 ", "未发现问题。\n")
    room.path(row).write_bytes(b"")
    for arguments, count, days in (([], 3, 2), ([str(row.id)], 1, 0), (["--date", "2026-11-23"], 2, 1)):
        done = await hotline("verify", *arguments)
        assert done.exit_code == 1
        head, finding = done.stdout.splitlines()[-2:]
        assert head.startswith(f"核验录音 {count} 份") and head.endswith(f"封存 {days} 天：发现 1 处问题。")
        assert finding == f"录音 {row.id}（{row.store_key}）：归档文件已损坏或被改动：文件头不完整或不可识别"
    for arguments in ([str(other.id)], ["--date", "2026-11-24"], [str(later.id)]):
        assert (await hotline("verify", *arguments)).exit_code == 0
    assert (await hotline("verify", "--date", "2020-01-01")).stdout == "没有可以核验的录音、附件和封存。\n"
    await room.sql(update(Recording).where(Recording.id == other.id).values(destroyed_at=NOON, certificate="XH1"))
    done = await hotline("verify", str(other.id))
    assert done.stdout == "核验录音 0 份（0.0 MB），另有 1 份没有录到声音或已依法销毁，封存 0 天：未发现问题。\n"
    assert isinstance((await hotline("verify", str(other.call_id))).exception, NotFound)
    assert isinstance((await hotline("verify", "first")).exception, Invalid)
    assert isinstance((await hotline("verify", "--date", "yesterday")).exception, Invalid)


async def test_seal_and_proof_are_printed(room: Room) -> None:
    (row,) = await room.record()
    assert isinstance((await hotline("seal", "--date", "2026-11-23")).exception, NotFound)
    await room.seal()
    paper = (await hotline("seal", "--date", str(DAY))).stdout.splitlines()
    assert paper[0] == "# 12345热线归档封存单 2026年11月23日，录音 1 份、附件 0 份"
    assert [line.partition(":")[0] for line in paper[1:]] == [
        "HOTLINE ARCHIVE SEAL 2", "day", "count", "sha256", "sm3", "previous", "ledger", "public-key", "signature",
    ]  # fmt: skip
    proof = json.loads((await hotline("prove", str(row.id))).stdout)
    assert proof["recording"]["sha256"] == row.digest and proof["recording"]["sm3"] == row.sm3 != ""
    assert proof["seal"].splitlines() == paper[1:]


async def test_a_new_master_key_is_made_and_noted(room: Room) -> None:
    (row,) = await room.record()
    before = await room.masters.present()
    done = await hotline("rotate-key")
    present = await room.masters.present()
    assert (done.exit_code, present != before) == (0, True)
    assert f"现行主密钥 {present}，重新包裹 1 个数据密钥" in done.stdout
    assert (await hotline("rotate-key", "--rewrap")).stdout.startswith(f"现行主密钥 {present}，重新包裹 0 个数据密钥")
    async with room.db.session() as session:
        assert set(await session.scalars(select(ArchiveKey.master_id))) == {present}
        noted = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "archive.rotate-key"))).all()
    assert [one.detail["rewrapped"] for one in noted] == [1, 0]
    (room.home / "secrets" / "archive-master-1").unlink()
    assert (await hotline("verify", str(row.id))).exit_code == 0
    (room.home / "secrets" / "archive-master-2").unlink()
    done = await hotline("rotate-key", "--rewrap")
    assert done.exit_code == 1 and f"缺少主密钥 {present}" in done.stderr


@pytest.mark.parametrize(("encryption", "encrypted"), [(None, True), ("sm4-gcm", True), ("off", False)])
async def test_an_installation_encrypts_unless_it_says_otherwise(
    room: Room, encryption: str | None, encrypted: bool
) -> None:
    given = {"recordings": {"encryption": encryption}} if encryption else {}
    runtime = Runtime(Settings(home=room.home, database_url=room.db.dsn, **given))  # type: ignore[arg-type]
    store = open_store(runtime.settings.recordings, runtime.home, room.db, runtime.secrets)
    assert isinstance(store, ReplicatedStore)
    room.store = store
    (row,) = await room.record()
    assert room.path(row).exists() == encrypted
    assert (room.root / row.store_key).exists() != encrypted
    async with room.db.session() as session:
        assert [one.suite for one in await session.scalars(select(ArchiveKey))] == (
            [encryption or "aes-256-gcm"] if encrypted else []
        )
    assert (await room.checked())[0]
