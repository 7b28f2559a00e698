"""档案包 through its pages: the list, one package, exports, checks, papers put to an order."""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select
from web_desk import Desk, signed_in
from web_dossiers import archived, dossier_of, keeper_of, work

from core.db import Database, new_id
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm.dossiers.models import CaseMaterial, Dossier, DossierExport, DossierObject, DossierPart
from crm.tickets.models import Attachment

Serve = Callable[[], Desk]
PDF = b"%PDF-1.7\n" + b"x" * 100
PAPER = {
    "kind": "instruction",
    "title": "关于占道经营的批示",
    "dated": "2026-03-01",
    "author": "副县长 王某",
    "note": "",
}


def form(csrf: str, name: str = "批示.pdf", content: bytes = PDF, **changed: str) -> tuple[bytes, dict[str, str]]:
    """The paper's form as a browser sends it."""
    fields = {"_csrf": csrf} | PAPER | changed
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    )
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    body += f"{head}Content-Type: application/pdf\r\n\r\n".encode() + content + b"\r\n--x--\r\n"
    return body, {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.fixture
async def archivist(db: Database, serve: Serve, county: None) -> Desk:
    return await signed_in(db, serve(), "archive", Role.ARCHIVIST)


async def text(desk: Desk, path: str, status: int = 200) -> str:
    """A page."""
    response = await desk.get(path)
    page = await response.text()
    assert response.status == status, page
    return page


async def test_the_archive_officer_finds_a_package(db: Database, home: Path, archivist: Desk) -> None:
    assert "还没有档案包" in await text(archivist, "/dossiers")
    one, other = await archived(db, home), await archived(db, home, "路灯不亮")
    hidden = await archived(db, home, "举报占道收费", sealed=True)
    page = await text(archivist, "/dossiers")
    assert page.count('id="dossier-') == 2 and one.number in page and other.number in page
    assert hidden.number not in page
    for asked, count in (
        (f"search={one.number}", 1), ("search=路灯", 1), ("search=垃圾", 0), ("search=%25", 0), ("only=imported", 0),
        ("only=wrong", 0), ("first=2026-01-01&last=2026-01-02", 0), ("sort=oldest", 2),
    ):  # fmt: skip
        assert (await text(archivist, f"/dossiers?{asked}")).count('id="dossier-') == count, asked
    assert (await archivist.get("/dossiers?after=x")).status == 422
    await text(archivist, f"/dossiers/{hidden.id}", 404)


async def test_a_package_shows_its_catalogue_and_digests(db: Database, home: Path, archivist: Desk) -> None:
    dossier = await archived(db, home)
    async with db.session() as session:
        part = (await session.scalars(select(DossierPart))).one()
    page = await text(archivist, f"/dossiers/{dossier.id}")
    assert "卷内目录" in page and "审计日志摘录" in page and part.sm3 in page and part.public_key in page
    assert page.count('class="digest" title=') == part.entries
    assert "张小明" not in page and 'name="identity"' not in page and 'name="sound"' in page
    order = await text(archivist, f"/orders/{dossier.ticket_id}")
    assert f'href="/dossiers/{dossier.id}"' in order and part.sm3 in order and "补充材料并补卷" in order


async def test_an_export_is_packed_and_fetched_by_who_asked(
    db: Database, home: Path, serve: Serve, archivist: Desk
) -> None:
    dossier = await archived(db, home)
    refused = await archivist.post(f"/dossiers/{dossier.id}/export", {"reason": ""})
    assert refused.status == 422
    refused = await archivist.post(f"/dossiers/{dossier.id}/export", {"reason": "移交", "identity": "true"})
    assert refused.status == 403
    done = await archivist.post(f"/dossiers/{dossier.id}/export", {"reason": "移交县档案馆"})
    assert (done.status, done.headers["Location"]) == (303, f"/dossiers/{dossier.id}")
    assert "等待" in await text(archivist, f"/dossiers/{dossier.id}")
    async with db.session() as session:
        export = (await session.scalars(select(DossierExport))).one()
    early = await archivist.get(f"/dossier-exports/{export.id}")
    assert early.status == 409
    await work(db, home)
    page = await text(archivist, f"/dossiers/{dossier.id}")
    assert f'href="/dossier-exports/{export.id}"' in page and "移交县档案馆" in page
    answer = await archivist.get(f"/dossier-exports/{export.id}")
    assert (
        answer.headers["Content-Type"] == "application/zip" and export.number in answer.headers["Content-Disposition"]
    )
    with zipfile.ZipFile(io.BytesIO(await answer.read())) as package:
        assert {"index.html", "export.json", "export.sig", "00/manifest.json"} <= set(package.namelist())
        assert package.testzip() is None
    director = await signed_in(db, serve(), "director", Role.DIRECTOR)
    assert (await director.get(f"/dossier-exports/{export.id}")).status == 404
    assert f'href="/dossier-exports/{export.id}"' not in await text(director, f"/dossiers/{dossier.id}")


async def test_another_officer_approves_or_refuses_on_the_page(
    db: Database, home: Path, serve: Serve, archivist: Desk
) -> None:
    dossier = await archived(db, home)
    async with db.session() as session:  # two recordings: from there on the bureau wants an approval
        for _ in range(2):
            path = f"00/recordings/{new_id()}.flac"
            session.add(DossierObject(dossier_id=dossier.id, path=path, store_key="x/y", recording_id=new_id()))
    for _ in range(2):
        await archivist.post(f"/dossiers/{dossier.id}/export", {"reason": "移交县档案馆", "sound": "true"})
    page = await text(archivist, f"/dossiers/{dossier.id}")
    assert page.count("待批准") == 2 and "批准导出" not in page
    director = await signed_in(db, serve(), "director", Role.DIRECTOR)
    page = await text(director, f"/dossiers/{dossier.id}")
    one, other = re.findall(r'action="/dossier-exports/([0-9a-f-]{36})/approve"', page)
    assert (await archivist.post(f"/dossier-exports/{one}/approve")).status == 403
    assert (await director.post(f"/dossier-exports/{one}/refuse", {"reason": ""})).status == 422
    assert (await director.post(f"/dossier-exports/{one}/refuse", {"reason": "理由不充分"})).status == 303
    assert (await director.post(f"/dossier-exports/{other}/approve")).status == 303
    page = await text(archivist, f"/dossiers/{dossier.id}")
    assert "未批准：理由不充分" in page and "正在打包" in page and "待批准" not in page
    assert (await director.post(f"/dossier-exports/{other}/approve")).status == 409


async def test_a_check_is_asked_for_and_seen(db: Database, home: Path, archivist: Desk) -> None:
    dossier = await archived(db, home)
    assert "还没有核验过" in await text(archivist, f"/dossiers/{dossier.id}")
    assert (await archivist.post(f"/dossiers/{dossier.id}/check")).status == 303
    await work(db, home)
    assert "逐件读出" in await text(archivist, f"/dossiers/{dossier.id}")
    victim = next((home / "archive" / "dossiers").rglob("data/order.json"))
    victim.write_bytes(victim.read_bytes().replace(b"138", b"139"))
    await archivist.post(f"/dossiers/{dossier.id}/check")
    await work(db, home)
    page = await text(archivist, f"/dossiers/{dossier.id}")
    assert re.search(r"第0卷“工单”（data/order.json）：内容与卷内目录的摘要不符", page)
    assert "有问题" in await text(archivist, "/dossiers?only=wrong")


async def test_a_paper_becomes_an_addendum(db: Database, home: Path, archivist: Desk) -> None:
    dossier = await archived(db, home)
    url = f"/orders/{dossier.ticket_id}/materials"
    body, headers = form(archivist.csrf)
    done = await archivist.post(url, raw=body, headers=headers)
    assert (done.status, done.headers["Location"]) == (303, f"/orders/{dossier.ticket_id}"), await done.text()
    await work(db, home)
    page = await text(archivist, f"/orders/{dossier.ticket_id}")
    assert "领导批示" in page and "关于占道经营的批示" in page and "补卷 1：补充领导批示" in page
    shown = await text(archivist, f"/dossiers/{dossier.id}")
    assert "补卷 1：补充领导批示" in shown and "前一卷" in shown


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "gift"}, {"title": ""}, {"title": "长" * 101}, {"dated": "2999-01-01"}, {"dated": "soon"},
        {"author": ""}, {"note": "长" * 501}, {"name": "批示.exe"}, {"content": "MZ"},
    ],
)  # fmt: skip
async def test_a_paper_that_is_not_right_leaves_nothing(
    db: Database, home: Path, archivist: Desk, wrong: dict[str, str]
) -> None:
    dossier = await archived(db, home)
    content = wrong.pop("content", "").encode() or PDF
    body, headers = form(archivist.csrf, content=content, **wrong)
    answer = await archivist.post(f"/orders/{dossier.ticket_id}/materials", raw=body, headers=headers)
    assert answer.status == 422, await answer.text()
    async with db.session() as session:
        for table in (CaseMaterial, Attachment):
            assert await session.scalar(select(func.count()).select_from(table)) == 0
    assert not (home / "archive" / "attachments").exists()


