"""An old backup brings nothing back that was lawfully destroyed, and no paper is followed that is not ours."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from retention_room import AFTER, Dies, Mortal, Office, restore, snapshot
from retention_room import office as made
from sqlalchemy import func, insert, select
from typer.testing import CliRunner

from core import clock
from core.db import Database
from core.errors import Conflict, Unavailable
from core.ledger.models import LedgerEntry
from core.secrets import Secrets
from crm import installed
from crm.installed import Installation
from hotline import cli, commands
from hotline.wiring.replayed import NothingBroughtBack
from recordings.disposal import paper
from recordings.disposal.models import DisposalCertificate
from recordings.disposal.replay import replay_disposals, require_replayed
from recordings.models import Side, Source, TranscriptSegment
from recordings.proof.signing import Signer
from recordings.store.models import ArchiveKey
from recordings.store.port import Damaged

commands.register(cli.app)
ONE = timedelta(days=1)


@pytest.fixture
def office(db: Database, home: Path, installation: Installation) -> Office:
    installed.use(installation)
    return made(db, home)


@pytest.mark.proves("F12.9-3")
async def test_an_old_backup_brings_nothing_back(office: Office) -> None:
    rows = await office.room.record(count=3)
    await office.room.seal()
    async with office.db.session() as session:
        said = {"words": [], "source": Source.LIVE, "side": Side.CITIZEN}
        session.add(TranscriptSegment(call_id=rows[0].call_id, start_s=0.1, end_s=0.4, text="路灯不亮", **said))
    backup = await snapshot(office.db)
    files = {row.id: office.room.path(row).read_bytes() for row in rows}
    listed = await office.done()
    await require_replayed(office.db, office.room.store)
    assert (await replay_disposals(office.db, office.shredder)).again == 0, "nothing to do where nothing came back"
    await restore(office.db, backup)
    for row in rows:
        office.room.path(row).write_bytes(files[row.id])
    assert b"".join([block async for block in office.room.store.read(rows[0].store_key)]), "readable again"
    with pytest.raises(Conflict, match="disposals-not-replayed"):
        await require_replayed(office.db, office.room.store)
    with clock.frozen(AFTER + ONE):
        done = await replay_disposals(office.db, office.shredder)
    assert (done.certificates, done.objects, done.again, done.refused) == ({listed.number}, 3, 3, [])
    await require_replayed(office.db, office.room.store)
    again = await replay_disposals(office.db, office.shredder)
    assert (again.objects, again.again) == (3, 0)
    assert [one.certificate for one in await office.rows([row.id for row in rows])] == [listed.number] * 3
    assert not [row for row in rows if office.room.path(row).exists()]
    async with office.db.session() as session:
        assert await session.scalar(select(func.count()).select_from(ArchiveKey)) == 0
        assert await session.scalar(select(func.count()).select_from(TranscriptSegment)) == 0
        certificate = await session.get_one(DisposalCertificate, listed.number)
        assert certificate.signature and certificate.approved_name == "赵主任"
    assert (await office.room.checked(AFTER + ONE))[0]
    await office.room.record(AFTER)
    assert await office.proposed(AFTER + 1200 * ONE) is not None


async def test_keys_restored_by_themselves_are_destroyed_again(office: Office) -> None:
    (row,) = await office.room.record()
    backup = await snapshot(office.db)
    await office.done()
    async with office.db.session() as session:
        await session.execute(insert(ArchiveKey).values(backup["archive_keys"]))
    with pytest.raises(Conflict, match="disposals-not-replayed"):
        await require_replayed(office.db, office.room.store)
    assert (await replay_disposals(office.db, office.shredder)).again == 1
    await require_replayed(office.db, office.room.store)
    with pytest.raises(Damaged):
        office.room.path(row).write_bytes(b"a copy from a tape")
        assert [block async for block in office.room.store.read(row.store_key)]


async def test_a_crash_before_the_certificate_and_an_old_backup_together(office: Office) -> None:
    await office.room.record(count=2)
    backup = await snapshot(office.db)
    listed = await office.ordered()
    real = office.room.store
    office.room.store = Mortal(real, 3)  # type: ignore[assignment]
    with pytest.raises(Dies):
        await office.dispose(listed)
    office.room.store = real
    await restore(office.db, backup)
    done = await replay_disposals(office.db, office.shredder)
    assert (done.objects, done.again, done.unknown) == (2, 2, {listed.number})
    stored = (office.room.root / paper.whole_key(listed.number)).read_bytes()
    assert paper.read(stored, office.room.signer.known()).document["count"] == 2


async def test_a_forged_paper_destroys_nothing(office: Office, tmp_path: Path) -> None:
    kept, gone = await office.room.record(count=2)
    listed = await office.done_but(kept)
    key = office.room.root / paper.part_key(listed.number, 1)
    genuine = key.read_bytes()
    said = json.loads(genuine)
    said["document"]["recordings"][0] |= {"id": str(kept.id), "store_key": kept.store_key, "sha256": kept.digest}
    key.write_text(json.dumps(said), encoding="utf-8")
    foreign = paper.signed(Signer(Secrets(tmp_path)), json.dumps(said["document"], sort_keys=True))
    (key.parent / "0002.json").write_bytes(foreign.stored())
    (key.parent / "0003.json").write_bytes(genuine)
    (key.parent / "0004.json").write_bytes(b"{")
    done = await replay_disposals(office.db, office.shredder)
    assert [one.partition("：")[2] for one in done.refused] == [
        "签名不符，内容被改动",
        "不是用本系统的密钥签署的",
        "不在应在的位置",
        "无法读取",
    ]
    assert (await office.rows([kept.id]))[0].destroyed_at is None and office.room.path(kept).exists()
    assert gone.id in {row.id for row in await office.rows([gone.id]) if row.destroyed_at}


class Away:
    """A store that does not answer."""

    def list(self, prefix: str = "") -> Any:
        raise Unavailable("archive-unavailable", "录音存储暂时不可用。")


@pytest.mark.proves("F12.9-3")
async def test_no_role_opens_before_the_command_has_run(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime: Any = SimpleNamespace(db=office.db)
    await office.room.record()
    backup = await snapshot(office.db)
    listed = await office.done()
    await restore(office.db, backup)
    with pytest.raises(Conflict, match="replay-disposals"):
        await NothingBroughtBack(runtime, office.room.store).start()
    away: Any = Away()
    await NothingBroughtBack(runtime, away).start()
    monkeypatch.setenv("HOTLINE_HOME", str(office.room.home))
    monkeypatch.setenv("HOTLINE_DATABASE_URL", office.db.dsn)
    for again in (1, 0):
        done = await asyncio.to_thread(CliRunner().invoke, cli.app, ["archive", "replay-disposals"])
        assert (done.exit_code, f"已再次销毁 {again} 份" in done.stdout) == (0, True), done.output
    gate = NothingBroughtBack(runtime, office.room.store)
    await gate.start()
    assert (await gate.health()).ok
    async with office.db.session() as session:
        [entry] = await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "archive.replay"))
    assert (entry.subject_id, entry.detail) == (listed.number, {"part": 1, "objects": 1})
    (office.room.root / paper.part_key(listed.number, 2)).write_bytes(b"{")
    done = await asyncio.to_thread(CliRunner().invoke, cli.app, ["archive", "replay-disposals"])
    assert done.exit_code == 1 and "未执行：disposals/" in done.output
