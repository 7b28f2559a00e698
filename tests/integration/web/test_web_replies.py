"""The reply form: files with the act or not at all, remarks while writing and while checking, the letter."""

import html
import io
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select
from test_web_order_acts import act, answered, order, ticket_of
from web_api import unit
from web_desk import Desk, signed_in

from core import clock
from core.db import Database
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm.papers import LARGEST
from crm.tickets.models import Assignment, Attachment, Reply, Ticket
from crm.tickets.states import State
from web.paging import PAGE

PDF = b"%PDF-1.7\n" + b"x" * 100
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 50


@pytest.fixture
async def handling(db: Database, serve: Callable[[], Desk]) -> tuple[Desk, UUID]:
    """A clerk at the reply form of a signed order."""
    cgj = await unit(db)
    id = await order(db, cgj)
    clerk = await signed_in(db, serve(), "clerk", Role.UNIT_CLERK, unit_id=cgj)
    assert (await act(clerk, db, id, "sign")).status == 303
    return clerk, id


async def send(
    desk: Desk, db: Database, id: UUID, files: list[tuple[str, bytes]], **given: str
) -> aiohttp.ClientResponse:
    """The submission as a browser sends it, with its files."""
    form = aiohttp.FormData(quote_fields=False)
    for name, value in {"version": str((await ticket_of(db, id)).version), **answered(), **given}.items():
        form.add_field(name, value)
    for name, content in files or [("", b"")]:
        form.add_field("file", content, filename=name, content_type="application/octet-stream")
    headers = {"Accept": "application/problem+json", "X-CSRF-Token": desk.csrf}
    return await desk.client.post(f"/orders/{id}/acts/submit", data=form, headers=headers, allow_redirects=False)


def kept(home: Path) -> list[str]:
    """What lies in the store."""
    return sorted(str(path.name) for path in (home / "archive").rglob("*") if path.is_file())


@pytest.mark.proves("F12.4-1")
async def test_files_are_kept_with_the_answer_and_read_back(
    db: Database, handling: tuple[Desk, UUID], serve: Callable[[], Desk]
) -> None:
    clerk, id = handling
    page = await (await clerk.get(f"/orders/{id}")).text()
    assert 'enctype="multipart/form-data"' in page and 'type="file"' in page and "每个不超过20 MB" in page
    done = await send(clerk, db, id, [("现场照片.png", PNG), ("执法文书.pdf", PDF)], evidence="")
    assert done.status == 303, await done.text()
    async with db.session() as session:
        files = {one.name: one for one in await session.scalars(select(Attachment))}
        reply = (await session.scalars(select(Reply))).one()
    assert sorted(files) == ["执法文书.pdf", "现场照片.png"]
    assert set(reply.attachments) == {str(one.id) for one in files.values()}
    checker = await signed_in(db, serve(), "checker", Role.CHECKER)
    page = await (await checker.get(f"/orders/{id}")).text()
    pdf = files["执法文书.pdf"]
    assert f'href="/attachments/{pdf.id}"' in page
    answer = await checker.get(f"/attachments/{pdf.id}")
    assert (answer.status, await answer.read()) == (200, PDF)
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    stranger = await signed_in(db, serve(), "mzj", Role.UNIT_CLERK, unit_id=await unit(db, "mzj", "民政局"))
    assert (await stranger.get(f"/attachments/{pdf.id}")).status == 404
    async with db.session() as session:
        seen = select(func.count()).select_from(LedgerEntry).where(LedgerEntry.action == "attachment.read")
        assert await session.scalar(seen) == 1


REFUSED: tuple[tuple[list[tuple[str, bytes]], dict[str, str], str, str], ...] = (
    ([("病毒.exe", b"MZ\x90")], {}, "file", "病毒.exe：附件须为 PDF"),
    ([("照片.png", PNG), ("页面.pdf", b"<script>")], {}, "file", "页面.pdf：附件须为 PDF"),
    ([("大.pdf", PDF + bytes(LARGEST))], {}, "file", "不超过20 MB"),
    ([("空.pdf", b"")], {}, "file", "空.pdf：附件须有内容"),
    ([("照片.png", PNG)] * 11, {}, "", "附件一次最多 10 个"),
    ([("照片.png", PNG)], {"contact_person": ""}, "contact_person", "请填写答复的经办人"),
    ([("照片.png", PNG)], {"contact_at": "明天"}, "contact_at", "时间格式不正确"),
    ([], {"evidence": ""}, "evidence", "请上传佐证材料"),
)
"""Files, what else is filled in -> the field and what is said beside it."""


