"""Seals: every day one, chained and signed; proofs that hold without the product; what was tampered with is named."""

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from archive_room import DAY, NOON, Room
from by_hand import AS_OWNER, BY_HAND
from sqlalchemy import delete, insert, select, update
from sqlalchemy import text as sql
from sqlalchemy.exc import IntegrityError

from callflow.incidents.models import Incident
from core import board, clock, ledger
from core.actor import SYSTEM
from core.db import Database
from core.errors import Conflict, NotFound, Unavailable
from core.ledger.models import LedgerEntry
from core.ledger.service import head, verify
from core.ledger.service import seal as seal_ledger
from core.secrets import Secrets
from hotline.settings import Settings
from hotline.tools import ledger as ledger_command
from recordings.archive import incidents
from recordings.models import Recording
from recordings.proof.models import ArchiveLeaf, ArchiveSeal
from recordings.proof.prove import find, prove
from recordings.proof.seal import seal_of
from recordings.proof.signing import Signer
from recordings.proof.statement import link, printed, text
from recordings.settings import MAIN
from recordings.store.models import ArchiveKey

SCRIPT = Path(__file__).parents[3] / "docs" / "verify_archive.py"
ONE = timedelta(days=1)


@pytest.fixture
def room(db: Database, home: Path) -> Room:
    return Room(db, home)


async def seals(room: Room) -> list[ArchiveSeal]:
    async with room.db.session() as session:
        return list(await session.scalars(select(ArchiveSeal).order_by(ArchiveSeal.day)))


async def test_a_day_is_sealed_once_it_is_over_and_settled(room: Room) -> None:
    assert await room.seal() == [], "nothing was ever recorded"
    await room.record(count=3)
    ends = clock.midnight(DAY + ONE)
    assert await room.seal(ends + timedelta(minutes=9)) == []
    assert await room.seal(ends + timedelta(minutes=10)) == [DAY]
    assert await room.seal(ends + timedelta(hours=5)) == []
    (only,) = await seals(room)
    assert (only.count, only.previous) == (3, "0" * 64)


async def test_after_an_outage_every_day_is_sealed_also_those_without_a_recording(room: Room) -> None:
    await room.record(count=2)
    await room.record(NOON + 3 * ONE)
    assert await room.seal(NOON + 5 * ONE) == [DAY + n * ONE for n in range(5)]
    found = await seals(room)
    assert [one.count for one in found] == [2, 0, 0, 1, 0]
    assert [one.previous for one in found[1:]] == [link(one) for one in found[:-1]]
    assert await room.checked(NOON + 5 * ONE) == (True, "3 份录音，未发现问题")


