"""Merged hotlines: the register with its history, a sub-centre with queue and roster of its own, figures by number."""

import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from openpyxl import load_workbook
from sqlalchemy import select
from web_desk import Desk, make_user, signed_in

from callflow import snapshot
from callflow.agents import service as agents
from callflow.board.rules import Level, ServiceLevel
from callflow.models import Call
from core import clock
from core.actor import SYSTEM
from core.db import Database
from core.identity.models import Unit
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm.queries.hotlines import Orders
from crm.queries.statistics import Rate
from crm.tickets.service import Opening, open_draft
from web.pages.hotlines import HEADS, NOTES, Line

JSON = {"Accept": "application/problem+json"}
HOTLINE = "12315 消费者投诉"


@pytest.fixture
async def system(db: Database, serve: Callable[[], Desk]) -> Desk:
    desk = await signed_in(db, serve(), "sys", Role.SYSTEM_ADMIN)
    for name, title in (("hotline", "综合坐席"), ("market", "市场监管分中心")):
        assert (await desk.post("/queues", {"name": name, "title": title})).status == 303
    number = {"number": "12345", "title": "政务服务便民热线", "queue": "hotline", "active": "true"}
    assert (await desk.post("/numbers", number)).status == 303
    return desk


async def owner(db: Database) -> UUID:
    async with db.session() as session:
        unit = Unit(code="scjgj", name="市场监管局", kind="department")
        session.add(unit)
        await session.flush()
        return unit.id


def merged(owner_id: UUID, **changes: str) -> dict[str, str]:
    return {
        "number": "12315",
        "title": "消费维权",
        "original_hotline": HOTLINE,
        "queue": "market",
        "active": "true",
        "mode": "sub-centre",
        "owner_unit_id": str(owner_id),
        "cut_over_on": f"{clock.today().year + 1}-01-01",
        "document": "弋政数〔2026〕9号",
    } | changes


async def wrong(desk: Desk, form: dict[str, str]) -> dict[str, str]:
    answer = await desk.post("/numbers", form, headers=JSON)
    assert answer.status == 422, await answer.text()
    fields: dict[str, str] = (await answer.json(content_type=None))["fields"]
    return fields


@pytest.mark.proves("F06-2", "F16-3")
async def test_the_register_keeps_how_whose_when_and_what_was_before(db: Database, system: Desk) -> None:
    unit = await owner(db)
    form = merged(unit)
    assert "自己的队列" in (await wrong(system, form | {"queue": "hotline"}))["queue"]
    assert "原主管单位" in (await wrong(system, form | {"owner_unit_id": ""}))["owner_unit_id"]
    assert "并入前的热线" in (await wrong(system, form | {"original_hotline": ""}))["original_hotline"]
    assert "紧急热线不并入" in (await wrong(system, form | {"number": "110"}))["number"]
    assert (await system.post("/numbers", form)).status == 303
    edited = {name: value for name, value in form.items() if name != "number"} | {"version": "1", "mode": "dual"}
    assert (await system.post("/numbers/12315", edited)).status == 303
    page = await (await system.get("/numbers?number=12315")).text()
    assert "双号并行" in page and f"{clock.today().year + 1}年1月1日切换" in page and "弋政数〔2026〕9号" in page
    assert "归并方式：设分中心 → 双号并行" in page and "登记接入号码" in page


@pytest.mark.proves("F16-2")
async def test_a_sub_centre_has_queue_roster_and_the_same_intake_form(
    db: Database, system: Desk, serve: Callable[[], Desk], lead: Desk
) -> None:
    assert (await system.post("/numbers", merged(await owner(db)))).status == 303
    theirs = await signed_in(db, serve(), "fenzhongxin", Role.AGENT)
    ours = await make_user(db, "wangli", Role.AGENT)
    assert theirs.user_id
    async with db.session() as session:
        await agents.enrol(session, SYSTEM, theirs.user_id, "1101", "赵敏", {"market": 0})
        await agents.enrol(session, SYSTEM, ours, "1001", "王丽", {"hotline": 0})
        line = await snapshot.load(session)
    entry = line.number("12315")
    assert entry and (entry.queue, entry.original_hotline) == ("market", HOTLINE)

    page = await (await lead.get("/roster?centre=market")).text()
    assert "消费维权分中心" in page
    assert f'<option value="{theirs.user_id}"' in page and f'<option value="{ours}"' not in page
    form = {"shift_day": str(clock.today()), "start": "00:00", "end": "12:00", "centre": "market"}
    assert (await lead.post("/roster/shifts", form | {"user_id": str(ours)})).status == 422
    assert (await lead.post("/roster/shifts", form | {"user_id": str(theirs.user_id), "days": "14"})).status == 303
    page = await (await lead.get("/roster?centre=market")).text()
    seen = page.split('name="seen" value="')[1].split('"')[0]
    alone = await lead.post("/roster/publish", {"seen": seen, "centre": "market"})
    assert alone.status == 422, "its callers have nowhere else to go"
    overflow = {"title": "市场监管分中心", "overflow": "hotline", "version": "1"}
    assert (await system.post("/queues/market", overflow)).status == 303
    assert "无人时转往其他队列" in await (await lead.get("/roster?centre=market")).text()
    assert (await lead.post("/roster/publish", {"seen": seen, "centre": "market"})).status == 303
    assert "还没有公布过" in await (await lead.get("/roster")).text(), "12345 itself has a roster of its own"

    made = await taken(db, "1.1", HOTLINE, theirs.user_id)
    shown = await (await theirs.get(f"/calls/{made}")).text()
    for name in ("category", "title", "content", "address", "demand"):
        assert f'name="{name}"' in shown
    assert HOTLINE in shown


