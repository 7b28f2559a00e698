"""附件: kept, named by acts of their own order only, and a 举报's hidden from units."""

from pathlib import Path
from typing import Any

import pytest
from crm_desk import Desk

from core.db import Database, new_id
from core.errors import Conflict, Denied, Invalid, NotFound
from crm.papers import LARGEST
from crm.tickets.files import attach, content, find
from crm.tickets.models import Attachment, Reply
from crm.tickets.states import Act
from recordings.store.folder import FolderStore

PDF = b"%PDF-1.7\n" + b"x" * 100


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


@pytest.fixture
async def desk(db: Database, office: Any) -> Desk:
    return await Desk(db, office).open()


async def test_a_file_is_kept_and_read_back_and_named_by_the_reply(desk: Desk, store: FolderStore) -> None:
    office = desk.office
    await desk.dispatch()
    await desk.act(office.clerk, Act.SIGN)
    made = await attach(desk.db, store, office.clerk, desk.id, "现场照片.pdf", PDF)
    await desk.submit(office.clerk, attachments=(made.id,))
    assert (await desk.rows(Reply))[-1].attachments == [str(made.id)]
    async with desk.db.session() as session:
        found = await find(session, office.checker, made.id)
    assert b"".join([block async for block in content(store, found)]) == PDF
    with pytest.raises(NotFound):
        async with desk.db.session() as session:
            await find(session, office.stranger, made.id)


@pytest.mark.parametrize(
    ("name", "data", "id"),
    [
        ("现场.pdf", b"MZ\x90\x00", "bad-file-type"),
        ("现场.exe", PDF, "bad-file-type"),
        ("现场.jpg", PDF, "bad-file-type"),
        ("../现场.pdf", PDF, "bad-file-name"),
        ("现\x00场.pdf", PDF, "bad-file-name"),
        ("长" * 100 + ".pdf", PDF, "bad-file-name"),
        ("现场.pdf", b"", "bad-file-size"),
        ("现场.pdf", PDF + b"x" * LARGEST, "bad-file-size"),
    ],
)
async def test_what_is_no_file_of_an_office_is_refused(
    desk: Desk, store: FolderStore, name: str, data: bytes, id: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await attach(desk.db, store, desk.office.agent, desk.id, name, data)
    assert refused.value.id == id
    assert "file" in refused.value.fields
    assert await desk.rows(Attachment) == []


async def test_no_act_names_a_file_of_another_order(db: Database, desk: Desk, store: FolderStore) -> None:
    office = desk.office
    other = await Desk(db, office).open()
    elsewhere = await attach(db, store, office.agent, other.id, "材料.pdf", PDF)
    await desk.dispatch()
    await desk.act(office.clerk, Act.SIGN)
    for id in (elsewhere.id, new_id()):
        with pytest.raises(Invalid) as refused:
            await desk.submit(office.clerk, attachments=(id,))
        assert set(refused.value.fields) == {"attachments"}


async def test_what_came_with_a_report_stays_with_the_centre(db: Database, office: Any, store: FolderStore) -> None:
    desk = await Desk(db, office).open(category="report", matter="SC02", title="过期食材", content="饭店用过期食材")
    made = await attach(db, store, office.agent, desk.id, "举报材料.pdf", PDF)
    await desk.dispatch("cgj", identity_checked=True)
    with pytest.raises(NotFound):
        async with db.session() as session:
            await find(session, office.clerk, made.id)
    own = await attach(db, store, office.clerk, desk.id, "执法记录.pdf", PDF)
    async with db.session() as session:
        assert (await find(session, office.clerk, own.id)).unit_id == office.units["cgj"]


async def test_nobody_adds_to_what_has_ended_or_without_the_right(desk: Desk, store: FolderStore) -> None:
    with pytest.raises(Denied):
        await attach(desk.db, store, desk.office.archivist, desk.id, "材料.pdf", PDF)
    await desk.act(desk.office.agent, Act.VOID, void_ground="拨错号码")
    with pytest.raises(Conflict, match="无效"):
        await attach(desk.db, store, desk.office.agent, desk.id, "材料.pdf", PDF)