def script(*files: Path, isolated: bool = False) -> tuple[int, str]:
    """The stand-alone script; isolated: with Python's standard library only."""
    flags = ["-I", "-S"] if isolated else []
    done = subprocess.run([sys.executable, *flags, SCRIPT, *files], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


async def handed_out(room: Room, row: Recording, folder: Path) -> tuple[Path, Path, Path]:
    """The sound, its proof and the paper."""
    sound, proof, paper = folder / "sound.flac", folder / "proof.json", folder / "seal.txt"
    sound.write_bytes(b"".join([block async for block in room.store.read(row.store_key)]))
    async with room.db.session() as session:
        proof.write_text(json.dumps(await prove(session, row)), encoding="utf-8")
        paper.write_text("# 封存单\n" + printed(await seal_of(session, DAY)), encoding="utf-8")
    return sound, proof, paper


@pytest.mark.parametrize("count", [1, 5])
async def test_a_proof_and_the_paper_convince_whoever_has_only_python(room: Room, tmp_path: Path, count: int) -> None:
    rows = await room.record(count=count)
    await room.seal()
    for row in rows:
        files = await handed_out(room, row, tmp_path)
        code, said = script(*files)
        assert (code, "签名相符" in said, str(row.id) in said) == (0, True, True), said
    code, said = script(*files, isolated=True)
    assert (code, "签名未核对" in said) == (0, True), said


async def test_the_script_finds_another_sound_another_proof_and_another_paper(room: Room, tmp_path: Path) -> None:
    row, other = await room.record(count=2)
    await room.seal()
    sound, proof, paper = await handed_out(room, row, tmp_path)
    given = {path: path.read_bytes() for path in (sound, proof, paper)}

    def changed(path: Path, before: bytes, after: bytes) -> tuple[int, str]:
        assert before in given[path]
        path.write_bytes(given[path].replace(before, after, 1))
        try:
            return script(sound, proof, paper)
        finally:
            path.write_bytes(given[path])

    assert changed(sound, b"fLaC", b"fLaX") == (1, "不符：录音文件与证明中的 SHA-256 或长度不符\n")
    assert changed(proof, b"node1", b"node2")[0] == 1
    assert changed(proof, b'"place": 0', b'"place": 1')[0] == 1
    assert "签名不符" in changed(paper, b"signature: ", b"signature: 00")[1]
    assert changed(paper, b"count: 2", b"count: 3")[0] == 1
    assert changed(paper, b"previous: 0", b"previous: 1")[0] == 1
    assert "不完整" in changed(paper, b"HOTLINE", b"OTHER")[1]
    assert changed(proof, b"{", b"[")[0] == 1
    assert script(sound, proof)[0] == 2
    assert script(sound, proof, paper)[0] == 0
    assert row.id != other.id


async def test_what_is_not_sealed_or_no_longer_as_sealed_is_not_proven(room: Room) -> None:
    (row,) = await room.record()
    async with room.db.session() as session:
        with pytest.raises(NotFound, match="not-sealed"):
            await prove(session, await find(session, row.id))
        with pytest.raises(NotFound, match="not-sealed"):
            await seal_of(session, DAY)
        with pytest.raises(NotFound, match="recording-unknown"):
            await find(session, row.call_id or row.id)
    await room.seal()
    await room.sql(update(Recording).values(seconds=Recording.seconds + 1))
    async with room.db.session() as session:
        with pytest.raises(Conflict, match="row-altered"):
            await prove(session, await find(session, row.id))


async def test_adopting_and_transcribing_change_nothing_that_was_sealed(room: Room) -> None:
    await room.record(count=2)
    await room.seal()
    later = {"transcribed_at": NOON + 2 * ONE, "protected_until": date(2030, 1, 1)}
    await room.sql(update(Recording).values(call_id=None, offset_s=1.0, **later))
    assert (await room.checked())[0]


Act = Callable[[Room, Recording, Recording], Awaitable[None]]


async def flip(room: Room, row: Recording, _: Recording) -> None:
    data = bytearray(room.path(row).read_bytes())
    data[len(data) // 2] ^= 1
    room.path(row).write_bytes(data)


async def truncate(room: Room, row: Recording, _: Recording) -> None:
    room.path(row).write_bytes(room.path(row).read_bytes()[:-1])


async def remove(room: Room, row: Recording, _: Recording) -> None:
    room.path(row).unlink()


async def swap(room: Room, row: Recording, other: Recording) -> None:
    one, two = room.path(row), room.path(other)
    one.rename(one.with_name("aside"))
    two.rename(one)
    one.with_name("aside").rename(two)


async def swap_names(room: Room, row: Recording, other: Recording) -> None:
    """The catalogue's rows, instead of the files."""
    for id, key in ((row.id, other.store_key), (other.id, row.store_key)):
        await room.sql(update(Recording).where(Recording.id == id).values(store_key=key))


async def other_sound(room: Room, row: Recording, other: Recording) -> None:
    """Somebody with all the keys puts another sound there and gives the catalogue its digest."""
    sound = b"".join([block async for block in room.store.read(other.store_key)])
    key = room.root / row.store_key
    key.write_bytes(sound)
    room.path(row).unlink()
    await room.sql(delete(ArchiveKey).where(ArchiveKey.store_key == row.store_key))
    new = {"digest": other.digest, "sm3": other.sm3, "size": other.size}
    await room.sql(update(Recording).where(Recording.id == row.id).values(**new))


async def back_date(room: Room, row: Recording, _: Recording) -> None:
    await room.sql(update(Recording).where(Recording.id == row.id).values(started_at=NOON - ONE))


async def back_date_cataloguing(room: Room, row: Recording, _: Recording) -> None:
    await room.sql(update(Recording).where(Recording.id == row.id).values(catalogued_at=NOON - ONE))


async def drop_row(room: Room, row: Recording, _: Recording) -> None:
    await room.sql(delete(Recording).where(Recording.id == row.id))


async def insert_row(room: Room, row: Recording, other: Recording) -> None:
    """A recording that never was, of a day that is sealed."""
    columns = {column.name: getattr(row, column.name) for column in Recording.__table__.columns}
    await room.sql(insert(Recording).values(**columns | {"id": other.call_id, "linkedid": "1.1"}))


async def alter_count(room: Room, row: Recording, _: Recording) -> None:
    await room.sql(update(ArchiveSeal).where(ArchiveSeal.day == DAY).values(count=3))


async def alter_root(room: Room, row: Recording, _: Recording) -> None:
    await room.sql(update(ArchiveSeal).where(ArchiveSeal.day == DAY).values(root="ab" * 32))


async def sign_anew(room: Room, row: Recording, _: Recording) -> None:
    """The whole day made anew without a recording, signed with another key."""
    forger = Signer(Secrets(room.home / "forged"))
    async with room.db.session() as session:
        await session.execute(BY_HAND)
        seal = await session.get_one(ArchiveSeal, DAY)
        seal.public_key = forger.public_key()
        seal.signature = forger.sign(text(seal))


async def alter_leaf(room: Room, row: Recording, _: Recording) -> None:
    await room.sql(update(ArchiveLeaf).where(ArchiveLeaf.object_id == row.id).values(hash="no hash"))


async def drop_leaf(room: Room, row: Recording, _: Recording) -> None:
    await room.sql(delete(ArchiveLeaf).where(ArchiveLeaf.object_id == row.id))


async def drop_day(room: Room, row: Recording, _: Recording) -> None:
    await room.sql(delete(ArchiveSeal).where(ArchiveSeal.day == DAY + ONE))


async def file_earlier(room: Room, row: Recording, _: Recording) -> None:
    """The object lies under a day on which it was not recorded."""
    name = room.path(row).relative_to(room.root).as_posix()
    earlier = room.root / name.replace("2026", "2025", 1)
    earlier.parent.mkdir(parents=True)
    room.path(row).rename(earlier)


async def flip_digest(room: Room, row: Recording, _: Recording) -> None:
    digest = ("0" if row.digest[0] != "0" else "1") + row.digest[1:]
    await room.sql(update(Recording).where(Recording.id == row.id).values(digest=digest))


async def shorten_row(room: Room, row: Recording, _: Recording) -> None:
    await room.sql(update(Recording).where(Recording.id == row.id).values(seconds=row.seconds / 2))


async def swap_calls(room: Room, row: Recording, other: Recording) -> None:
    """Each recording is said to be of the other's call."""
    for id, linkedid in ((row.id, "aside"), (other.id, row.linkedid), (row.id, other.linkedid)):
        await room.sql(update(Recording).where(Recording.id == id).values(linkedid=linkedid))


async def cut_signature(room: Room, row: Recording, _: Recording) -> None:
    async with room.db.session() as session:
        await session.execute(BY_HAND)
        seal = await session.get_one(ArchiveSeal, DAY)
        seal.signature = seal.signature[:-2]


async def swap_seals(room: Room, row: Recording, _: Recording) -> None:
    """Two days have each other's seal."""
    async with room.db.session() as session:
        await session.execute(BY_HAND)
        one, two = await session.get_one(ArchiveSeal, DAY), await session.get_one(ArchiveSeal, DAY + ONE)
        for name in ("count", "root", "root_sm3", "previous", "public_key", "signature"):
            first, second = getattr(one, name), getattr(two, name)
            setattr(one, name, second)
            setattr(two, name, first)


async def back_date_seal(room: Room, row: Recording, _: Recording) -> None:
    await room.sql(update(ArchiveSeal).where(ArchiveSeal.day == DAY).values(sealed_at=NOON))


async def another_call(room: Room, row: Recording, other: Recording) -> None:
    await room.sql(update(Recording).where(Recording.id == row.id).values(call_id=other.call_id))


async def shorten_protection(room: Room, row: Recording, _: Recording) -> None:
    until = row.protected_until - ONE
    await room.sql(update(Recording).where(Recording.id == row.id).values(protected_until=until))


TAMPERING: dict[str, tuple[Act, str]] = {
    "said to be of another call": (another_call, "录音 {row}：所属通话与录音的来源不符"),
    "protection shortened": (shorten_protection, "录音 {row}：最后保护日早于录音之日起3年"),
    "filed under an earlier day": (file_earlier, "录音 {row}：归档文件不存在"),
    "digest in the catalogue": (flip_digest, "录音 {row}：文件内容与目录中的 SHA-256 不一致"),
    "shortened in the catalogue": (shorten_row, "录音 {row}：目录记录与封存时不同"),
    "calls exchanged": (swap_calls, "录音 {row}：目录记录与封存时不同"),
    "seal's signature cut": (cut_signature, "2026年11月23日的封存：签名不符"),
    "seals exchanged": (swap_seals, "2026年11月23日的封存：签名不符"),
    "seal back-dated": (back_date_seal, "2026年11月23日的封存：封存时间早于这一天结束"),
    "one byte": (flip, "录音 {row}：归档文件已损坏或被改动"),
    "truncated": (truncate, "录音 {row}：归档文件已损坏或被改动：长度应为"),
    "deleted": (remove, "录音 {row}：归档文件不存在"),
    "swapped": (swap, "录音 {row}：归档文件已损坏或被改动：这是另一份文件"),
    "swapped in the catalogue": (swap_names, "录音 {row}：文件"),
    "another sound with its digest": (other_sound, "录音 {row}：目录记录与封存时不同"),
    "back-dated": (back_date, "录音 {row}：目录记录与封存时不同"),
    "catalogued earlier": (back_date_cataloguing, "录音 {row}：目录记录与封存时不同"),
    "row deleted": (drop_row, "录音 {row}：目录记录被删除"),
    "row inserted": (insert_row, "录音 {new}：归档时间在已封存的日期内，却不在封存中"),
    "seal's count": (alter_count, "2026年11月23日的封存：签名不符"),
    "seal's root": (alter_root, "2026年11月23日的封存：签名不符"),
    "seal signed by another": (sign_anew, "2026年11月23日的封存：不是用本系统的密钥签署的"),
    "leaf": (alter_leaf, "2026年11月23日的封存：其中的摘要被改动"),
    "leaf deleted": (drop_leaf, "2026年11月23日的封存：应有 2 份，实有 1 份"),
    "seal deleted": (drop_day, "2026年11月24日的封存：缺失"),
}


@pytest.mark.proves("A12.9-3")
@pytest.mark.parametrize("name", TAMPERING)
async def test_whatever_is_tampered_with_is_found_and_named(room: Room, name: str) -> None:
    tamper, expected = TAMPERING[name]
    row, other = await room.record(count=2)
    assert await room.seal(NOON + 3 * ONE) == [DAY, DAY + ONE, DAY + 2 * ONE]
    assert await room.checked(NOON + 3 * ONE) == (True, "2 份录音，未发现问题")
    await tamper(room, row, other)
    assert await room.checked(NOON + 3 * ONE + timedelta(hours=23)) == (True, room_says(name)), "not due yet"
    ok, detail = await room.checked(NOON + 4 * ONE + timedelta(minutes=1))
    assert not ok
    said = expected.format(row=row.id, new=other.call_id)
    async with room.db.session() as session:
        wrong = await session.scalars(select(Recording).where(Recording.finding != ""))
        found = [f"录音 {one.id}：{one.finding}" for one in wrong]
        for days in await session.scalars(select(ArchiveSeal.finding).where(ArchiveSeal.finding != "")):
            found += days.splitlines()
        noted = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "archive.check"))).all()
    assert [line for line in found if line.startswith(said)], found
    assert noted, "what was found is on record"
    assert str(row.id) in detail or "封存核验发现问题" in detail


