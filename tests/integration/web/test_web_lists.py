"""The list of orders in a browser: the address holds it all, heads sort, pages lead on, and it can be taken along."""

import io
import re
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select
from web_desk import Desk, signed_in

from core import clock
from core.actor import Actor
from core.db import Database, new_id
from core.identity.models import Unit
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm.tickets.dispatch import Order, dispatch
from crm.tickets.input import Correction
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, correct, open_draft
from crm.tickets.states import State
from web.lists import Column, Listing, asked_of
from web.pages.order_list import OrderList


async def orders(db: Database, desk: Desk, count: int, **fields: Any) -> list[Ticket]:
    actor = Actor(desk.user_id, "王丽", frozenset({Role.AGENT}))
    made = []
    for n in range(count):
        async with db.session() as session:
            ticket = await open_draft(session, Opening("phone", new_id(), "+8613800001234", agent_id=actor.user_id))
            given = {
                "category": "help",
                "title": f"第{n:03d}张",
                "content": "小区停水",
                "address": "小区",
                "demand": "供水",
            }
            given |= fields
            made.append(await correct(session, actor, ticket.id, 1, Correction.model_validate(given)))
    return made


def shown(text: str) -> list[str]:
    return re.findall(r'title="(第\d+张)"', text)


LONG = "search=" + "长" * 101
NAIVE = "after=0~2026-01-01T00:00:00~" + "0" * 32


async def test_pages_lead_to_the_end_and_back(db: Database, agent: Desk) -> None:
    await orders(db, agent, 120)
    address, seen = "/orders?search=停水&state=draft&category=help", []
    for _ in range(3):
        text = await (await agent.get(address)).text()
        seen += shown(text)
        found = re.search(r'rel="next" href="([^"]+)"', text)
        if not found:
            break
        address = found[1].replace("&amp;", "&")
        assert "search=%E5%81%9C%E6%B0%B4" in address and "state=draft" in address and "after=" in address
    assert seen == [f"第{n:03d}张" for n in reversed(range(120))]
    assert "回到第一页" in text
    assert "共 120 条" in await (await agent.get("/orders")).text()


async def test_heads_sort_and_filters_stay(db: Database, agent: Desk) -> None:
    await orders(db, agent, 2)
    text = await (await agent.get("/orders?category=help&sort=oldest")).text()
    assert shown(text) == ["第000张", "第001张"]
    assert 'aria-sort="ascending"' in text
    assert "/orders?category=help&amp;sort=newest" in text
    assert "/orders?category=help&amp;sort=state" in text
    assert "sort=relevance" not in text
    assert "sort=relevance" in await (await agent.get("/orders?search=停水")).text()


def test_an_address_that_holds_a_set_is_always_the_same() -> None:
    given = asked_of(OrderList(state=frozenset(State)))
    assert given["state"] == sorted(State)
    assert given == asked_of(OrderList(state=frozenset(reversed(State))))


async def test_an_empty_list_says_why(agent: Desk) -> None:
    assert "还没有工单" in await (await agent.get("/orders")).text()
    assert "可以放宽条件" in await (await agent.get("/orders?search=停水")).text()
    assert (await agent.get("/orders?search=，。&state=&category=&unit=&area=&first=&last=")).status == 200


@pytest.mark.parametrize(
    "query",
    [
        "after=x",
        "after=0~~",
        "sort=up",
        "state=gone",
        "category=x",
        "unit=1",
        "first=2026-02-30",
        "limit=9",
        LONG,
        NAIVE,
    ],
)
async def test_a_forged_address_gets_a_sentence(agent: Desk, query: str) -> None:
    response = await agent.get(f"/orders?{query}")
    assert response.status in (400, 422)
    assert re.search(r"[\u4e00-\u9fff]{4}", await response.text())