async def test_the_content_is_looked_at_masked_and_on_record(db: Database, home: Path, archivist: Desk) -> None:
    dossier = await archived(db, home, "路灯<b>不亮")
    page = await text(archivist, f"/dossiers/{dossier.id}/view")
    assert "路灯&lt;b&gt;不亮" in page and "138****1234" in page and "张*明" in page and "张小明" not in page
    assert "<script" not in page and "在线查看" in page and 'href="00/' not in page
    async with db.session() as session:
        looks = await session.scalars(select(LedgerEntry.subject_id).where(LedgerEntry.action == "dossier.read"))
        assert list(looks) == [str(dossier.ticket_id)]
    next((home / "archive" / "dossiers").rglob("data/order.json")).write_bytes(b"{}")
    assert "不符或已丢失" in await text(archivist, f"/dossiers/{dossier.id}/view", 409)


async def test_others_see_no_package(db: Database, home: Path, serve: Serve, county: None) -> None:
    dossier = await archived(db, home)
    agent = await signed_in(db, serve(), "agent", Role.AGENT)
    assert (await agent.get("/dossiers")).status == 403
    page = await text(agent, f"/orders/{dossier.ticket_id}")
    assert "档案包" in page and "补充归档材料" not in page
    assert "导出原因" not in await text(agent, f"/dossiers/{dossier.id}")
    assert (await agent.post(f"/dossiers/{dossier.id}/export", {"reason": "移交"})).status == 403
    assert (await agent.post(f"/dossiers/{dossier.id}/check")).status == 403
    body, headers = form(agent.csrf)
    assert (await agent.post(f"/orders/{dossier.ticket_id}/materials", raw=body, headers=headers)).status == 403


