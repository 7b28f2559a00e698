"""`hotline archive mirror` and `switch` on a real instance, also while recordings come."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from archive_room import NOON, Room
from sqlalchemy import select
from typer.testing import CliRunner

from core.db import Database
from core.errors import Conflict, Invalid
from core.ledger.models import LedgerEntry
from hotline import cli, commands
from recordings.settings import MAIN
from recordings.store.folder import FolderStore
from recordings.store.switch import StoreIncomplete

commands.register(cli.app)


@pytest.fixture
def room(db: Database, home: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    (home / "disk2").mkdir()
    monkeypatch.setenv("HOTLINE_HOME", str(home))
    monkeypatch.setenv("HOTLINE_DATABASE_URL", db.dsn)
    monkeypatch.setenv("HOTLINE_RECORDINGS__REPLICAS", json.dumps({"disk2": {"folder": str(home / "disk2")}}))
    return Room(db, home)


async def hotline(*arguments: str) -> Any:
    return await asyncio.to_thread(CliRunner().invoke, cli.app, ["archive", *arguments])


def sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.rglob("*.hla1")}


async def test_a_store_is_filled_then_made_the_primary_then_given_back(room: Room, home: Path) -> None:
    (row, _) = await room.record(count=2)
    room.path(row).rename(home / "aside")
    refused = (await hotline("switch", "disk2")).exception
    assert isinstance(refused, StoreIncomplete) and f"还缺 1 份，不能成为主存储：{row.store_key}" in refused.message
    (home / "aside").rename(room.path(row))
    assert isinstance((await hotline("mirror", "--to", "main")).exception, Conflict)
    assert isinstance((await hotline("mirror", "--to", "elsewhere")).exception, Invalid)
    done = await hotline("mirror", "--to", "disk2", "--mb-per-s", "100")
    said = done.stdout.splitlines()[-1]
    assert (done.exit_code, said[:6], said[-17:]) == (0, "复制 1 份", "到“disk2”，0 份未能复制。")
    assert sizes(home / "disk2") == sizes(room.root)
    done = await hotline("switch", "disk2")
    assert done.stdout.splitlines()[-1] == "主存储已由“main”改为“disk2”；“main”从现在起是副本。"
    room.path(row).unlink()
    assert (await hotline("verify")).exit_code == 0, "the primary is whole"
    assert (await hotline("switch", "main")).exit_code == 0
    assert sizes(home / "disk2") == sizes(room.root), "the last few are copied in the moment of the switch"
    async with room.db.session() as session:
        wanted = select(LedgerEntry.subject_id).where(LedgerEntry.action == "archive.switch").order_by(LedgerEntry.id)
        assert list(await session.scalars(wanted)) == ["disk2", "main"]


async def test_what_could_not_be_copied_is_named(room: Room) -> None:
    (row,) = await room.record()
    room.path(row).write_bytes(b"HLA1")
    done = await hotline("mirror", "--to", "disk2")
    assert done.exit_code == 1 and "1 份未能复制" in done.stdout and row.store_key in done.stderr


async def test_what_the_command_mends_it_says(room: Room) -> None:
    (row,) = await room.record()
    assert (await hotline("mirror", "--to", "disk2")).exit_code == 0
    room.path(row).write_bytes(b"")
    done = await hotline("verify")
    assert done.exit_code == 0
    head, line = done.stdout.splitlines()[-2:]
    assert head.endswith("修复 1 份，未发现其他问题。") and line.endswith("；已由副本 disk2 修复")


async def test_recordings_go_on_while_the_primary_changes(room: Room, home: Path) -> None:
    room.use({MAIN: FolderStore(room.root), "disk2": FolderStore(home / "disk2", given=True)})
    await room.record(count=30)
    over = asyncio.Event()

    async def calls() -> int:
        made = 0
        while not over.is_set():
            await room.record(NOON + timedelta(seconds=made))
            made += 1
        return made

    await room.replication.start()
    talking = asyncio.create_task(calls())
    try:
        for name in ("disk2", "main", "disk2"):
            assert (await hotline("mirror", "--to", name)).exit_code == 0
            done = await hotline("switch", name)
            assert done.exit_code == 0, done.exception
    finally:
        over.set()
        made = await talking
        await room.replication.stop()
    assert made > 0
    await room.replication.step()
    assert sizes(home / "disk2") == sizes(room.root) and len(sizes(room.root)) == 30 + made
    assert await room.checked(NOON + timedelta(days=3)) == (True, f"{30 + made} 份录音，未发现问题")
