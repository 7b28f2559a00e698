"""Files that were put to orders stand in the daily seal beside the recordings, proven and checked as they are."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from archive_room import DAY, NOON, Room
from by_hand import AS_OWNER
from retention_room import AFTER, Office, archive, office, order_of, put_to
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner

from core import clock
from core.db import Database, new_id
from core.ledger.models import LedgerEntry
from crm import installed
from crm.installed import Installation
from crm.tickets.models import Attachment
from hotline import cli, commands
from recordings.disposal.models import DisposalCertificate
from recordings.models import Recording
from recordings.proof import seal as sealing
from recordings.proof.models import ArchiveLeaf, ArchiveSeal
from recordings.proof.prove import find, prove
from recordings.proof.queries import held, sealed_on
from recordings.proof.seal import seal_of
from recordings.proof.statement import FIRST, leaf, printed

SCRIPT = Path(__file__).parents[3] / "docs" / "verify_archive.py"
ONE = timedelta(days=1)
commands.register(cli.app)


@pytest.fixture(name="office")
def made(db: Database, home: Path, installation: Installation) -> Office:
    installed.use(installation)
    return office(db, home)


async def found(room: Room) -> list[str]:
    """What the check wrote down of the seals."""
    async with room.db.session() as session:
        days = await session.scalars(
            select(ArchiveSeal.finding).where(ArchiveSeal.finding != "").order_by(ArchiveSeal.day)
        )
        return [line for of_day in days for line in of_day.splitlines()]


async def filed(office: Office, count: int = 2, name: str = "李四的现场照片.pdf") -> tuple[Recording, list[Attachment]]:
    """A recording of the day, and so many files that were put to its order."""
    (row,) = await office.room.record()
    ticket = await order_of(office.db, row)
    return row, [await put_to(office, ticket, NOON + n * timedelta(minutes=1), name) for n in range(count)]


def script(*files: Path) -> tuple[int, str]:
    """The stand-alone script, with Python's standard library only."""
    done = subprocess.run([sys.executable, "-I", "-S", SCRIPT, *files], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@pytest.mark.proves("A12.9-3")
async def test_a_days_seal_proves_its_recordings_and_its_files(office: Office, tmp_path: Path) -> None:
    room = office.room
    row, files = await filed(office)
    await room.seal()
    kept: list[Recording | Attachment] = [row, *files]
    async with room.db.session() as session:
        seal = await seal_of(session, DAY)
        assert (seal.count, await held(session, DAY)) == (3, "录音 1 份、附件 2 份")
        assert await sealed_on(session, [one.id for one in kept]) == {one.id: DAY for one in kept}
        (tmp_path / "seal.txt").write_text(printed(seal), encoding="utf-8")
    for one in kept:
        (tmp_path / "file").write_bytes(b"".join([block async for block in room.store.read(one.store_key)]))
        async with room.db.session() as session:
            proof = await prove(session, await find(session, one.id))
        (tmp_path / "proof.json").write_text(json.dumps(proof), encoding="utf-8")
        code, said = script(tmp_path / "file", tmp_path / "proof.json", tmp_path / "seal.txt")
        assert (code, f"{one.called} {one.id}" in said) == (0, True), said
    assert proof["attachment"]["sha256"] == files[-1].digest and "李四" not in json.dumps(proof, ensure_ascii=False)
    assert str(files[-1].salt) not in json.dumps(proof), "nobody finds the name by trying"
    (tmp_path / "file").write_bytes(b"another")
    code, said = script(tmp_path / "file", tmp_path / "proof.json", tmp_path / "seal.txt")
    assert (code, said) == (1, "不符：附件文件与证明中的 SHA-256 或长度不符\n")
    assert await room.checked() == (True, "1 份录音、2 份附件，未发现问题")


async def test_the_commands_print_the_seal_and_the_proof_of_a_file(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, [file] = await filed(office, 1)
    await office.room.seal()
    monkeypatch.setenv("HOTLINE_HOME", str(office.room.home))
    monkeypatch.setenv("HOTLINE_DATABASE_URL", office.db.dsn)

    async def hotline(*arguments: str) -> str:
        done = await asyncio.to_thread(CliRunner().invoke, cli.app, ["archive", *arguments])
        assert done.exit_code == 0, done.output
        return done.stdout

    paper = (await hotline("seal", "--date", str(DAY))).splitlines()
    assert paper[0] == "# 12345热线归档封存单 2026年11月23日，录音 1 份、附件 1 份"
    proof = json.loads(await hotline("prove", str(file.id)))
    assert (proof["attachment"]["id"], proof["count"]) == (str(file.id), 2)
    async with office.db.session() as session:
        [noted] = await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "archive.prove"))
    assert (noted.subject, noted.subject_id) == ("attachment", str(file.id))


