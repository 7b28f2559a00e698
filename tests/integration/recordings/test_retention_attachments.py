"""What was put to orders is kept, read, mended and destroyed as recordings are: one check, list and certificate."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from archive_room import NOON, Room
from retention_room import AFTER, PDF, Office, archive, office, order_of, person, put_to, restore, snapshot
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from core import clock
from core.clock import midnight
from core.db import Database
from core.errors import Gone
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm import installed
from crm.installed import Installation
from crm.retention import holds, queries
from crm.retention.proposing import propose_due
from crm.retention.rules import Reason
from crm.tickets import files
from crm.tickets.models import Attachment, Ticket
from recordings.disposal import paper
from recordings.disposal.models import Disposal
from recordings.disposal.replay import replay_disposals
from recordings.store.folder import FolderStore
from recordings.store.models import ArchiveKey
from recordings.store.port import SUFFIX

ONE = timedelta(days=1)
SECOND = "disk2"


@pytest.fixture(name="office")
def made(db: Database, home: Path, installation: Installation) -> Office:
    installed.use(installation)
    return office(db, home)


async def kept(office: Office, file: Attachment) -> Attachment:
    """As it is now."""
    async with office.db.session() as session:
        return await session.get_one(Attachment, file.id)


async def lengthened(office: Office, at: object = AFTER) -> None:
    with clock.frozen(at):  # type: ignore[arg-type]
        await propose_due(office.db)


@pytest.mark.proves("F12.9-1", "A12.9-1", "T24")
async def test_a_file_is_kept_three_years_from_the_end_of_its_order(office: Office) -> None:
    (row,) = await office.room.record()
    ticket = await order_of(office.db, row)
    file = await put_to(office, ticket)
    assert file.protected_until == date(2029, 11, 23) and len(file.sm3) == 64
    await office.proposed(AFTER)
    assert await office.states() == {row.id: "listed"}, "while anybody works on the order its files stay"
    await archive(office, ticket, NOON + 10 * ONE)
    for day in (date(2029, 12, 3), date(2029, 12, 4)):
        await office.proposed(midnight(day) + timedelta(hours=9))
        states = await office.states()
        assert (states.get(file.id) == "listed") is (day == date(2029, 12, 4)), day
    assert (await kept(office, file)).protected_until == date(2029, 12, 3)


@pytest.mark.proves("T24")
async def test_the_pages_tell_of_files_before_they_end(office: Office) -> None:
    (row,) = await office.room.record()
    open_one, ended = await order_of(office.db, row), (await office.room.record())[0]
    done = await order_of(office.db, ended)
    await put_to(office, open_one)
    file = await put_to(office, done)
    await archive(office, done, NOON)
    with clock.frozen(AFTER - 20 * ONE):
        await propose_due(office.db)
        async with office.db.session() as session:
            found = await queries.soon(session, office.archivist, None, 50)
            assert (await queries.figures(session)).soon == 3
    assert [one.object.id for one in found if one.kind == "附件"] == [file.id]
    assert [one.name for one in found if one.kind == "附件"] == ["现场照片.pdf"]


async def test_a_file_of_a_merged_order_waits_for_the_order_that_lives(office: Office) -> None:
    rows = await office.room.record(count=2)
    master, merged = [await order_of(office.db, row) for row in rows]
    file = await put_to(office, merged)
    async with office.db.session() as session:
        gone = await session.get_one(Ticket, merged.id)
        gone.state, gone.state_since, gone.master_id = "merged", NOON, master.id
    await office.proposed(AFTER)
    assert file.id not in await office.states()
    await archive(office, master, NOON)
    await office.proposed(AFTER + ONE)
    assert (await office.states())[file.id] == "listed"


async def test_the_class_of_an_order_lengthens_its_files(office: Office) -> None:
    (row,) = await office.room.record()
    ticket = await order_of(office.db, row)
    file = await put_to(office, ticket, name="李四的照片.pdf")
    async with office.db.session() as session:
        sealed = update(Ticket).where(Ticket.id == ticket.id)
        await session.execute(sealed.values(category="report", sealed=True))
    await archive(office, ticket)
    await lengthened(office)
    now = await kept(office, file)
    assert (now.protected_until, now.protection) == (date(2031, 11, 23), "举报件，保存5年")
    listed = await office.proposed(midnight(date(2031, 11, 24)))
    assert listed
    async with office.db.session() as session:
        shown = await queries.items(session, office.archivist, listed.id, None, None, 10)
    assert [one.name for one in shown if one.object.id == file.id] == ["附件.pdf"], "its name may name who reports"


@pytest.mark.proves("A12.9-2", "F12.9-2")
async def test_a_hold_covers_recordings_and_files(office: Office) -> None:
    row, other = await office.room.record(count=2)
    ticket, strange = await order_of(office.db, row), await order_of(office.db, other)
    file, free = await put_to(office, ticket), await put_to(office, strange)
    for one in (ticket, strange):
        await archive(office, one)
    listed = await office.ordered()
    with clock.frozen(AFTER):
        async with office.db.session() as session:
            about = (Reason.LITIGATION, "（2029）赣1126行初7号", "县司法局 张某")
            scope = holds.Scope(number=ticket.number)
            _, covered = await holds.place(session, office.archivist, *about, scope)
            assert covered == 2
    await office.dispose(listed)
    assert await office.states() == {
        row.id: "stopped", file.id: "stopped", other.id: "destroyed", free.id: "destroyed"
    }  # fmt: skip
    assert b"".join([block async for block in office.room.store.read(file.store_key)]).startswith(PDF)


@pytest.mark.proves("F12.9-3")
async def test_recordings_and_files_end_by_one_certificate(office: Office) -> None:
    (row,) = await office.room.record()
    ticket = await order_of(office.db, row)
    file, taken_up = await put_to(office, ticket), (await office.room.record())[0]
    again = await order_of(office.db, taken_up)
    late = await put_to(office, again)
    for one in (ticket, again):
        await archive(office, one)
    backup = await snapshot(office.db)
    listed = await office.ordered()
    async with office.db.session() as session:
        await session.execute(update(Ticket).where(Ticket.id == again.id).values(state="handling"))
    await office.dispose(listed)
    states = await office.states()
    assert (states[row.id], states[file.id], states[late.id]) == ("destroyed", "destroyed", "stopped")
    gone = await kept(office, file)
    assert gone.destroyed_at and gone.certificate == listed.number
    assert not (office.room.root / (file.store_key + SUFFIX)).exists()
    async with office.db.session() as session:
        left = set(await session.scalars(select(ArchiveKey.store_key)))
        with pytest.raises(Gone, match="attachment-destroyed"):
            await files.find(session, person(Role.AGENT, "王丽"), file.id)
        told = {one.object_id: one.what for one in await session.scalars(select(Disposal))}
        shown = await queries.destroyed(session, listed.number, 10)
    assert left == {late.store_key} and told[file.id] == "attachment"
    assert {one.kind for one in shown} == {"留言", "附件"}
    stored = json.loads((office.room.root / paper.whole_key(listed.number)).read_bytes())["document"]
    assert stored["kinds"] == {"attachment": 1, "recording": 2} and stored["count"] == 3
    part = (office.room.root / paper.part_key(listed.number, 1)).read_bytes()
    assert json.loads(part)["document"]["attachments"][0]["sha256"] == file.digest
    assert "现场照片" not in part.decode(), "its name stays in the database"
    ok, said = await office.room.checked(AFTER + ONE)
    assert ok and said == "0 份录音、1 份附件，未发现问题"
    await restore(office.db, backup)
    done = await replay_disposals(office.db, office.shredder)
    assert (done.objects, done.again, done.refused) == (3, 3, [])
    assert (await kept(office, file)).destroyed_at and not (await kept(office, late)).destroyed_at


@pytest.mark.proves("A12.9-1")
async def test_not_even_a_certificate_ends_a_file_that_is_protected(office: Office) -> None:
    (row,) = await office.room.record()
    file = await put_to(office, await order_of(office.db, row))
    listed = await office.ordered()
    values = {"object_id": file.id, "what": "attachment", "certificate": listed.number, "part": 1}
    values |= {"digest": file.digest, "store_key": file.store_key, "erased_at": midnight(date(2029, 11, 23))}
    with pytest.raises(IntegrityError, match="last protected day"):
        async with office.db.session() as session:
            await session.execute(insert(Disposal).values(values))


HARMS = ("flipped", "cut", "gone")


def harmed(path: Path, harm: str) -> None:
    """Somebody or something did this to a stored file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.unlink()
    if harm != "gone":
        path.write_bytes(bytes(data) if harm == "flipped" else bytes(data[:-1]))