@pytest.mark.proves("F12.4-1")
async def test_of_a_refused_answer_nothing_is_kept(db: Database, home: Path, handling: tuple[Desk, UUID]) -> None:
    clerk, id = handling
    for files, given, field, sentence in REFUSED:
        refused = await send(clerk, db, id, files, **given)
        assert refused.status in (400, 422), await refused.text()
        told = await refused.json(content_type=None)
        assert sentence in (told["fields"][field] if field else told["title"])
        async with db.session() as session:
            assert await session.scalar(select(func.count()).select_from(Attachment)) == 0
            assert await session.scalar(select(func.count()).select_from(Reply)) == 0
        assert kept(home) == [], sentence
    assert (await ticket_of(db, id)).state == State.HANDLING


@pytest.mark.proves("F12.4-2")
async def test_remarks_are_shown_while_writing_and_to_the_checker(
    db: Database, handling: tuple[Desk, UUID], serve: Callable[[], Desk]
) -> None:
    clerk, id = handling
    shirking = "占道一事不属于我局职责，请联系其他部门处理。"
    text = await (await clerk.post(f"/orders/{id}/remarks", {"text": shirking})).text()
    assert "推诿用语" in text and "不属于我局职责" in text and "仅供参考" in text
    good = await (await clerk.post(f"/orders/{id}/remarks", {"text": answered()["text"]})).text()
    assert "没有发现需要提示的内容" in good
    assert f'hx-post="/orders/{id}/remarks"' in await (await clerk.get(f"/orders/{id}")).text()
    assert (await act(clerk, db, id, "submit", **answered() | {"text": shirking})).status == 303, "suggestions only"
    checker = await signed_in(db, serve(), "checker", Role.CHECKER)
    assert 'id="remarks"' in await (await checker.get(f"/orders/{id}")).text()
    assert 'id="remarks"' not in await (await clerk.get(f"/orders/{id}")).text()


@pytest.mark.proves("F12.4-3")
async def test_the_letter_is_made_from_the_template_in_force(
    db: Database, handling: tuple[Desk, UUID], serve: Callable[[], Desk]
) -> None:
    clerk, id = handling
    ticket = await ticket_of(db, id)
    typed = {"text": "经核实，占道摊贩已全部劝离。", "close_kind": "no-basis", "citation": "《某条例》第十条"}
    text = await (await clerk.post(f"/orders/{id}/letter", typed)).text()
    assert f"关于{ticket.number}号诉求的解释答复函" in text and typed["text"] in text and typed["citation"] in text
    assert "城市管理局" in text and "13800001234" not in text
    await act(clerk, db, id, "submit", **answered())
    text = await (await clerk.get(f"/orders/{id}/letter")).text()
    assert answered()["text"] in text and "号诉求的答复函" in text
    bureau = await signed_in(db, serve(), "bureau", Role.SUPERVISOR)
    page = await (await bureau.get("/policy/texts")).text()
    assert "答复函" in page and "解释答复函" in page and "受理短信" in page


