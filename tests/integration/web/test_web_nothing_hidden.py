"""What a page leaves out it says, and leads to: linked orders, old rosters, long tables, long talks, old notes."""

import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, update
from web_api import unit
from web_desk import Desk, signed_in

from callflow.board.models import DeskNote
from callflow.models import Call
from callflow.roster.models import RosterVersion
from core import clock
from core.actor import SYSTEM
from core.db import Database, new_id
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm.tickets.dispatch import Order, dispatch
from crm.tickets.input import Correction
from crm.tickets.models import Round, Ticket
from crm.tickets.service import Opening, open_draft
from recordings.models import Side, Source, TranscriptSegment
from web.pages import board, lists, orders, roster
from web.paging import PAGE
from web.words import SHOWN_SEGMENTS, words

Serve = Callable[[], Desk]


async def text(desk: Desk, path: str) -> str:
    response = await desk.get(path)
    assert response.status == 200, await response.text()
    return await response.text()


def further(page: str) -> str:
    """Where the next page is."""
    found = re.search(r'rel="next" href="([^"]+)"', page)
    assert found, "there is no next page"
    return found[1].replace("&amp;", "&")


async def test_all_orders_that_belong_to_one_are_read_and_taken_along(db: Database, serve: Serve) -> None:
    desk = await signed_in(db, serve(), "pai.dan", Role.DISPATCHER)
    async with db.session() as session:
        first = await open_draft(session, Opening("counter", phone="+8613800001234"))
        first.title = "小区停水"
        numbers = []
        for n in range(PAGE + 2):
            one = await open_draft(session, Opening("counter", phone="+8613800001234"))
            one.repeat_of, one.title = first.id, f"又停水{n}，请回电13800001234"
            one.opened_at = clock.now() - timedelta(minutes=PAGE + 2 - n)
            numbers.append(one.number)
        other = await session.get_one(Ticket, one.id)
    page = await text(desk, f"/orders/{first.id}")
    assert f"只列最早的 {orders.SHOWN_LINKS} 张" in page and f'href="/orders/{first.id}/links"' in page

    def listed(page: str) -> list[str]:
        return [one for one in re.findall(r'<a href="/orders/[^"]+">([^<]+)</a>', page) if one in numbers]

    page = await text(desk, f"/orders/{first.id}/links")
    assert listed(page) + listed(await text(desk, further(page))) == numbers
    assert listed(await text(desk, f"/orders/{first.id}/links?sort=newest"))[:2] == numbers[:-3:-1]
    assert listed(await text(desk, f"/orders/{first.id}/links?search={numbers[7]}")) == [numbers[7]]
    assert "没有符合条件的工单" in await text(desk, f"/orders/{first.id}/links?search=YY20200101-000001")
    assert first.number in await text(desk, f"/orders/{other.id}/links")
    page = await text(desk, f"/orders/{first.id}")
    assert "最近 10 张工单" in page and 'href="/orders?search=1234">工单</a>' in page
    path, asked = f"/orders/{first.id}/links/export", {"search": numbers[7]}
    assert "请填写导出原因" in await (await desk.post(path, asked)).text()
    answer = await desk.post(path, asked | {"reason": "核对重复"})
    sheet = load_workbook(io.BytesIO(await answer.read())).active
    assert sheet is not None
    assert [cell.value for cell in sheet[3]][:3] == ["再次反映", numbers[7], "又停水7，请回电138****1234"]
    async with db.session() as session:
        entry = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "links.export"))).one()
    assert entry.detail["filter"] == {"order": first.number, "search": numbers[7]}
    clerk = await signed_in(db, serve(), "clerk", Role.UNIT_CLERK, unit_id=await unit(db))
    assert (await clerk.get(f"/orders/{first.id}/links")).status == 404
    assert (await clerk.post(path, asked | {"reason": "核对重复"})).status == 404


@pytest.mark.proves("F02-1")
async def test_an_old_roster_can_be_opened(db: Database, lead: Desk) -> None:
    count = roster.SHOWN_VERSIONS + 2
    async with db.session() as session:
        for n in range(1, count + 1):
            at = clock.now() - timedelta(days=count - n)
            session.add(
                RosterVersion(number=n, published_at=at, published_by_name="李建国", from_at=at, covered_until=at)
            )
    page = await text(lead, "/roster")
    assert f"第 {count} 版" in page and ">第 2 版" not in page and page.count("现行") == 1
    older = await text(lead, further(page))
    assert ">第 2 版" in older and ">第 1 版" in older and 'rel="next"' not in older and "现行" not in older
    assert 'version=1" aria-current="true"' in await text(lead, f"/roster?version=1&below={3}")
    assert (await lead.get(f"/roster?version={count + 1}")).status == 404


