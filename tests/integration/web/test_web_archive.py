"""核验与封存: what the check found is told to who keeps the recordings; seals and proofs are had without a terminal."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from listening_room import ledger
from sqlalchemy import text, update
from test_web_recording_list import recorded
from web_desk import Desk, signed_in

from core import clock
from core.db import Database, new_id
from core.permissions import Role
from core.secrets import Secrets
from crm.tickets.models import Attachment
from crm.tickets.service import Opening, open_draft
from recordings.models import Recording
from recordings.proof.models import ArchiveSeal
from recordings.proof.seal import seal_due
from recordings.proof.signing import Signer
from web import counts

SCRIPT = Path(__file__).parents[3] / "docs" / "verify_archive.py"
WRONG = "归档文件已损坏或被改动：长度应为 100，实为 99"


@pytest.fixture
async def archivist(db: Database, serve: Callable[[], Desk]) -> Desk:
    return await signed_in(db, serve(), "chendang", Role.ARCHIVIST)


async def sealed(db: Database, home: Path) -> str:
    """A day of the past with two recordings, sealed."""
    at = clock.now() - timedelta(days=3)
    for n in (1, 2):
        await recorded(db, n, catalogued_at=at)
    await seal_due(db, Signer(Secrets(home / "secrets")))
    return clock.local(at).date().isoformat()


async def test_what_the_check_found_is_told_where_the_officer_looks(
    db: Database, home: Path, archivist: Desk, serve: Callable[[], Desk]
) -> None:
    day = await sealed(db, home)
    right, wrong = await recorded(db, 5), await recorded(db, 6)
    page = await (await archivist.get("/archive")).text()
    assert "未核验" in page and "核验发现的问题" not in page
    async with db.session() as session:
        said = {"finding": WRONG, "checked_at": clock.now()}
        await session.execute(update(Recording).where(Recording.id == wrong.id).values(**said))
        told = {"finding": f"录音 {right.id}：目录记录与封存时不同", "checked_at": clock.now()}
        await session.execute(update(ArchiveSeal).where(ArchiveSeal.day == date.fromisoformat(day)).values(**told))
    page = await (await archivist.get("/archive")).text()
    assert WRONG in page and f"录音 {right.id}：目录记录与封存时不同" in page
    assert [day in await (await archivist.get(f"/archive?found={found}")).text() for found in ("wrong", "")] == [
        True
    ] * 2
    assert "没有符合条件的封存" in await (await archivist.get("/archive?first=2020-01-01&last=2020-01-02")).text()
    assert '<a href="/archive"' in page and "2</span>" in page, "the rail counts them"
    assert WRONG in await (await archivist.get(f"/recordings/{wrong.id}")).text()
    listed = await (await archivist.get("/recordings?kept=wrong")).text()
    assert str(wrong.id) in listed and str(right.id) not in listed and "核验有问题" in listed
    auditor = await signed_in(db, serve(), "shenji", Role.AUDIT_ADMIN)
    page = await (await auditor.get("/archive")).text()
    assert WRONG in page and f"/recordings/{wrong.id}" not in page, "who may not see recordings gets no address of one"
    agent = await signed_in(db, serve(), "hua", Role.AGENT)
    assert (await agent.get("/archive")).status == 403


async def test_a_seal_and_a_proof_are_had_without_a_terminal(
    db: Database, home: Path, tmp_path: Path, archivist: Desk
) -> None:
    day = await sealed(db, home)
    page = await (await archivist.get(f"/archive/seals/{day}")).text()
    assert "HOTLINE ARCHIVE SEAL 2" in page and "档案员签字" in page and "2 份" in page
    paper = page.partition('id="seal-text">')[2].partition("</pre>")[0]
    (tmp_path / "seal.txt").write_text(paper, encoding="utf-8")
    assert (await archivist.get("/archive/seals/2020-01-01")).status == 404
    async with db.session() as session:
        id = await session.scalar(text("SELECT recording_id FROM archive_leaves ORDER BY place LIMIT 1"))
    answer = await archivist.get(f"/recordings/{id}/proof")
    assert answer.status == 200 and "attachment" in answer.headers["Content-Disposition"]
    proof = await answer.json()
    assert proof["recording"]["id"] == str(id) and proof["seal"].strip() == paper.strip()
    (tmp_path / "proof.json").write_text(json.dumps(proof), encoding="utf-8")
    (tmp_path / "sound").write_bytes(b"another sound")
    files = [tmp_path / name for name in ("sound", "proof.json", "seal.txt")]
    command = [sys.executable, SCRIPT, *files]
    said = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    assert said.stdout.startswith("不符：录音文件与证明中的"), said
    assert [(who, about) for who, _, about, _ in await ledger(db, "archive.prove")] == [("陈档", str(id))]
    fresh = await recorded(db, 7)
    early = await archivist.get(f"/recordings/{fresh.id}/proof")
    assert early.status == 404 and "还没有封存" in await early.text()


async def test_a_file_that_is_not_what_it_was_is_told_too(db: Database, archivist: Desk) -> None:
    async with db.session() as session:
        ticket = await open_draft(session, Opening("counter", phone="+8613800001234"))
        about = {"name": "照片.jpg", "media_type": "image/jpeg", "store_key": "x", "digest": "0" * 64, "size": 1}
        about |= {"protected_until": date(2029, 3, 2), "finding": WRONG, "checked_at": clock.now()}
        session.add(Attachment(id=new_id(), ticket_id=ticket.id, **about))
    page = await (await archivist.get("/archive")).text()
    assert WRONG in page and f"/orders/{ticket.id}" in page
    async with db.session() as session:
        assert await counts.archive_findings(session) == 1


async def test_the_proof_of_a_file_is_had_from_its_order(db: Database, home: Path, archivist: Desk) -> None:
    async with db.session() as session:
        ticket = await open_draft(session, Opening("counter", phone="+8613800001234"))
        about = {"name": "照片.jpg", "media_type": "image/jpeg", "store_key": "x", "digest": "0" * 64, "size": 1}
        about |= {"protected_until": date(2029, 3, 2), "added_at": clock.now() - timedelta(days=3)}
        file = Attachment(id=new_id(), ticket_id=ticket.id, **about)
        session.add(file)
    link = f"/attachments/{file.id}/proof"
    assert link not in await (await archivist.get(f"/orders/{ticket.id}")).text()
    assert (await archivist.get(link)).status == 404
    day, *_ = await seal_due(db, Signer(Secrets(home / "secrets")))
    page = await (await archivist.get(f"/orders/{ticket.id}")).text()
    assert link in page and f"/archive/seals/{day}" in page
    assert "录音 0 份、附件 1 份" in await (await archivist.get(f"/archive/seals/{day}")).text()
    proof = await (await archivist.get(link)).json()
    assert proof["attachment"]["id"] == str(file.id) and "照片" not in json.dumps(proof, ensure_ascii=False)
    assert [(who, about) for who, _, about, _ in await ledger(db, "archive.prove")] == [("陈档", str(file.id))]