@pytest.mark.parametrize("harm", HARMS)
async def test_a_damaged_file_is_found_and_named(office: Office, harm: str) -> None:
    (row,) = await office.room.record()
    file = await put_to(office, await order_of(office.db, row))
    assert await office.room.checked(NOON + ONE) == (True, "1 份录音、1 份附件，未发现问题")
    harmed(office.room.root / (file.store_key + SUFFIX), harm)
    ok, said = await office.room.checked(NOON + 3 * ONE)
    assert not ok and f"1 份附件与归档时不同：{file.id}" in said
    assert (await kept(office, file)).finding


@pytest.mark.parametrize("harm", HARMS)
async def test_a_damaged_file_is_mended_from_a_replica(
    db: Database, home: Path, installation: Installation, harm: str
) -> None:
    installed.use(installation)
    (home / SECOND).mkdir()
    office = Office(Room(db, home, replicas={SECOND: FolderStore(home / SECOND, given=True)}))
    (row,) = await office.room.record()
    file = await put_to(office, await order_of(db, row))
    await office.room.replication.step()
    path, twin = (root / (file.store_key + SUFFIX) for root in (office.room.root, home / SECOND))
    harmed(path, harm)
    assert await office.room.checked(NOON + ONE) == (True, "1 份录音、1 份附件，未发现问题")
    assert path.read_bytes() == twin.read_bytes()
    async with db.session() as session:
        mends = select(LedgerEntry).where(LedgerEntry.action == "archive.mend", LedgerEntry.subject == "attachment")
        (mend,) = await session.scalars(mends)
    assert (mend.subject_id, mend.detail["store"]) == (str(file.id), SECOND)


async def test_a_file_that_was_read_from_a_replica_is_looked_at_next(
    db: Database, home: Path, installation: Installation
) -> None:
    installed.use(installation)
    (home / SECOND).mkdir()
    office = Office(Room(db, home, suite=None, replicas={SECOND: FolderStore(home / SECOND, given=True)}))
    (row,) = await office.room.record()
    file = await put_to(office, await order_of(db, row))
    await office.room.replication.step()
    assert (await office.room.checked(NOON + timedelta(minutes=1)))[0]
    (office.room.root / file.store_key).unlink()
    assert b"".join([block async for block in office.room.store.read(file.store_key)]).startswith(PDF)
    assert (await kept(office, file)).checked_at is None
    assert (await office.room.checked(NOON + timedelta(minutes=2)))[0], "mended at once"
    assert (office.room.root / file.store_key).exists()