async def test_no_leaf_passes_for_one_of_another_kind(office: Office) -> None:
    row, [file] = await filed(office, 1)
    assert b'"what"' not in leaf(row), "recordings were sealed before there were other kinds"
    assert b'"what":"attachment"' in leaf(file)


async def test_what_came_is_in_the_ledger_at_once(office: Office) -> None:
    """So a file that is taken out before its day is sealed is missed."""
    _, [file, other] = await filed(office)
    await office.room.sql(delete(Attachment).where(Attachment.id == file.id))
    await office.room.sql(update(Attachment).where(Attachment.id == other.id).values(name="另一个名称.pdf"))
    await office.room.seal()
    await office.room.checked()
    assert await found(office.room) == [
        f"附件 {other.id}：目录记录在封存以前被改动，与审计日志中归档时的登记不同",
        f"附件 {file.id}：审计日志登记了归档，目录记录在封存以前被删除",
    ]


async def test_a_file_never_comes_within_a_day_that_is_sealed(office: Office) -> None:
    row, _ = await filed(office, 0)
    await office.room.seal(NOON + ONE)
    late = await put_to(office, await order_of(office.db, row), NOON)
    assert late.added_at == clock.midnight(DAY + ONE), "the clock was set back"
    await office.room.seal(NOON + 2 * ONE)
    assert (await office.room.checked(NOON + 3 * ONE))[0]


Act = Callable[[Room, Attachment, Attachment], Awaitable[None]]


def changed(**fields: object) -> Act:
    async def act(room: Room, file: Attachment, _: Attachment) -> None:
        await room.sql(update(Attachment).where(Attachment.id == file.id).values(**fields))

    return act


async def drop_row(room: Room, file: Attachment, _: Attachment) -> None:
    await room.sql(delete(Attachment).where(Attachment.id == file.id))


async def insert_row(room: Room, file: Attachment, other: Attachment) -> None:
    """A file that nobody put there on a day that is sealed."""
    columns = {column.name: getattr(file, column.name) for column in Attachment.__table__.columns}
    await room.sql(insert(Attachment).values(**columns | {"id": other.ticket_id}))


async def insert_early(room: Room, file: Attachment, other: Attachment) -> None:
    """The same, said to have come before there was anything; the next seal takes it in."""
    columns = {column.name: getattr(file, column.name) for column in Attachment.__table__.columns}
    await room.sql(insert(Attachment).values(**columns | {"id": other.ticket_id, "added_at": NOON - ONE}))


async def swap(room: Room, file: Attachment, other: Attachment) -> None:
    """Each is said to be what the other is."""
    for one, another in ((file, other), (other, file)):
        new = {name: getattr(another, name) for name in ("digest", "sm3", "size", "store_key")}
        await room.sql(update(Attachment).where(Attachment.id == one.id).values(**new))


def leaf_changed(**fields: object) -> Act:
    async def act(room: Room, file: Attachment, _: Attachment) -> None:
        await room.sql(update(ArchiveLeaf).where(ArchiveLeaf.object_id == file.id).values(**fields))

    return act


async def drop_leaf(room: Room, file: Attachment, _: Attachment) -> None:
    await room.sql(delete(ArchiveLeaf).where(ArchiveLeaf.object_id == file.id))


ALTERED = "附件 {file}：目录记录与封存时不同"
TAMPERING: dict[str, tuple[Act, str]] = {
    "digest": (changed(digest="ab" * 32), ALTERED),
    "sm3": (changed(sm3="ab" * 32), ALTERED),
    "sm3 taken away": (changed(sm3=""), ALTERED),
    "size": (changed(size=7), ALTERED),
    "name": (changed(name="别的名称.pdf"), ALTERED),
    "salt": (changed(salt=new_id()), ALTERED),
    "media type": (changed(media_type="image/png"), ALTERED),
    "time": (changed(added_at=NOON - timedelta(hours=1)), ALTERED),
    "order": (changed(ticket_id=new_id()), ALTERED),
    "who": (changed(added_by=new_id()), ALTERED),
    "unit": (changed(unit_id=new_id()), ALTERED),
    "exchanged": (swap, ALTERED),
    "row deleted": (drop_row, "附件 {file}：目录记录被删除"),
    "row inserted": (insert_row, "附件 {new}：归档时间在已封存的日期内，却不在封存中，系倒签补入"),
    "protection shortened": (changed(protected_until=DAY), "附件 {file}：最后保护日早于添加之日起3年，被改动"),
    "marked as destroyed": (
        changed(destroyed_at=NOON, certificate="XH1"),
        "附件 {file}：目录记为依法销毁，却没有销毁证书",
    ),
    "leaf": (leaf_changed(hash="ab" * 32), "2026年11月23日的封存：其中的摘要被改动"),
    "leaf's kind": (leaf_changed(what="recording"), "录音 {file}：目录记录被删除"),
    "leaf deleted": (drop_leaf, "2026年11月23日的封存：应有 3 份，实有 2 份"),
}


