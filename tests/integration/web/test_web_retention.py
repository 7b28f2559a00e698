"""保管与销毁 through its pages: proposed, reviewed, approved by two others, destroyed, certified; held and lifted."""

import asyncio
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select
from web_api import unit
from web_desk import Desk, signed_in

from callflow.models import Call
from core import clock
from core.db import Database, new_id
from core.jobs import JobContext, run_pending
from core.ledger.models import LedgerEntry
from core.permissions import Role
from core.secrets import Secrets
from crm.retention import execution
from crm.retention.models import DisposalItem, DisposalList, LegalHold
from crm.retention.proposing import propose_due
from crm.tickets.service import Opening, open_draft
from recordings.disposal.erase import Shredder
from recordings.models import Kind, Recording, RecordingState
from recordings.proof.signing import Signer
from recordings.store.folder import FolderStore

Serve = Callable[[], Desk]
PROBLEM = {"Accept": "application/problem+json"}
HOLD = {"ground": "litigation", "document": "（2029）赣1126行初7号", "owner": "县司法局 张某"}


@pytest.fixture
async def people(db: Database, serve: Serve) -> dict[str, Desk]:
    """Who decides, and an agent who does not."""
    roles = {
        "archivist": (Role.ARCHIVIST,),
        "director": (Role.DIRECTOR,),
        "leader": (Role.BUREAU_LEADER,),
        "agent": (Role.AGENT,),
        "both": (Role.DIRECTOR, Role.ARCHIVIST),
    }
    return {name: await signed_in(db, serve(), name, *some) for name, some in roles.items()}


async def old(db: Database, count: int, days: int = -1) -> list[UUID]:
    """So many recordings whose last protected day was so many days ago."""
    at = clock.now() - timedelta(days=3 * 365 + 2)
    ids = []
    async with db.session() as session:
        for n in range(count):
            call = Call(id=new_id(), node="node1", linkedid=f"9.{n}.{days}", caller="+8613800001234", agent_name="王丽")
            call.arrived_at = call.connected_at = at + timedelta(minutes=n)
            session.add(call)
            row = Recording(id=new_id(), call_id=call.id, node="node1", linkedid=call.linkedid, kind=Kind.TALK, part=1)
            row.started_at, row.seconds, row.channels, row.size = call.arrived_at, 61.0, 2, 1000
            row.digest, row.store_key, row.state = f"{n:064x}", f"2023/d{days}-{n}.flac", RecordingState.STORED
            row.protected_until = clock.today() + timedelta(days=days)
            session.add(row)
            ids.append(row.id)
    return ids


async def listed(db: Database) -> DisposalList:
    await propose_due(db)
    async with db.session() as session:
        return (await session.scalars(select(DisposalList).order_by(DisposalList.number.desc()))).first()  # type: ignore[return-value]


async def text(desk: Desk, path: str) -> str:
    response = await desk.get(path)
    assert response.status == 200, await response.text()
    return await response.text()


async def act(desk: Desk, row: DisposalList, path: str, db: Database, **given: Any) -> Any:
    """One step, of the list as its page shows it now."""
    async with db.session() as session:
        seen = (await session.get_one(DisposalList, row.id)).version
    form = {"version": str(seen)} | given
    return await desk.post(f"/retention/lists/{row.id}/{path}", form, headers=PROBLEM)


async def work(db: Database, home: Any) -> None:
    """What the worker does."""
    shredder = Shredder(FolderStore(home / "archive"), Signer(Secrets(home / "secrets")))
    await run_pending(db, services={Shredder: shredder})