async def taken(db: Database, linkedid: str, hotline: str, agent_id: Any = None) -> UUID:
    """A call to this hotline that was answered at once, and its draft."""
    async with db.session() as session:
        call = Call(node="n", linkedid=linkedid, direction="inbound", caller="+8613812345678", evidence={})
        call.arrived_at = call.connected_at = call.queued_at = clock.now() - timedelta(minutes=1)
        call.original_hotline, call.agent_id = hotline, agent_id
        session.add(call)
        await session.flush()
        await open_draft(session, Opening("phone", call.id, call.caller, hotline, agent_id))
        return call.id


@pytest.mark.proves("A16-1", "A06-2")
async def test_figures_are_split_by_the_number_that_was_dialled(db: Database, lead: Desk, agent: Desk) -> None:
    await taken(db, "1.1", HOTLINE)
    await taken(db, "1.2", HOTLINE)
    await taken(db, "1.3", "12345热线")
    async with db.session() as session:
        lost = Call(node="n", linkedid="1.4", direction="inbound", original_hotline=HOTLINE, evidence={})
        lost.arrived_at, lost.ended_at, lost.outcome = clock.now(), clock.now(), "abandoned"
        session.add(lost)
    page = await (await lead.get("/hotlines")).text()
    row = page.split(f"<td>{HOTLINE}</td>")[1].split("</tr>")[0]
    row = re.sub(r"<br><span[^>]*>([^<]*)</span>", r"（\1）", row)
    cells = [cell.split(">")[-1] for cell in row.split("</td>")[:-1]]
    assert cells == ["3", "2", "66.7%（2/3）", "66.7%（2/3）", "100.0%（2/2）", "2", "0", *"—————"]
    assert "12345热线" in page
    assert all(note in page for note in NOTES), "each rate says how it is counted"
    assert (await lead.get("/hotlines?first=2026-02-01&last=2026-01-01")).status == 422
    assert (await agent.get("/hotlines")).status == 403
    assert 'action="/hotlines/export"' in page
    taken_along = {"first": str(clock.today().replace(day=1)), "last": str(clock.today())}
    assert "请填写导出原因" in await (await lead.post("/hotlines/export", taken_along)).text()
    answer = await lead.post("/hotlines/export", taken_along | {"reason": "季度通报"})
    sheet = load_workbook(io.BytesIO(await answer.read())).active
    assert sheet is not None
    written = {row[0]: list(row[1:]) for row in sheet.iter_rows(min_row=3, values_only=True)}
    assert written[HOTLINE] == cells and "12345热线" in written
    assert set(NOTES) < set(written), "and on the sheet as well"
    async with db.session() as session:
        entry = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "hotlines.export"))).one()
    assert entry.subject_id in str(sheet["A1"].value)
    assert (entry.reason, entry.detail["filter"]) == ("季度通报", taken_along)
    assert (await agent.post("/hotlines/export", taken_along | {"reason": "季度通报"})).status == 403


@pytest.mark.proves("A16-1")
def test_each_figure_stands_under_its_head_with_its_two_counts() -> None:
    level = ServiceLevel(Level(90, 80, 70), Level(60, 50, 40), None, None, 0, 0)
    orders = Orders(31, 30, Rate(1, 2), Rate(1, 3), Rate(1, 4), Rate(1, 5), Rate(0, 6))
    heads = [head for head, _ in HEADS[1:]]
    assert dict(zip(heads, map(str, Line(HOTLINE, level, orders).figures), strict=True)) == {
        "请求人工": "90",
        "接通": "80",
        "接通率": "88.9%（80/90）",
        "15 秒接通率（从来电起）": "77.8%（70/90）",
        "15 秒接通率（从排队起）": "66.7%（40/60）",
        "形成工单": "31",
        "已派发": "30",
        "及时签收率": "50.0%（1/2）",
        "按期办结率": "33.3%（1/3）",
        "退回率": "25.0%（1/4）",
        "满意率": "20.0%（1/5）",
        "解决率": "0.0%（0/6）",
    }
