"""The drill: a backup while work goes on, a wreck, a restore; every count, digest and chain is as it was."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from archive_room import NOON, Room
from retention_room import AFTER, Office
from softhsm_token import soft_token
from sqlalchemy import func, select
from typer.testing import CliRunner

from core import clock, ledger
from core.actor import SYSTEM
from core.errors import Conflict, Invalid, NotFound, Unavailable
from core.ledger.models import LedgerEntry
from core.ledger.service import seal, verify
from core.postgres import FOR_TESTS, SETTINGS
from crm import installed
from crm.citizens.models import Citizen
from crm.installed import Installation
from crm.sms.models import Sms
from crm.sms.rules import SmsState
from hotline import cli, commands
from hotline.backup import inventory, sets
from hotline.backup import take as taking
from hotline.backup.settings import BackupSettings
from hotline.ground import Ground
from hotline.runtime import Runtime
from hotline.settings import Settings
from hotline.tools import archive, backups
from hotline.unfinished import RESTORE
from recordings.models import Recording
from recordings.settings import RecordingSettings
from recordings.store import token as tokens

if not any(one.name == "backup" for one in cli.app.registered_commands):
    commands.register(cli.app)


class House:
    """An instance of its own, with an embedded database, and two disks for its backups."""

    def __init__(self, home: Path) -> None:
        self.home, self.disk, self.keys = home / "instance", home / "disk", home / "keys"
        self.settings = Settings(home=self.home, backup=BackupSettings(folder=self.disk, keys=self.keys))
        self.runtime = Runtime(self.settings)

    async def begin(self) -> None:
        """A database, three recordings of two days with their seal, citizens, messages, a ledger in chain."""
        self.runtime.open()
        await Ground(self.runtime).start_database()
        self.room = Room(self.runtime.db, self.home)
        await self.room.record(count=2)
        await self.room.seal()
        await self.room.record(NOON + timedelta(days=2))
        async with self.runtime.db.session() as session:
            session.add_all([Citizen(name="张建国", phone="+8613800000001"), Citizen(phone="+8613800000002")])
            for number, state in enumerate((SmsState.QUEUED, SmsState.SUBMITTING, SmsState.DELIVERED)):
                session.add(Sms(key=f"one:{number}", to="+8613800000001", text="已受理", state=state))
            for number in range(20):
                await ledger.record(session, SYSTEM, "order.open", "ticket", number)
        await seal(self.runtime.db)
        (self.home / "tls").mkdir()
        (self.home / "tls" / "ca.pem").write_text("trusted")
        (self.home / "hotline.toml").write_text("[line]\n")

    async def end(self) -> None:
        await self.runtime.db.close()
        assert self.runtime.postgres
        self.runtime.postgres.stop()

    async def backup(self) -> taking.Taken:
        return await backups.take(self.settings, None, None, lambda line: None)

    async def restore(self, name: str = "", *, in_place: bool = False, **how: bool) -> "backups.Restored":
        how["files_in_place"] = in_place
        return await backups.restore(self.settings, None, None, name, **how, say=lambda line: None)


@pytest.fixture
async def house(home: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    for name, value in FOR_TESTS.items():
        monkeypatch.setitem(SETTINGS, name, value)
    made = House(home)
    await made.begin()
    yield made
    await made.end()


async def test_after_a_wreck_everything_is_as_it_was(house: House) -> None:
    going_on = asyncio.Event()

    async def work() -> int:
        done = 0
        while not going_on.is_set():
            await house.room.record()
            async with house.runtime.db.session() as session:
                await ledger.record(session, SYSTEM, "order.open", "ticket", done)
            done += 1
        return done

    working = asyncio.create_task(work())
    taken = await house.backup()
    going_on.set()
    assert await working > 0
    manifest = sets.opened(house.disk / "sets" / taken.name)
    held = manifest.tables
    assert held["recordings"].rows >= 3 and held["citizens"].rows == 2 and held["archive_seals"].rows == 1
    before = {path: path.read_bytes() for path in house.room.root.rglob("*.hla1")}
    assert taken.files.new >= 3

    await house.end()
    shutil.rmtree(house.home / "archive")
    shutil.rmtree(house.home / "secrets")
    (house.home / "postgres" / "data" / "global" / "pg_control").write_bytes(b"\0" * 8192)
    (house.home / "tls" / "ca.pem").write_text("of a fresh machine")
    done = await house.restore()

    assert done.findings == []
    assert (done.rows, done.files) == (sum(one.rows for one in held.values()), taken.files.new)
    assert (done.recordings, done.seals) == (held["recordings"].rows, 1)
    assert done.aside and (done.aside / "postgres" / "data" / "global" / "pg_control").exists()
    assert (house.home / "tls" / "ca.pem").read_text() == "trusted"
    assert (house.keys / taken.name / "hotline.toml").read_text() == "[line]\n"
    assert not (house.home / RESTORE).exists()
    house.runtime = Runtime(house.settings).open()
    assert house.runtime.postgres
    house.runtime.postgres.start()
    found = await inventory.held(house.runtime.db.dsn)
    changed = {name for name in held if held[name] != found[name]}
    assert changed == {"ledger", "recordings", "archive_seals", "sms", "sms_events"}  # noted, checked, doubted
    grown = {name: found[name].rows - held[name].rows for name in changed}
    assert grown == {"ledger": 1, "recordings": 0, "archive_seals": 0, "sms": 0, "sms_events": 2}
    async with house.runtime.db.session() as session:
        names = {one.name for one in await session.scalars(select(Citizen))}
        assert names == {"张建国", None}
        assert await verify(session) is None
        states = list(await session.scalars(select(Sms.state).order_by(Sms.key)))
        assert states == [SmsState.UNKNOWN, SmsState.UNKNOWN, SmsState.DELIVERED] and done.doubted == 2
        assert await session.scalar(select(LedgerEntry.action).order_by(LedgerEntry.id.desc()).limit(1)) == (
            "system.restore"
        )
        kept = list(await session.scalars(select(Recording.store_key)))
    for key in kept:
        path = house.room.root / f"{key}.hla1"
        assert path.read_bytes() == before[path]


async def test_a_second_backup_copies_what_is_new_and_old_ones_go(house: House) -> None:
    with clock.frozen(clock.now() - timedelta(days=40)):
        first = await house.backup()
    await house.room.record(NOON + timedelta(days=3))
    with clock.frozen(clock.now() - timedelta(days=20)):
        second = await house.backup()
    assert (second.files.new, second.files.there, second.removed) == (1, 3, ())
    third = await house.backup()
    assert (third.files.new, third.files.there, third.removed) == (0, 4, (first.name,))
    assert [path.name for path in sets.sets(house.disk / "sets")] == [second.name, third.name]
    assert [path.name for path in sets.sets(house.keys)] == [third.name]
    await house.end()
    done = await house.restore(second.name)
    assert (done.name, done.keys, done.findings) == (second.name, third.name, [])


async def test_what_became_of_a_file_in_the_archive_does_not_reach_its_copy(house: House) -> None:
    """A recording that was cut short and one that was deleted are in the backup as they were, and come back."""
    first, second = (await house.room.record(NOON + timedelta(days=3), count=2))[:2]
    await house.backup()
    cut = house.room.path(first)
    cut.write_bytes(cut.read_bytes()[:-9])
    house.room.path(second).unlink()
    assert not (await house.room.checked(NOON + timedelta(days=5)))[0]
    taken = await house.backup()
    names = sorted(f"{row.store_key}.hla1" for row in (first, second))
    assert (taken.files.new, taken.files.there, sorted(taken.files.kept), taken.wrong) == (0, 5, names, 2)
    assert "核验发现 2 份录音或附件有问题" in str(taken) and f"备份保留原来的：{'、'.join(sorted(names))}" in str(taken)
    assert await backups.check(house.settings, None, None, "") == []
    await house.end()
    done = await house.restore()
    assert (done.findings, done.recordings) == ([], 5)


async def test_two_backups_of_one_second_have_names_of_their_own(house: House) -> None:
    with clock.frozen(NOON + timedelta(days=3)):
        first, second = await house.backup(), await house.backup()
    assert (first.name, second.name) == ("20261126-120000", "20261126-120001")
    assert [one.name for one in sets.sets(house.disk / "sets")] == [first.name, second.name]
    assert await backups.check(house.settings, None, None, "") == []


async def test_a_place_where_no_backup_can_lie_is_told_in_words(house: House, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="上级目录不存在"):
        await backups.take(house.settings, Path("/proc/backups"), house.keys, print)
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="上级不是目录"):
        await backups.take(house.settings, tmp_path / "file" / "disk", house.keys, print)
    with pytest.raises(Invalid, match="不能放在归档目录里面"):
        await backups.take(house.settings, house.home / "archive" / "backups", house.keys, print)
    with pytest.raises(NotFound, match="没有备份 20200101-000000"):
        await backups.check(house.settings, house.disk, house.keys, "20200101-000000")


async def test_what_the_backup_holds_opens_nothing_without_its_keys(house: House) -> None:
    taken = await house.backup()
    kept = [path for path in house.disk.rglob("*") if path.is_file()]
    assert any(path.name == "database.dump" for path in kept)
    secrets = [path.read_bytes().strip() for path in (house.home / "secrets").iterdir()]
    assert not [path for path in kept for one in secrets if one in path.read_bytes()]
    assert not (house.disk / "sets" / taken.name / sets.KEYS_DUMP).exists()
    with pytest.raises(Invalid, match="不能与数据放在同一处"):
        await backups.take(house.settings, house.disk, house.disk / "keys", print)


async def test_a_damaged_backup_is_refused_and_changes_nothing(house: House) -> None:
    taken = await house.backup()
    await house.end()
    dump = house.disk / "sets" / taken.name / sets.DATABASE
    whole = dump.read_bytes()
    dump.write_bytes(whole[:-1])
    with pytest.raises(Invalid, match=r"已损坏：database\.dump"):
        await house.restore()
    dump.write_bytes(whole)
    assert not (house.home / RESTORE).exists() and (house.home / "secrets" / "personal").exists()
    for wrong in ("20200101-000000", "../keys"):
        with pytest.raises((NotFound, Invalid)):
            await house.restore(wrong)
    victim = next((house.disk / "files").rglob("*.hla1"))
    content = bytearray(victim.read_bytes())
    content[-1] ^= 1
    victim.write_bytes(content)
    assert await backups.check(house.settings, None, None, "") == [
        f"备份中的文件 {victim.relative_to(house.disk / 'files')} 已损坏"
    ]
    done = await house.restore(in_place=True)
    assert done.findings == []


async def test_a_restore_that_died_keeps_the_instance_shut_until_it_is_done_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.backup()
    await house.end()

    async def die(*_: object) -> None:
        raise Unavailable("disk-full", "磁盘已满")

    with monkeypatch.context() as patch:
        patch.setattr("hotline.backup.programs.load_keys", die)
        with pytest.raises(Unavailable):
            await house.restore()
    with pytest.raises(Conflict, match="恢复没有完成"):
        Runtime(house.settings).open()
    asides = list(house.home.glob("before-restore-*"))
    done = await house.restore()
    assert done.findings == [] and list(house.home.glob("before-restore-*")) == asides
    Runtime(house.settings).open()


async def test_nothing_is_restored_over_an_instance_at_work(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.backup()
    from hotline.supervisor import only_one

    with only_one(house.home), pytest.raises(Conflict, match="已在运行"):
        await house.restore()
    assert house.runtime.postgres
    monkeypatch.setenv("HOTLINE_HOME", str(house.home))
    other = Settings(home=house.home, database_url=house.runtime.postgres.url, backup=house.settings.backup)
    with pytest.raises(Conflict, match="数据库中已有数据"):
        await backups.restore(other, None, None, "", files_in_place=False, say=print)
    with psycopg.connect(house.runtime.postgres.url_of("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE another")
    other = Settings(
        home=house.home, database_url=house.runtime.postgres.url_of("another"), backup=house.settings.backup
    )
    done = await backups.restore(other, None, None, "", files_in_place=True, say=print)
    assert done.findings == [] and done.recordings == 3
    async with house.runtime.db.session() as session:
        assert await session.scalar(select(func.count()).select_from(Recording)) == 3


async def test_a_devices_keys_are_in_no_backup_and_are_asked_for_before_a_restore(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "RETRY_S", 0.0)
    with soft_token(house.home.parent / "device") as token:
        token.write_pin(house.home)
        recordings = RecordingSettings(pkcs11=token.settings())
        house.settings = Settings(home=house.home, backup=house.settings.backup, recordings=recordings)
        house.runtime = Runtime(house.settings)
        master_id = (await archive.rotate_key(house.settings, make=True, say=print)).master_id
        taken = await house.backup()
        assert f"密码设备“{token.label}”中的主密钥不在备份里" in str(taken)
        assert sets.opened(house.keys / taken.name).masters == (master_id,)
        assert await backups.check(house.settings, None, None, "") == []
        await house.end()
        shutil.rmtree(house.home / "archive")
        done = await house.restore()
        assert (done.recordings, done.findings) == (3, [])

        token.unplug()
        assert token.label in (await backups.check(house.settings, None, None, ""))[0]
        before = sorted(house.home.glob("*"))
        with pytest.raises(Unavailable, match=f"{token.label}.*--without-master-keys"):
            await house.restore()
        token.plug_in()
        token.delete_key(1)
        assert await backups.check(house.settings, None, None, "") == [f"缺少主密钥 {master_id}"]
        with pytest.raises(Unavailable, match=f"缺少主密钥 {master_id}。.*现有的数据没有改变"):
            await house.restore()
        assert sorted(house.home.glob("*")) == before
        done = await house.restore(without_masters=True)
        assert done.findings == ["没有核验录音、附件和封存：主密钥到位后请运行 hotline archive verify"]
        assert not (house.home / RESTORE).exists() and done.files >= 3


async def test_the_terminal_says_what_was_done(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_HOME", str(house.home))
    places = ["--to", str(house.disk), "--keys", str(house.keys)]
    said = await asyncio.to_thread(CliRunner().invoke, cli.app, ["backup", *places])
    assert said.exit_code == 0 and "录音和附件 3 份，其中新复制 3 份" in said.stdout
    said = await asyncio.to_thread(CliRunner().invoke, cli.app, ["backup", "--check", *places])
    assert (said.exit_code, said.stdout) == (0, "备份完好。\n")
    assert isinstance((await asyncio.to_thread(CliRunner().invoke, cli.app, ["backup"])).exception, Invalid)
    await house.end()
    command = ["restore", "--from", str(house.disk), "--keys", str(house.keys)]
    said = await asyncio.to_thread(CliRunner().invoke, cli.app, command, input="n\n")
    assert said.exit_code == 1 and not list(house.home.glob("before-restore-*"))
    said = await asyncio.to_thread(CliRunner().invoke, cli.app, [*command, "--yes"])
    assert said.exit_code == 0 and "与备份逐项相同" in said.stdout and "短信 2 条" in said.stdout


async def test_an_older_backup_brings_back_nothing_that_was_lawfully_destroyed(
    house: House, installation: Installation
) -> None:
    installed.use(installation)
    office = Office(house.room)
    old = await house.backup()
    async with house.runtime.db.session() as session:
        due = select(Recording).where(Recording.protected_until < clock.local(AFTER).date())
        rows = list(await session.scalars(due))
    await office.done()
    assert len(rows) == 2
    await house.room.record(AFTER)
    with clock.frozen(clock.now() + timedelta(minutes=1)):
        await house.backup()
    await house.end()
    shutil.rmtree(house.home / "archive")
    done = await house.restore(old.name)
    assert (done.name, done.destroyed, done.findings) == (old.name, 2, [])
    assert "备份以后已依法销毁的录音、附件 2 份已按销毁证书再次销毁。" in done.as_text()
    house.runtime = Runtime(house.settings).open()
    assert house.runtime.postgres
    house.runtime.postgres.start()
    async with house.runtime.db.session() as session:
        ended = {row.id for row in await session.scalars(select(Recording)) if row.destroyed_at}
    assert ended == {row.id for row in rows}
    assert not [row for row in rows if house.room.path(row).exists()]
