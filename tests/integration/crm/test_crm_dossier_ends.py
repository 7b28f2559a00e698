"""A recording of a package is lawfully destroyed: the package says so, and no copy and no import brings it back."""

import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from by_hand import BY_HAND
from dossier_room import NAME, DossierRoom, verified
from sqlalchemy import select, text, update

from core.actor import SYSTEM
from core.db import Database
from crm.dossiers import checking, fates
from crm.dossiers.importing import bring
from crm.dossiers.models import DossierExport, DossierObject
from crm.dossiers.opening import open_package
from crm.dossiers.queries import whole
from crm.dossiers.verifying import verify
from crm.tickets.models import Attachment
from recordings.archived import Archived
from recordings.disposal.words import erase_words
from recordings.models import Recording

SAID = "2029-11-24依法销毁，销毁证书 XH20291124-001"


@pytest.fixture
def room(db: Database, office: Any, home: Path) -> DossierRoom:
    return DossierRoom(db, office, home)


T = TypeVar("T", bound=Archived)
ENDED = datetime(2029, 11, 24, 2, tzinfo=UTC)


async def destroy(room: DossierRoom, of: type[T], *, words: bool) -> T:
    """What an executed disposal list leaves; its own tests say who must agree to it, and when."""
    async with room.db.session() as session:
        await session.execute(BY_HAND)
        row = (await session.scalars(select(of))).one()
        id, at = "gen_random_uuid()", "'2029-11-24 02:00+00'"
        by = ", ".join(f"{id}, '某人', {at}" for _ in range(4))
        decided = ("reviewed", "approved", "confirmed", "ordered")
        columns = ", ".join(f"{one}_by, {one}_name, {one}_at" for one in decided)
        await session.execute(
            text(
                f"INSERT INTO disposal_certificates (number, list_id, basis, words, proposed_at, {columns})"
                f" VALUES ('XH20291124-001', {id}, '保存期满', {words}, {at}, {by})"
            )
        )
        await session.execute(
            text(
                "INSERT INTO disposals (object_id, what, certificate, part, store_key, digest, erased_at)"
                f" VALUES ('{row.id}', '{row.what}', 'XH20291124-001', 1, '{row.store_key}', '{row.digest}', {at})"
            )
        )
        ended = update(of).where(of.id == row.id)
        await session.execute(ended.values(destroyed_at=ENDED, certificate="XH20291124-001"))
        if isinstance(row, Recording) and words:
            await session.refresh(row)
            await erase_words(session, [row], "XH20291124-001")
    await room.store.delete(row.store_key)
    return row


async def lying(room: DossierRoom, part: str) -> list[str]:
    return [one.key async for one in room.store.list() if part in one.key]


async def test_a_package_ends_with_what_ended_and_says_so(room: DossierRoom) -> None:
    dossier = await room.archived()
    old = await room.exported(room.office.archivist, sound=True)
    saved = Path(shutil.copy(old, room.home / "saved.zip"))
    row = await destroy(room, Recording, words=True)
    assert await fates.follow(room.db, room.keeper) == 1
    assert await fates.follow(room.db, room.keeper) == 0
    assert await lying(room, "transcript") == [] and await lying(room, "exports/") == []
    async with room.db.session() as session:
        assert [one.state for one in await session.scalars(select(DossierExport))] == ["expired"]
        shown = await whole(session, room.office.archivist, dossier.id)
    told = {item.href.split("/")[1]: item.missing for item in shown.items if item.missing == SAID}
    assert {"recordings", "transcripts", "identity"} == set(told)
    assert await checking.check(room.db, room.keeper, dossier.id) == []
    await room.work()
    addendum = (await room.parts())[-1]
    assert (addendum.n, addendum.cause) == (1, "录音、附件或文字依法清除")
    path = await room.exported(room.office.archivist, sound=True)
    code, said = verified(path)
    assert code == 0 and f"依法销毁：00/recordings/{row.id}.flac（{SAID}）" in said, said
    with zipfile.ZipFile(path) as package:
        assert SAID in package.read("index.html").decode()
        assert not any(name.endswith(".flac") for name in package.namelist())
    opened = open_package(saved)
    done = await bring(room.db, room.keeper, SYSTEM, opened, verify(opened, None), "saved.zip")
    opened.close()
    assert (done.new, done.parts, done.objects) == (False, 0, 0)
    assert await lying(room, "transcript") == [] and await lying(room, row.store_key) == []


async def test_words_that_were_kept_stay(room: DossierRoom) -> None:
    dossier = await room.archived()
    await destroy(room, Recording, words=False)
    assert await fates.follow(room.db, room.keeper) == 1
    assert len(await lying(room, "transcript")) == 2
    async with room.db.session() as session:
        rows = await session.scalars(select(DossierObject).where(DossierObject.store_key == ""))
        assert [one.path.split("/")[1] for one in rows] == ["recordings"]
    assert await checking.check(room.db, room.keeper, dossier.id) == []
    path = await room.exported(room.office.director, identity=True)
    with zipfile.ZipFile(path) as package:
        assert NAME in package.read("index.html").decode()


async def test_a_file_of_a_package_ends_with_it_too(room: DossierRoom) -> None:
    dossier = await room.archived()
    old = await room.exported(room.office.archivist)
    saved = Path(shutil.copy(old, room.home / "saved.zip"))
    file = await destroy(room, Attachment, words=False)
    assert await fates.follow(room.db, room.keeper) == 1
    assert await fates.follow(room.db, room.keeper) == 0
    assert await checking.check(room.db, room.keeper, dossier.id) == []
    await room.work()
    assert [one.cause for one in await room.parts()][-1] == "录音、附件或文字依法清除"
    path = await room.exported(room.office.archivist)
    code, said = verified(path)
    assert code == 0 and f"依法销毁：00/attachments/{file.id}.pdf（{SAID}）" in said, said
    opened = open_package(saved)
    await bring(room.db, room.keeper, SYSTEM, opened, verify(opened, None), "saved.zip")
    assert await lying(room, str(file.id)) == [], "an import brings nothing back"


async def test_words_of_a_package_that_end_before_their_sound_end_in_it_too(room: DossierRoom) -> None:
    dossier = await room.archived()
    async with room.db.session() as session:
        row = (await session.scalars(select(Recording))).one()
        await erase_words(session, [row], "通话文字保存期满。")
    assert await fates.follow(room.db, room.keeper) == 1
    assert await fates.follow(room.db, room.keeper) == 0
    assert await lying(room, "transcript") == [] and await lying(room, row.store_key), "the sound stays"
    async with room.db.session() as session:
        shown = await whole(session, room.office.archivist, dossier.id)
    gone = {item.href.split("/")[1]: item.missing for item in shown.items if "文字保存期满清除" in item.missing}
    assert {"transcripts", "identity"} == set(gone)
    assert await checking.check(room.db, room.keeper, dossier.id) == []