@pytest.mark.proves("A12.9-3")
@pytest.mark.parametrize("name", TAMPERING)
async def test_whatever_is_tampered_with_is_found_and_named(office: Office, name: str) -> None:
    tamper, expected = TAMPERING[name]
    room = office.room
    _, [file, other] = await filed(office)
    await room.seal(NOON + 2 * ONE)
    assert (await room.checked(NOON + 2 * ONE))[0]
    await tamper(room, file, other)
    ok, detail = await room.checked(NOON + 4 * ONE)
    assert not ok and "封存核验发现问题" in detail
    lines = await found(room)
    assert expected.format(file=file.id, new=other.ticket_id) in lines, lines


async def before_the_upgrade(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nights on which recordings alone were sealed, and files of which the ledger and the catalogue said less."""
    with monkeypatch.context() as then:
        then.setattr(sealing, "catalogues", lambda: [Recording])
        await room.seal(NOON + 2 * ONE)
    seals = LedgerEntry.action == "archive.seal"
    await room.sql(update(LedgerEntry).where(seals).values(detail=LedgerEntry.detail.op("-")("of")))
    await room.sql(delete(LedgerEntry).where(LedgerEntry.action == "attachment.archive"))
    await room.sql(update(Attachment).values(sm3=""))


async def test_files_from_before_the_upgrade_come_into_the_next_seal(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = office.room
    _, [file, other] = await filed(office)
    await before_the_upgrade(room, monkeypatch)
    assert await room.checked(NOON + 2 * ONE) == (True, "1 份录音、2 份附件，未发现问题")
    assert await room.seal(NOON + 3 * ONE) == [DAY + 2 * ONE]
    async with room.db.session() as session:
        assert await sealed_on(session, [file.id, other.id]) == dict.fromkeys((file.id, other.id), DAY + 2 * ONE)
    assert (await room.checked(NOON + 4 * ONE))[0], await found(room)
    await insert_early(room, file, other)
    await room.seal(NOON + 5 * ONE)
    await room.checked(NOON + 6 * ONE)
    strays = f"附件 {other.ticket_id}：归档时间早于封存的这一天，系倒签补入"
    assert await found(room) == [strays], "from the first seal with files on, none comes afterwards"


async def test_a_process_of_before_that_seals_a_night_more_accuses_nobody(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = office.room
    row, _ = await filed(office, 1)
    await room.seal(NOON + ONE)
    ticket = await order_of(office.db, row)
    await put_to(office, ticket, NOON + ONE)
    with monkeypatch.context() as then:
        then.setattr(sealing, "catalogues", lambda: [Recording])
        await room.seal(NOON + 2 * ONE)
    await room.sql(
        update(LedgerEntry)
        .where(LedgerEntry.subject_id == "2026-11-24")
        .values(detail=LedgerEntry.detail.op("-")("of"))
    )
    assert (await room.checked(NOON + 2 * ONE))[0], await found(room)
    await room.seal(NOON + 3 * ONE)
    assert (await room.checked(NOON + 4 * ONE))[0], await found(room)


async def test_an_archive_that_begins_with_a_file_is_sealed_from_that_day_on(office: Office) -> None:
    (row,) = await office.room.record(NOON + ONE)
    await put_to(office, await order_of(office.db, row), NOON)
    assert await office.room.seal(NOON + 2 * ONE) == [DAY, DAY + ONE]
    async with office.db.session() as session:
        assert (await seal_of(session, DAY)).previous == FIRST
    assert (await office.room.checked())[0]


async def test_a_file_that_lawfully_ended_is_no_finding(office: Office) -> None:
    (row,) = await office.room.record()
    ticket = await order_of(office.db, row)
    file = await put_to(office, ticket)
    await archive(office, ticket)
    await office.room.seal()
    await office.done()
    async with office.db.session() as session:
        assert (await session.get_one(Attachment, file.id)).destroyed_at
        assert await session.scalar(select(func.count()).select_from(DisposalCertificate)) == 1
    assert (await office.room.checked(AFTER + ONE))[0], await found(office.room)
    await office.room.sql(update(DisposalCertificate).values(document=DisposalCertificate.document + " "))
    await office.room.checked(AFTER + 3 * ONE)
    assert [
        line for line in await found(office.room) if line.startswith(f"附件 {file.id}：目录记为依法销毁，但销毁证书")
    ]


async def test_the_database_lets_no_row_of_a_file_go(office: Office) -> None:
    _, [file] = await filed(office, 1)
    with pytest.raises(IntegrityError, match="archive"):
        async with office.db.session() as session:
            await session.execute(AS_OWNER)
            await session.execute(delete(Attachment).where(Attachment.id == file.id))