def room_says(name: str) -> str:
    """Counting what there is takes no reading."""
    count = {"row deleted": 1, "row inserted": 3}.get(name, 2)
    return f"{count} 份录音，未发现问题"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM archive_leaves",
        "DELETE FROM archive_seals",
        "TRUNCATE archive_seals CASCADE",
        "TRUNCATE archive_leaves",
        "UPDATE archive_seals SET count = 3",
        "UPDATE archive_seals SET sealed_at = sealed_at - interval '1 day'",
        "UPDATE archive_leaves SET hash = hash_sm3",
    ],
)
async def test_the_database_keeps_what_was_sealed(room: Room, statement: str) -> None:
    await room.record()
    await room.seal()
    with pytest.raises(IntegrityError, match="stays as it was sealed"):
        async with room.db.session() as session:
            await session.execute(AS_OWNER)
            await session.execute(sql(statement))
    assert (await room.checked())[0], "the check itself writes what it found"


async def test_a_seal_that_is_made_anew_is_not_the_one_that_was_made(room: Room) -> None:
    """The newest seals go with their leaves, and the worker makes others over what the catalogue says by then."""
    row, _ = await room.record(count=2)
    at = NOON + 2 * ONE
    assert await room.seal(at) == [DAY, DAY + ONE]
    assert (await room.checked(at))[0]
    await room.sql(delete(ArchiveLeaf))
    await room.sql(delete(ArchiveSeal))
    await room.sql(update(Recording).where(Recording.id == row.id).values(seconds=row.seconds / 2))
    assert await room.seal(at) == [DAY, DAY + ONE]
    assert not (await room.checked(at))[0]
    assert (await seals(room))[0].finding.splitlines() == [
        "2026年11月23日的封存：与审计日志中登记的不是同一份，封存被删除后重新制作",
        f"录音 {row.id}：目录记录在封存以前被改动，与审计日志中归档时的登记不同",
    ]


