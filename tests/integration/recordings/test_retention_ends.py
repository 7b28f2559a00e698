"""Nothing that was archived ends by any other way than the lawful one."""

import ast
import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from archive_room import Room
from by_hand import AS_OWNER, BY_HAND
from retention_room import AFTER, Office, order_of, put_to
from retention_room import office as made
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from core import clock
from core.db import Database
from core.errors import Conflict
from crm import installed
from crm.installed import Installation
from recordings.disposal.erase import erase
from recordings.disposal.models import Disposal, DisposalCertificate
from recordings.models import Recording
from recordings.proof.models import ArchiveSeal
from recordings.store.models import ArchiveKey
from recordings.store.vault import SUFFIX

ROOT = Path(__file__).parents[3]
ONE = timedelta(days=1)


@pytest.fixture
def office(db: Database, home: Path, installation: Installation) -> Office:
    installed.use(installation)
    return made(db, home)


REFUSED = (
    "DELETE FROM recordings",
    "DELETE FROM archive_keys",
    "TRUNCATE recordings CASCADE",
    "TRUNCATE archive_keys",
    "TRUNCATE disposals",
    "TRUNCATE disposal_certificates CASCADE",
    "UPDATE recordings SET protected_until = protected_until - 1",
    "UPDATE recordings SET destroyed_at = now(), certificate = 'XH20291124-001'",
    "UPDATE recordings SET certificate = 'XH20291124-001'",
    "DELETE FROM ticket_attachments",
    "TRUNCATE ticket_attachments CASCADE",
    "UPDATE ticket_attachments SET protected_until = protected_until - 1",
    "UPDATE ticket_attachments SET destroyed_at = now(), certificate = 'XH20291124-001'",
)


@pytest.mark.proves("F12.9-2", "A12.9-1")
@pytest.mark.parametrize("statement", REFUSED)
async def test_the_database_refuses_every_other_end(office: Office, statement: str) -> None:
    """Also to the tables' owner; what the application may not even try, `test_grants` holds."""
    (row,) = await office.room.record()
    await put_to(office, await order_of(office.db, row))
    with pytest.raises(IntegrityError, match=r"disposal list alone|never earlier|by a certificate"):
        async with office.db.session() as session:
            await session.execute(AS_OWNER)
            await session.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM disposals",
        "DELETE FROM disposal_certificates",
        "UPDATE disposals SET certificate = 'x'",
        "UPDATE recordings SET destroyed_at = NULL, certificate = ''",
        "DELETE FROM recordings",
        "UPDATE disposal_certificates SET confirmed_by = approved_by",
        "UPDATE disposal_lists SET approved_by = reviewed_by",
        "UPDATE disposal_lists SET confirmed_by = NULL",
    ],
)
async def test_what_has_ended_stays_told(office: Office, statement: str) -> None:
    await office.room.record()
    await office.done()
    with pytest.raises(IntegrityError):
        async with office.db.session() as session:
            await session.execute(AS_OWNER)
            await session.execute(text(statement))


@pytest.mark.proves("A12.9-1")
async def test_not_even_a_certificate_ends_what_is_protected(office: Office) -> None:
    first, second = await office.room.record(count=2)
    listed = await office.ordered()
    async with office.db.session() as session:
        values = {
            "object_id": second.id,
            "what": "recording",
            "certificate": listed.number,
            "part": 1,
            "digest": second.digest,
        }
        values |= {"store_key": second.store_key, "erased_at": datetime(2029, 11, 23, 15, 59, tzinfo=UTC)}
        with pytest.raises(IntegrityError, match="last protected day"):
            async with session.begin_nested():
                await session.execute(insert(Disposal).values(values))
        with pytest.raises(IntegrityError, match="disposal list alone"):
            async with session.begin_nested():
                await session.execute(delete(ArchiveKey).where(ArchiveKey.store_key == first.store_key))


async def test_the_key_of_an_attachment_stays_while_its_order_has_it(office: Office) -> None:
    async with office.db.session() as session:
        for key in ("attachments/2026/11/kept", "attachments/2026/11/discarded"):
            row = {"store_key": key, "digest": "0" * 64, "suite": "aes-256-gcm", "master_id": "m", "wrapped": b"k"}
            session.add(ArchiveKey(**row))
        await session.flush()
        await session.execute(BY_HAND)  # it has no order
        await session.execute(
            text(
                "INSERT INTO ticket_attachments (id, ticket_id, name, media_type, size, digest, store_key, added_at,"
                " protected_until) SELECT id, id, 'a.pdf', 'application/pdf', 1, digest, store_key, made_at,"
                " CURRENT_DATE FROM archive_keys"
                " WHERE store_key LIKE '%kept'"
            )
        )
    with pytest.raises(IntegrityError, match="disposal list alone"):
        async with office.db.session() as session:
            await session.execute(delete(ArchiveKey).where(ArchiveKey.store_key.endswith("kept")))
    async with office.db.session() as session:
        await session.execute(delete(ArchiveKey).where(ArchiveKey.store_key.endswith("discarded")))