async def test_a_long_table_is_read_page_by_page(db: Database, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "SHOWN", 5)
    desk = await signed_in(db, serve(), "pai.dan", Role.DISPATCHER)
    page, seen = await text(desk, "/catalogue"), list[str]()
    total = re.search(r"共 (\d+) 条", page)
    assert total
    while True:
        seen += re.findall(r'<tr><td class="nowrap">([A-Z0-9]+)</td>', page)
        if 'rel="next"' not in page:
            break
        page = await text(desk, further(page))
    assert len(seen) == int(total[1]) and seen == sorted(seen) and "回到第一页" in page
    assert "search=" in further(await text(desk, "/catalogue?search=%E5%B1%80"))


async def test_all_that_was_said_is_read_once_the_call_is_over(db: Database, lead: Desk) -> None:
    begins = clock.now() - timedelta(hours=2)
    async with db.session() as session:
        call = Call(id=new_id(), node="n", linkedid="1.1", direction="inbound", arrived_at=begins, evidence={})
        session.add(call)
        await session.flush()
        for n in range(SHOWN_SEGMENTS + 3):
            span = {"words": [], "source": Source.LIVE, "start_s": float(n), "end_s": n + 0.5}
            session.add(TranscriptSegment(call_id=call.id, side=Side.CITIZEN, text=f"第{n}句", **span))
        await session.flush()
        live = await words(session, call)
        assert [line.text for line in live.lines] == [f"第{n}句" for n in range(3, SHOWN_SEGMENTS + 3)], "the newest"
        assert live.before
    assert "通话结束后在本页显示全部" in await text(lead, f"/calls/{call.id}")
    async with db.session() as session:
        (await session.get_one(Call, call.id)).ended_at = clock.now()
    page = await text(lead, f"/calls/{call.id}")
    assert "第0句" in page and f"第{SHOWN_SEGMENTS + 2}句" in page and "通话结束后" not in page


async def test_short_histories_say_where_the_rest_is(db: Database, serve: Serve, lead: Desk) -> None:
    async with db.session() as session:
        for n in range(board.SHOWN_NOTES + 1):
            at = clock.now() - timedelta(minutes=n)
            session.add(DeskNote(text=f"通知{n}", sent_at=at, ends_at=at, sent_by_name="李建国"))
    page = await text(lead, "/board")
    assert f"只列最近 {board.SHOWN_NOTES} 条" in page and "通知9" in page and "通知10" not in page
    security = await signed_in(db, serve(), "zhou.an", Role.SECURITY_ADMIN)
    path = f"/users/{lead.user_id}"
    assert "按对象编号" not in await text(security, path)
    for n in range(31):
        what = {"reason": "离岗" if n % 2 == 0 else "返岗", "active": str(n % 2 == 1).lower()}
        assert (await security.post(f"{path}/active", what)).status in (200, 303)
    assert f"更早的在审计日志中，按对象编号 {lead.user_id} 查询" in await text(security, path)


@pytest.mark.proves("A19-1")
async def test_dispatches_without_a_citation_are_listed_and_taken_along(db: Database, serve: Serve) -> None:
    desk = await signed_in(db, serve(), "pai.dan", Role.DISPATCHER)
    lead, assist = await unit(db), await unit(db, "gaj", "公安局")
    fields = {"category": "complaint", "matter": "CX01", "title": "路边摊占道，请回电13800001234"}
    fields |= {"content": "每天傍晚占道", **dict.fromkeys(("occurred", "address", "subject", "demand"), "不详")}
    async with db.session() as session:
        given = Correction.model_validate(fields)
        ticket = await open_draft(session, Opening("counter", phone="+8613800001234", given=given))
        order = Order(lead_unit_id=lead, assist_unit_ids=(assist,), basis="经研究由城管局牵头")
        await dispatch(session, SYSTEM, ticket.id, ticket.version, order)
        await session.execute(update(Round).values(cites=None))
    page = await text(desk, "/dispatch-quality")
    listed = page.partition('id="uncited"')[2]
    assert f'<a href="/orders/{ticket.id}">{ticket.number}</a>' in listed and "待签收" in listed
    assert "没有符合条件的派发" in await text(desk, "/dispatch-quality?search=噪音")
    assert ticket.number in await text(desk, f"/dispatch-quality?search={ticket.number}&sort=oldest")
    why = {"month": f"{clock.today():%Y-%m}", "reason": "核对依据"}
    answer = await desk.post("/dispatch-quality/uncited", why)
    sheet = load_workbook(io.BytesIO(await answer.read())).active
    assert sheet is not None
    assert [cell.value for cell in sheet[3]][:2] == [ticket.number, "路边摊占道，请回电138****1234"]
    answer = await desk.post("/dispatch-quality/export", why)
    sheet = load_workbook(io.BytesIO(await answer.read())).active
    assert sheet is not None and [cell.value for cell in sheet[4]][:2] == ["合计", "1"]