async def test_what_went_before_its_day_was_sealed_is_missed(room: Room) -> None:
    """The ledger knew it at once."""
    row, _ = await room.record(count=2)
    await room.sql(delete(Recording).where(Recording.id == row.id))
    assert await room.seal() == [DAY]
    assert not (await room.checked())[0]
    [seal] = await seals(room)
    assert seal.finding == f"录音 {row.id}：审计日志登记了归档，目录记录在封存以前被删除"


async def incidents_open(room: Room, at: datetime) -> list[str]:
    """After the worker has told the board how the check is, and looked at the board."""
    with clock.frozen(at):
        async with room.db.session() as session:
            await board.write(session, "worker@node1", [await room.check.health()])
        await incidents.observe(room.db)
    async with room.db.session() as session:
        return list(await session.scalars(select(Incident.kind).where(Incident.closed_at.is_(None))))


async def test_what_was_mended_turns_the_light_green_again(room: Room) -> None:
    row, _ = await room.record(count=2)
    kept = room.path(row).read_bytes()
    room.path(row).write_bytes(kept[:-1])
    ok, detail = await room.checked(NOON)
    assert not ok and f"1 份录音与归档时不同：{row.id}" in detail
    assert await incidents_open(room, NOON) == ["archive-wrong"]
    room.path(row).write_bytes(kept)
    assert (await room.checked(NOON + timedelta(hours=1)))[0] is False
    assert await room.checked(NOON + ONE + timedelta(minutes=1)) == (True, "2 份录音，未发现问题")
    assert await incidents_open(room, NOON + ONE) == []
    async with room.db.session() as session:
        found = select(LedgerEntry).where(LedgerEntry.action == "archive.check").order_by(LedgerEntry.id)
        noted = (await session.scalars(found)).all()
    assert [bool(one.detail["finding"]) for one in noted] == [True, False]


