"""档案包 brought back: into an installation that lost it, into a fresh one, twice; and nothing written of what is not
right."""

import asyncio
import shutil
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from by_hand import BY_HAND
from dossier_room import DossierRoom, verified
from sqlalchemy import func, select, text
from typer.testing import CliRunner

from core.actor import SYSTEM
from core.db import Database
from core.errors import Conflict, Invalid
from core.ledger.models import LedgerEntry
from core.secrets import Secrets
from crm.dossiers import checking
from crm.dossiers.importing import Imported, bring
from crm.dossiers.models import Dossier, DossierObject, DossierPart
from crm.dossiers.opening import open_package
from crm.dossiers.queries import Wanted, listed, whole
from crm.dossiers.verifying import verify
from hotline import cli, commands

commands.register(cli.app)
TABLES = (Dossier, DossierPart, DossierObject)


@pytest.fixture
def room(db: Database, office: Any, home: Path) -> DossierRoom:
    return DossierRoom(db, office, home)


async def take_in(room: DossierRoom, path: Path, known: frozenset[str] | None = None) -> Imported:
    """Verify and import."""
    opened = open_package(path)
    try:
        good = verify(opened, known or room.keeper.signer.known())
        return await bring(room.db, room.keeper, SYSTEM, opened, good, path.name)
    finally:
        opened.close()


async def lose(room: DossierRoom, *tables: str) -> None:
    """What a disaster does: no trigger asks."""
    async with room.db.session() as session:
        await session.execute(BY_HAND)
        for table in tables:
            await session.execute(text(f"DELETE FROM {table}"))


async def lose_everything(room: DossierRoom) -> None:
    """A fresh installation with the old one's key."""
    await lose(room, "dossier_exports", "dossier_objects", "dossier_parts", "dossiers", "tickets")
    for folder in (room.home / "archive").iterdir():
        shutil.rmtree(folder)


async def counted(room: DossierRoom) -> list[int]:
    async with room.db.session() as session:
        return [await session.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES]


async def lying(room: DossierRoom) -> set[str]:
    return {one.key async for one in room.store.list("dossiers/")}


async def two_parts(room: DossierRoom) -> Path:
    """A package with an addendum, in full and with its sounds, as far as one person may take it out."""
    await room.archived()
    ticket = await room.desk.ticket()
    assert ticket.call_id is not None
    await room.record(ticket.call_id, room.desk.now + timedelta(days=1), part=2)
    await room.work()
    return await room.exported(room.office.archivist, sound=True)


@pytest.mark.proves("F12.9-1")
async def test_a_fresh_installation_gets_a_read_only_case(room: DossierRoom) -> None:
    path = await two_parts(room)
    before = await room.parts()
    await lose_everything(room)
    done = await take_in(room, path)
    assert done.new and done.said.startswith("已导入 YY20260302-00001：2 卷，")
    dossier = await room.dossier()
    assert dossier.imported_at and dossier.imported_by == "系统" and dossier.title == "路边摊占道"
    assert [(one.manifest, one.signature) for one in await room.parts()] == [
        (one.manifest, one.signature) for one in before
    ]
    assert await checking.check(room.db, room.keeper, dossier.id) == []
    async with room.db.session() as session:
        [one] = await listed(session, room.office.archivist, Wanted(only="imported"), None, 10)
        shown = await whole(session, room.office.archivist, dossier.id)
        noted = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "dossier.import"))).all()
    assert one.parts == 2 and {item.missing for item in shown.items} == {"", "本系统没有此件"}
    assert [entry.detail["source"] for entry in noted] == [path.name]
    again = await room.exported(room.office.archivist, sound=True)
    assert verified(again)[0] == 0 and verified(path)[0] == 0


async def test_a_package_that_is_here_is_recognised(room: DossierRoom) -> None:
    path = await two_parts(room)
    before, objects = await counted(room), await lying(room)
    done = await take_in(room, path)
    assert (done.new, done.parts, done.objects) == (False, 0, 0)
    assert done.said == "YY20260302-00001 此前已有，内容一致，没有变化。"
    assert await counted(room) == before and await lying(room) == objects
    assert (await room.dossier()).imported_at is None


async def test_what_the_store_lost_is_put_back(room: DossierRoom) -> None:
    path = await two_parts(room)
    dossier = await room.dossier()
    async with room.db.session() as session:
        order = await session.get_one(DossierObject, (dossier.id, "00/data/order.json"))
        sound = (await session.scalars(select(DossierObject).where(DossierObject.recording_id.is_not(None)))).first()
    assert sound is not None
    await room.store.delete(order.store_key)
    (room.home / "archive" / f"{sound.store_key}.hla1").write_bytes(b"gone")
    assert len(await checking.check(room.db, room.keeper, dossier.id)) == 2
    done = await take_in(room, path)
    assert done.said == "YY20260302-00001 此前已有：补入 0 卷，恢复 2 件。"
    assert await checking.check(room.db, room.keeper, dossier.id) == []