@pytest.mark.proves("F12.9-3", "T24")
async def test_from_the_proposal_to_the_certificate(db: Database, home: Any, people: dict[str, Desk]) -> None:
    archivist, director, leader = people["archivist"], people["director"], people["leader"]
    assert (await people["agent"].get("/retention")).status == 403
    assert "还没有销毁清单" in await text(archivist, "/retention")
    ids = await old(db, 3)
    await old(db, 2, days=20)
    row = await listed(db)
    home_page = await text(archivist, "/retention")
    assert row.number in home_page and "待审查" in home_page
    assert re.search(r"30 日内保存期满</dt><dd><a href=\"/retention/soon\">2</a>", home_page)
    assert "138****1234" in await text(archivist, "/retention/soon")
    path = f"/retention/lists/{row.id}"
    page = await text(archivist, path)
    assert "审查3份" in page and page.count('name="ids"') == 3
    assert 'name="words"' not in await text(director, path), "it is not his turn"
    until = (clock.today() + timedelta(days=400)).isoformat()
    nothing = await act(archivist, row, "take-off", db, until=until, reason="留作样本")
    assert (nothing.status, (await nothing.json())["id"]) == (422, "not-listed")
    took = await act(archivist, row, "take-off", db, ids=str(ids[0]), until=until, reason="留作培训样本")
    assert took.status == 303
    wrong = await act(archivist, row, "review", db, words="审查3份")
    assert (wrong.status, (await wrong.json())["fields"]) == (422, {"words": "请输入“审查2份”"})
    assert (await act(director, row, "review", db, words="审查2份")).status == 403
    assert (await act(archivist, row, "review", db, words="审查2份")).status == 303
    assert (await act(leader, row, "approve", db, words="同意销毁2份")).status == 403
    assert (await act(archivist, row, "execute", db, words="永久销毁2份")).status == 409
    assert (await act(director, row, "approve", db, words="同意销毁2份")).status == 303
    sent = await act(leader, row, "return", db, reason="请核对是否涉信访")
    assert sent.status == 303 and "请核对是否涉信访" in await text(archivist, path)
    assert (await act(archivist, row, "review", db, words="审查2份")).status == 303
    assert (await act(director, row, "approve", db, words="同意销毁2份")).status == 303
    assert (await act(leader, row, "confirm", db, words="同意销毁2份")).status == 303
    assert "永久销毁2份" in await text(archivist, path)
    assert (await act(archivist, row, "execute", db, words="永久销毁2份")).status == 303
    assert "正在销毁" in await text(leader, path)
    await work(db, home)
    assert "已销毁" in await text(archivist, path)
    certificate = await text(leader, f"/retention/certificates/{row.number}")
    assert "录音 2 份" in certificate and f"{1:064x}" in certificate and f"{0:064x}" not in certificate
    assert "Ed25519" in certificate
    gone = await text(archivist, f"/recordings/{ids[1]}")
    assert "依法销毁（销毁证书" in gone and "登记理由并调听" not in gone
    assert "已依法销毁" in await text(archivist, "/recordings")
    assert "继续保存" not in await text(people["agent"], f"/recordings/{ids[0]}")
    kept = await text(archivist, f"/recordings/{ids[0]}")
    assert "审查留存：留作培训样本" in kept and "登记理由并调听" in kept


@pytest.mark.proves("F12.9-3")
async def test_two_at_once_and_one_of_them_is_told(db: Database, people: dict[str, Desk]) -> None:
    await old(db, 1)
    row = await listed(db)
    both = people["both"]
    assert (await act(both, row, "review", db, words="审查1份")).status == 303
    refused = await act(both, row, "approve", db, words="同意销毁1份")
    assert (refused.status, (await refused.json())["id"]) == (403, "same-person")
    assert "审查人不能批准自己审查的清单" in await text(both, f"/retention/lists/{row.id}")
    director = people["director"]
    ends = await asyncio.gather(*(act(director, row, "approve", db, words="同意销毁1份") for _ in range(3)))
    assert sorted(one.status for one in ends) == [303, 409, 409]
    async with db.session() as session:
        count = select(func.count()).select_from(LedgerEntry).where(LedgerEntry.action == "disposal.approve")
        assert await session.scalar(count) == 1