LAWFUL = {
    "recordings/disposal/erase.py": {"ArchiveKey", "shredder.store"},
    "recordings/disposal/replay.py": {"shredder.store"},
    "recordings/store/datakeys.py": {"ArchiveKey"},
    "recordings/store/replicate.py": {"self._stores.within(self._name)"},
    "recordings/store/replicated.py": {"self._store"},
    "recordings/store/vault.py": {"self._inner"},
    "recordings/desk/exporting.py": {"self._store"},
    "recordings/desk/forget.py": {"store"},
    "recordings/desk/making.py": {"self._store"},
    "crm/datarequests/jobs.py": {"shelf.store"},
    "crm/dossiers/exporting.py": {"keeper.store"},
    "crm/dossiers/fates.py": {"keeper.store"},
    "crm/dossiers/importing.py": {"keeper.store"},
    "crm/tickets/files.py": {"store"},
}
"""Where files and keys may be deleted: lawfully, the stores themselves (whose keys the database guards), what was
derived from a destroyed recording, packages to be fetched whose time is over, and what a refused or cancelled act had
put there a moment before."""
TABLES = {"Recording", "Attachment", "ArchiveKey", "Disposal", "DisposalCertificate", "ArchiveLeaf", "ArchiveSeal"}
PACKAGES = ("core", "callflow", "recordings", "crm", "ivr", "web", "hotline")


def deletions(source: str) -> set[str]:
    """What a module deletes: tables by `delete(Table)`, and whatever has a `store` in its name by `.delete(...)`."""
    found = set[str]()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id == "delete" and node.args:
            found |= {ast.unparse(node.args[0])} & TABLES
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "delete":
            of = ast.unparse(node.func.value)
            if "store" in of or "inner" in of:
                found.add(of)
    return found


@pytest.mark.proves("F12.9-2")
def test_no_code_deletes_by_another_path() -> None:
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if some := deletions(path.read_text(encoding="utf-8")):
                found[path.relative_to(ROOT).as_posix()] = some
    assert found == LAWFUL


async def test_a_tombstone_without_a_certificate_is_a_finding(office: Office) -> None:
    await office.room.record()
    await office.room.seal()
    await office.room.sql(update(Recording).values(destroyed_at=AFTER, certificate="XH20291124-001"))
    ok, said = await office.room.checked(AFTER)
    assert not ok and "封存核验发现问题" in said, said


async def test_a_certificate_that_is_never_signed_is_a_finding(office: Office) -> None:
    """Who writes one into the database by hand has no signature for it, and no file is looked for any more."""
    await office.room.record()
    await office.room.seal()
    await office.ordered()
    async with office.db.session() as session:
        row = (await session.scalars(select(Recording))).one()
        certificate = (await session.scalars(select(DisposalCertificate))).one()
        with clock.frozen(AFTER):
            await erase(session, certificate, [row])
    assert (await office.room.checked(AFTER + timedelta(hours=1)))[0], "a list may be executed at this moment"
    ok, detail = await office.room.checked(AFTER + timedelta(days=2))
    assert not ok and "2026年11月23日的封存核验发现问题" in detail
    async with office.db.session() as session:
        said = (await session.scalars(select(ArchiveSeal.finding).where(ArchiveSeal.finding != ""))).one()
    assert said == f"录音 {row.id}：目录记为依法销毁，但销毁证书 {certificate.number} 一直没有完成和签署"


async def test_a_certificate_that_was_altered_is_a_finding(office: Office) -> None:
    await office.room.record()
    await office.room.seal()
    await office.done()
    assert (await office.room.checked(AFTER + ONE))[0]
    async with office.db.session() as session:
        await session.execute(update(DisposalCertificate).values(document=DisposalCertificate.document + " "))
    ok, said = await office.room.checked(AFTER + 3 * ONE)
    assert not ok and "封存核验发现问题" in said, said
    async with office.db.session() as session:
        finding = await session.scalar(select(ArchiveSeal.finding))
    assert finding and "但销毁证书 XH20291124-001 的签名不符" in finding


async def test_no_program_deletes_a_recording_through_the_store(office: Office) -> None:
    (row,) = await office.room.record()
    with pytest.raises(Conflict, match="key-kept"):
        await office.room.store.delete(row.store_key)
    assert b"".join([block async for block in office.room.store.read(row.store_key)]), "key and file are there"


async def test_plain_recordings_end_as_well(db: Database, home: Path, installation: Installation) -> None:
    installed.use(installation)
    office = Office(Room(db, home, suite=None))
    (row,) = await office.room.record()
    path = office.room.root / row.store_key
    assert path.exists() and not path.with_name(path.name + SUFFIX).exists()
    await office.done()
    assert not path.exists() and (await office.rows([row.id]))[0].destroyed_at


async def test_a_second_worker_at_the_same_list_destroys_nothing_twice(office: Office) -> None:
    await office.room.record(count=4)
    listed = await office.ordered()
    ends = await asyncio.gather(office.dispose(listed), office.dispose(listed), return_exceptions=True)
    assert sorted(getattr(one, "id", "done") for one in ends) == ["disposal-runs", "done"], "the other comes again"
    async with office.db.session() as session:
        certificate = await session.get_one(DisposalCertificate, listed.number)
        assert json.loads(certificate.document)["count"] == 4