async def test_an_absent_master_key_turns_the_light_red(room: Room) -> None:
    await room.record()
    lost = await room.masters.present()
    (room.home / "secrets" / "archive-master-1").unlink()
    ok, detail = await room.checked(NOON)
    assert not ok and f"缺少主密钥 {lost}" in detail


async def test_a_check_that_lags_two_cycles_turns_the_light_red(room: Room) -> None:
    await room.record()
    await room.checked(NOON)
    with clock.frozen(NOON + 2 * ONE + timedelta(minutes=1)):
        health = await room.check.health()
    assert not health.ok and "赶不上周期" in health.detail


async def test_a_store_that_is_away_says_nothing_of_its_recordings(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    await room.record()

    async def away(key: str) -> object:
        raise Unavailable("archive-unavailable", "录音存储暂时不可用。")

    with monkeypatch.context() as patch:
        patch.setattr(room.store.within(MAIN), "stat", away)
        with pytest.raises(Unavailable):
            await room.checked()
    async with room.db.session() as session:
        assert [(one.checked_at, one.finding) for one in await session.scalars(select(Recording))] == [(None, "")]


def test_days_are_those_of_shanghai() -> None:
    assert clock.local(NOON).date() == date(2026, 11, 23) == DAY


async def test_each_seal_holds_the_ledger_of_its_day(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a superuser does to an audit row, even with the whole chain reckoned anew, contradicts the seal."""
    monkeypatch.setenv("HOTLINE_HOME", str(room.home))
    monkeypatch.setenv("HOTLINE_DATABASE_URL", room.db.dsn)

    async def noted(count: int) -> None:
        for number in range(count):
            async with room.db.session() as session:
                await ledger.record(session, SYSTEM, "recording.listen", "recording", number, reason="核实诉求内容")
        while (await head(session)).place < made + count:
            await seal_ledger(room.db)

    made = 1  # the recording's coming into the catalogue
    await room.record()
    await noted(4)
    assert await room.seal() == [DAY]
    made += 5  # and the seal
    await noted(3)
    assert await room.seal(NOON + 2 * ONE) == [DAY + ONE]
    first, second = await seals(room)
    assert (first.ledger_place, second.ledger_place) == (5, 9)
    assert f"ledger: 5 {first.ledger_digest}" in printed(first)
    assert (await room.checked(NOON + 2 * ONE))[0]
    said = await ledger_command.verify(Settings())
    assert (said.findings, said.seals, said.head.place) == ([], 2, 9)

    async with room.db.session() as session:
        await session.execute(BY_HAND)
        row = (await session.scalars(select(LedgerEntry).where(LedgerEntry.seal == 7))).one()
        row.reason = "无"
    assert (await ledger_command.verify(Settings())).findings == ["第 7 条被改动、删除或插入，链在此断开"]
    async with room.db.session() as session:
        await session.execute(BY_HAND)
        await session.execute(update(LedgerEntry).values(seal=None, digest=None))
    while await seal_ledger(room.db):
        pass
    async with room.db.session() as session:
        assert await verify(session) is None, "whoever holds the database can make a chain that is whole"
    assert (await ledger_command.verify(Settings())).findings == [
        "2026年11月24日封存时链尾在第 9 条，现在的日志与当时不同"
    ]
    ok, detail = await room.checked(NOON + 4 * ONE)
    assert not ok and "2026年11月24日的封存核验发现问题" in detail
    assert [one.finding for one in await seals(room)][:2] == ["", "审计日志：2026年11月24日封存的第 9 条被改动或删除"]