async def test_an_addendum_that_was_lost_is_added(room: DossierRoom) -> None:
    path = await two_parts(room)
    async with room.db.session() as session:
        await session.execute(BY_HAND)
        await session.execute(text("DELETE FROM dossier_parts WHERE n = 1"))
        await session.execute(text("DELETE FROM dossier_objects WHERE path LIKE '01/%'"))
    done = await take_in(room, path)
    assert (done.new, done.parts) == (False, 1) and len(await room.parts()) == 2
    assert await checking.check(room.db, room.keeper, (await room.dossier()).id) == []


async def test_a_full_package_completes_a_masked_one(room: DossierRoom) -> None:
    await room.archived()
    masked = await room.exported(room.office.archivist, sound=True)
    full = await room.exported(room.office.director, identity=True)
    await lose_everything(room)
    await take_in(room, masked)
    done = await take_in(room, full)
    assert not done.new and done.objects == 5
    async with room.db.session() as session:
        shown = await whole(session, room.office.director, (await room.dossier()).id)
    assert not any(item.missing for item in shown.items)


async def test_another_package_of_the_same_order_is_refused(room: DossierRoom) -> None:
    path = await two_parts(room)
    await lose(room, "dossier_exports", "dossier_objects", "dossier_parts", "dossiers")
    async with room.db.session() as session:
        session.add(Dossier(ticket_id=room.desk.id, number="YY20260302-00001", salt="x"))
    with pytest.raises(Conflict, match="另有一个档案包"):
        await take_in(room, path)
    assert await counted(room) == [1, 0, 0]


async def test_a_part_that_differs_is_refused(room: DossierRoom) -> None:
    path = await two_parts(room)
    async with room.db.session() as session:
        await session.execute(BY_HAND)
        await session.execute(text("UPDATE dossier_parts SET sha256 = repeat('0', 64) WHERE n = 0"))
    objects = await lying(room)
    with pytest.raises(Conflict, match="第0卷与本系统所存的不同"):
        await take_in(room, path)
    assert await lying(room) == objects


def traversal(files: dict[str, bytes]) -> None:
    files["../evil"] = b"x"


def altered(files: dict[str, bytes]) -> None:
    files["00/data/order.json"] = b"{}"


@pytest.mark.parametrize("bend", [traversal, altered, lambda files: files.pop("00/manifest.sig")])
async def test_of_what_is_refused_nothing_is_written(
    room: DossierRoom, bend: Callable[[dict[str, bytes]], object]
) -> None:
    path = await two_parts(room)
    with zipfile.ZipFile(path) as package:
        files = {name: package.read(name) for name in package.namelist()}
    await lose_everything(room)
    bend(files)
    with zipfile.ZipFile(path, "w") as package:
        for name, data in files.items():
            package.writestr(name, data)
    with pytest.raises(Invalid, match="没有导入任何内容"):
        await take_in(room, path)
    assert await counted(room) == [0, 0, 0] and await lying(room) == set()
    assert not (room.home / "evil").exists() and list(room.keeper.work.iterdir()) == []


async def test_a_package_that_changes_under_the_import_leaves_nothing(room: DossierRoom) -> None:
    path = await two_parts(room)
    await lose_everything(room)
    folder = room.home / "unpacked"
    with zipfile.ZipFile(path) as package:
        package.extractall(folder)
    opened = open_package(folder)
    good = verify(opened, room.keeper.signer.known())
    next((folder / "00" / "recordings").iterdir()).write_bytes(b"another sound")
    with pytest.raises(Invalid, match="digest-mismatch"):
        await bring(room.db, room.keeper, SYSTEM, opened, good, "x")
    assert await counted(room) == [0, 0, 0] and await lying(room) == set()


async def hotline(*arguments: str) -> Any:
    return await asyncio.to_thread(CliRunner().invoke, cli.app, ["archive", *arguments])


async def test_the_commands_export_look_and_import(room: DossierRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await two_parts(room)
    monkeypatch.setenv("HOTLINE_HOME", str(room.home))
    monkeypatch.setenv("HOTLINE_DATABASE_URL", room.db.dsn)
    (room.home / "secrets" / "personal").write_text("a master key that only tests ever use")
    folder = room.home / "usb" / "package"
    done = await hotline("export", "YY20260302-00001", str(folder), "--reason", "移交县档案馆", "--sound", "--identity")
    assert done.exit_code == 0, (done.output, done.exception)
    assert verified(folder)[0] == 0 and (folder / "00" / "identity" / "order.json").exists()
    assert isinstance((await hotline("export", "YY20260302-00001", str(folder), "--reason", "再次")).exception, Invalid)
    assert (await hotline("export", "YY1", str(room.home / "x"), "--reason", "再次")).exit_code == 1
    await lose_everything(room)
    done = await hotline("import", str(folder), "--check")
    assert done.exit_code == 0 and done.stdout.startswith("相符：YY20260302-00001 的档案包 2 卷")
    assert await counted(room) == [0, 0, 0]
    done = await hotline("import", str(path))
    assert done.exit_code == 0 and done.stdout.startswith("已导入 YY20260302-00001：2 卷")
    assert "没有变化" in (await hotline("import", str(path))).stdout
    (room.home / "secrets" / "archive-seal-1").unlink()
    Secrets(room.home / "secrets").get("archive-seal-1")
    error = (await hotline("import", str(path))).exception
    assert isinstance(error, Invalid) and error.id == "package-key"
    assert "没有变化" in (await hotline("import", str(path), "--trust")).stdout