@pytest.mark.proves("F12.9-2", "A12.9-2")
async def test_what_is_held_says_so_everywhere(db: Database, people: dict[str, Desk]) -> None:
    archivist, leader = people["archivist"], people["leader"]
    first, other = await old(db, 2)
    cgj = await unit(db)
    async with db.session() as session:
        row = await session.get_one(Recording, first)
        ticket = await open_draft(session, Opening("phone", row.call_id, "+8613800001234"))
        ticket.lead_unit_id = cgj
    refused = await archivist.post("/retention/holds", HOLD, headers=PROBLEM)
    assert (refused.status, (await refused.json())["id"]) == (422, "no-scope")
    for given, field in (
        ({"order": "YY20200101-00009"}, "order"),
        ({"phone": "12"}, "phone"),
        ({"first": "2020-01-01"}, "last"),
    ):
        wrong = await archivist.post("/retention/holds", HOLD | given, headers=PROBLEM)
        assert (wrong.status, set((await wrong.json())["fields"])) == (422, {field}), given
    assert (await people["agent"].post("/retention/holds", HOLD | {"unit": str(cgj)})).status == 403
    placed = await archivist.post("/retention/holds", HOLD | {"order": ticket.number, "unit": str(cgj)})
    assert placed.status == 303, await placed.text()
    page = await text(leader, "/retention/holds")
    assert f"工单 {ticket.number}，城市管理局承办的工单" in page and "诉讼、复议" in page
    assert "冻结" in await text(people["agent"], f"/recordings/{first}")
    assert "赣1126" not in await text(people["agent"], f"/recordings/{first}")
    assert "赣1126" in await text(archivist, f"/recordings/{first}")
    of_list = await text(archivist, "/recordings")
    assert of_list.count('<span class="tag warn">冻结</span>') == 1
    held = await text(archivist, "/recordings?kept=held")
    assert f'id="recording-{first}"' in held and f'id="recording-{other}"' not in held
    assert "没有符合条件的录音" in await text(archivist, "/recordings?kept=ended")
    row2 = await listed(db)
    async with db.session() as session:
        items = (await session.scalars(select(DisposalItem.object_id).where(DisposalItem.list_id == row2.id))).all()
        hold = (await session.scalars(select(LegalHold))).one()
    assert items == [other], "what is held is not proposed"
    by_phone = await archivist.post("/retention/holds", HOLD | {"phone": "138 0000 1234"})
    assert by_phone.status == 303
    assert '<span class="tag warn">冻结</span>' in await text(archivist, f"/retention/lists/{row2.id}")
    assert "138****1234" in await text(archivist, "/retention/holds?state=present&search=赣1126")
    short = await leader.post(f"/retention/holds/{hold.id}/lift", {"reason": "好"}, headers=PROBLEM)
    assert (short.status, set((await short.json())["fields"])) == (422, {"reason"})
    assert (await leader.post(f"/retention/holds/{hold.id}/lift", {"reason": "判决已经生效"})).status == 303
    assert (await leader.post(f"/retention/holds/{hold.id}/lift", {"reason": "判决已经生效"})).status == 409
    assert "判决已经生效" in await text(archivist, "/retention/holds?state=lifted")
    assert (await archivist.get("/retention/holds?after=x")).status == 422


async def sheet(desk: Desk, path: str) -> list[list[str]]:
    assert (await desk.post(path, {"reason": ""})).status == 422
    answer = await desk.post(path, {"reason": "年度检查"})
    assert answer.status == 200, await answer.text()
    page = load_workbook(io.BytesIO(await answer.read())).active
    assert page is not None
    return [[str(cell or "") for cell in row] for row in page.iter_rows(values_only=True)]


async def test_each_list_is_taken_along(db: Database, people: dict[str, Desk]) -> None:
    archivist = people["archivist"]
    await old(db, 2)
    await old(db, 1, days=5)
    row = await listed(db)
    assert (await archivist.post("/retention/holds", HOLD | {"phone": "13800001234"})).status == 303
    found = {
        "/retention/export": row.number,
        "/retention/soon/export": "138****1234",
        f"/retention/lists/{row.id}/export": f"{1:064x}",
        "/retention/holds/export": "电话 138****1234",
    }
    for path, cell in found.items():
        rows = await sheet(archivist, path)
        assert any(cell in one for line in rows for one in line), path
        assert "13800001234" not in str(rows)


async def test_a_job_without_its_store_waits_for_a_worker(db: Database, people: dict[str, Desk]) -> None:
    await old(db, 1)
    row = await listed(db)
    with pytest.raises(Exception, match="service-missing"):
        await execution.dispose.handler(JobContext(db), list_id=str(row.id))
    assert (await people["archivist"].get(f"/retention/lists/{new_id()}")).status == 404
    assert (await people["archivist"].get("/retention/certificates/XH20290101-001")).status == 404