async def test_who_was_refused_at_a_package_is_on_record(db: Database, home: Path, serve: Serve, county: None) -> None:
    """Its words and sounds are those of the recordings."""
    sealed = await archived(db, home, "举报占道收费", sealed=True)
    agent = await signed_in(db, serve(), "agent", Role.AGENT)
    director = await signed_in(db, serve(), "director", Role.DIRECTOR)
    checker = await signed_in(db, serve(), "checker", Role.CHECKER)
    nobody = new_id()
    refusals = [
        (agent, "post", f"/dossiers/{sealed.id}/export", 403),
        (agent, "get", f"/dossiers/{sealed.id}/view", 404),
        (director, "get", f"/dossier-exports/{nobody}", 404),
        (director, "get", "/dossier-exports/..%2f..%2fsecrets", 422),
        (director, "post", f"/dossier-exports/{nobody}/approve", 404),
        (checker, "get", f"/recordings/{nobody}/words", 404),
    ]
    for desk, method, path, status in refusals:
        given = {"reason": "移交"} if path.endswith("/export") else {}
        answer = await (desk.get(path) if method == "get" else desk.post(path, given))
        assert answer.status == status, (path, answer.status)
    async with db.session() as session:
        wanted = select(LedgerEntry).where(LedgerEntry.action == "recording.refused").order_by(LedgerEntry.id)
        found = [(one.subject, one.subject_id) for one in await session.scalars(wanted)]
    assert found == [
        ("dossier", str(sealed.id)),
        ("dossier", str(sealed.id)),
        ("dossier", str(nobody)),
        ("dossier", "—"),
        ("dossier", str(nobody)),
        ("recording", str(nobody)),
    ]


async def test_a_package_on_its_way_says_so(db: Database, home: Path, archivist: Desk) -> None:
    dossier = await archived(db, home)
    async with db.session() as session:
        made = Dossier(ticket_id=dossier.id, number="YY20260101-00009", salt="x")
        session.add(made)
    assert "正在成卷" in await text(archivist, "/dossiers")
    assert "正在成卷" in await text(archivist, f"/dossiers/{made.id}")
    assert (await archivist.post(f"/dossiers/{made.id}/export", {"reason": "移交"})).status == 409
    assert (await dossier_of(db, dossier.id)).id == made.id and keeper_of(home).work.is_dir()