async def test_a_number_is_looked_for_by_those_who_may(db: Database, agent: Desk, serve: Any) -> None:
    await orders(db, agent, 1)
    assert shown(await (await agent.get("/orders?search=13800001234")).text()) == ["第000张"]
    archivist = await signed_in(db, serve(), "chendang", Role.ARCHIVIST)
    assert shown(await (await archivist.get("/orders?search=1234")).text()) == ["第000张"]
    refused = await archivist.get("/orders?search=13800001234")
    assert refused.status == 403
    assert "后四位" in await refused.text()


async def test_a_list_is_taken_along(db: Database, agent: Desk, lead: Desk) -> None:
    await orders(db, agent, 3, content="=小区停水")
    text = await (await lead.get("/orders?search=停水")).text()
    assert 'action="/orders/export" hx-boost="false"' in text
    assert '<input type="hidden" name="search" value="停水">' in text
    response = await lead.post("/orders/export", {"search": "停水", "reason": "核对停水情况"})
    assert response.status == 200
    assert response.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''%E5%B7%A5%E5%8D%95")
    page = openpyxl.load_workbook(io.BytesIO(await response.read()))["工单"]
    assert [cell.value for cell in page["E"]][2:5] == ["=小区停水"] * 3
    async with db.session() as session:
        entry = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "orders.export"))).one()
    assert entry.actor_id == lead.user_id
    assert entry.subject_id in page["A1"].value
    auditor = await (await lead.post("/orders/export", {"reason": ""})).text()
    assert "请填写" in auditor
    assert (await agent.post("/orders/export", {"reason": "核对停水情况"})).status == 403
    assert "/orders/export" not in await (await agent.get("/orders")).text()


async def test_the_ledger_tells_what_was_taken(db: Database, agent: Desk, lead: Desk, serve: Any) -> None:
    await orders(db, agent, 1)
    await lead.post("/orders/export", {"search": "停水 1234", "state": "draft", "reason": "核对停水情况"})
    auditor = await signed_in(db, serve(), "zhoushen", Role.AUDIT_ADMIN)
    text = await (await auditor.get("/ledger?what=export")).text()
    assert "导出工单" in text and "核对停水情况" in text
    assert "共 1 条；查找：尾号1234 停水；状态：受理中" in text


async def test_an_order_that_is_late_says_since_when(db: Database, agent: Desk, serve: Any) -> None:
    month_ago = clock.now() - timedelta(days=40)
    async with db.session() as session:
        unit = Unit(code="cgj", name="弋阳县城市管理局", kind="department")
        session.add(unit)
        await session.flush()
        actor = Actor(agent.user_id, "王丽", frozenset({Role.AGENT}))
    with clock.frozen(month_ago):
        [ticket] = await orders(db, agent, 1)
        async with db.session() as session:
            await dispatch(session, actor, ticket.id, ticket.version, Order(lead_unit_id=unit.id))
    text = await (await agent.get(f"/orders/{ticket.id}")).text()
    assert "已逾期" in text and "第 5 个工作日" in text
    clerk = await signed_in(db, serve(), "liming", Role.UNIT_CLERK, unit_id=unit.id)
    work = await (await clerk.get("/orders")).text()
    assert "已逾期" in work and 'aria-sort="ascending"><a class="sort" href="/orders?sort=due">时限' in work
    assert "已逾期" in await (await agent.get("/orders?sort=due")).text()


def test_a_listing_keeps_its_filters_in_every_address() -> None:
    asked = OrderList.model_validate({"search": "a b", "state": ["draft", "void"], "after": "x", "sort": "due"})
    columns = [Column("编号"), Column("时间", ("newest", "oldest"))]
    listing = Listing("/orders", columns, asked_of(asked), (), "newest", "k~1", False, 1001, 1000)
    assert listing.newest == listing.address() and "after" not in listing.newest
    assert listing.further.endswith("&after=k~1") or "after=k%7E1" in listing.further
    assert "sort=oldest" in listing.sorted_by(columns[1])
    assert listing.address().count("state=") == 2
    assert (listing.total, listing.filtered) == ("1000 条以上", True)
    assert Listing("/x", columns, {}, (), "", count=3, most=1000).total == "共 3 条"