@pytest.mark.proves("A12.6-2")
async def test_the_page_of_closings_names_the_orders_and_gives_the_sheet(
    db: Database, handling: tuple[Desk, UUID], serve: Callable[[], Desk]
) -> None:
    clerk, id = handling
    second = {
        "close_kind": "no-basis",
        "citation": "《某条例》第十条",
        "explained": "true",
        "explanation": "已当面说明",
    }
    assert (await act(clerk, db, id, "submit", **answered() | second)).status == 303
    checker = await signed_in(db, serve(), "checker", Role.CHECKER)
    await act(checker, db, id, "pass")
    bureau = await signed_in(db, serve(), "bureau", Role.SUPERVISOR)
    page = await (await bureau.get("/closings")).text()
    assert "城市管理局" in page and "100.0%" in page
    link = page.partition('href="/closings?first=')[2].partition('"')[0].replace("&amp;", "&")
    detail = await (await bureau.get(f"/closings?first={link}")).text()
    assert (await ticket_of(db, id)).number in detail and "《某条例》第十条" in detail
    assert (await clerk.get("/closings")).status == 403
    wrong = await bureau.get("/closings?first=2026-03-02&last=2026-03-01")
    assert wrong.status == 422 and "起始日不能晚于截止日" in await wrong.text()
    span = {"first": f"{clock.today().year}-01-01", "last": f"{clock.today().year}-12-31"}
    assert "请填写导出原因" in await (await bureau.post("/closings/export", span)).text()
    sheet = await bureau.post("/closings/export", span | {"reason": "季度通报"})
    assert sheet.status == 200 and (await sheet.read()).startswith(b"PK")
    cgj = link.partition("unit=")[2]
    assert "没有符合条件的工单" in await (await bureau.get(f"/closings?unit={cgj}&search=噪音")).text()
    assert (await ticket_of(db, id)).number in await (await bureau.get(f"/closings?unit={cgj}&search=占道")).text()
    taken = await bureau.post("/closings/export", {"unit": cgj, "search": "占道", "reason": "季度通报"})
    rows = load_workbook(io.BytesIO(await taken.read())).active
    assert rows is not None
    assert [cell.value for cell in rows[3]][:4] == [
        (await ticket_of(db, id)).number,
        "路边摊占道",
        "投诉",
        "《某条例》第十条",
    ]
    async with db.session() as session:
        wanted = select(LedgerEntry).where(LedgerEntry.action == "closings.orders")
        assert (await session.scalars(wanted)).one().detail["filter"]["unit"] == "城市管理局"


@pytest.mark.proves("F22-1", "A22-2")
async def test_answers_to_be_published_are_searched_read_from_either_end_and_taken_along(
    db: Database, serve: Callable[[], Desk]
) -> None:
    cgj, bureau = await unit(db), await signed_in(db, serve(), "bureau", Role.SUPERVISOR)
    numbers = []
    for n in range(PAGE + 2):
        id = await order(db, cgj)
        async with db.session() as session:
            ticket = await session.get_one(Ticket, id)
            part = (await session.scalars(select(Assignment).where(Assignment.ticket_id == id))).one()
            ticket.publish_ok, ticket.state = True, State.ARCHIVED
            ticket.closed_at = clock.now() - timedelta(seconds=PAGE + 2 - n)
            told = {"text": "13800001234已处理" if n == 1 else f"已处理{n}", "publish_ok": True, "state": "passed"}
            made = {"ticket_id": id, "round_id": part.round_id, "assignment_id": part.id, "role": "lead"}
            kept = {"close_kind": "handled", "submitted_at": clock.now(), "contact_method": "phone"}
            session.add(Reply(**told, **made, **kept))
            numbers.append(ticket.number)

    def shown(page: str) -> list[str]:
        return [one for one in re.findall(r'<a href="/orders/[^"]+">([^<]+)</a>', page) if one in numbers]

    first = await (await bureau.get("/publication")).text()
    further = re.search(r'rel="next" href="([^"]+)"', first)
    assert further and shown(first) == numbers[:1:-1]
    rest = await (await bureau.get(html.unescape(further[1]))).text()
    assert shown(rest) == numbers[1::-1] and "须先隐去" in rest and "13800001234已处理" not in rest
    oldest = await (await bureau.get("/publication?sort=oldest&search=占道")).text()
    assert shown(oldest) == numbers[:PAGE]
    assert shown(await (await bureau.get(f"/publication?search={numbers[3]}")).text()) == [numbers[3]]
    assert shown(await (await bureau.get("/publication?category=help")).text()) == []
    assert shown(await (await bureau.get(f"/publication?unit={cgj}")).text()) == numbers[:1:-1]
    taken = await bureau.post("/publication/export", {"category": "complaint"})
    rows = load_workbook(io.BytesIO(await taken.read())).active
    assert rows is not None
    answers = [str(row[4].value) for row in rows.iter_rows(min_row=2)]
    assert len(answers) == PAGE + 1 and "13800001234已处理" not in answers
    async with db.session() as session:
        noted = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "publication.export"))).one()
    assert (noted.detail["count"], noted.detail["left_out"]) == (PAGE + 1, 1)
