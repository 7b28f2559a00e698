"""值班联系人 and 应急通知 at the desk: kept by units and centre, tried by a call, ended on the event's page."""

import io
from collections.abc import Callable
from uuid import UUID

import pytest
from openpyxl import load_workbook
from sqlalchemy import select
from web_desk import Desk, signed_in

from callflow.spoken.models import SpokenCall
from core.clock import now
from core.db import Database, new_id
from core.identity.models import Unit
from core.permissions import Role
from crm.alarms.models import Alarm
from crm.alarms.service import see_to
from crm.contacts.models import DutyContact
from crm.emergencies.models import EmergencyEvent, EmergencyOrder
from crm.tickets.models import Assignment
from crm.tickets.service import Opening, open_draft

WRITTEN = {
    "rank": "1", "name": "张三", "post": "总值班", "phone": "139 0000 0091",
    "days": "all", "start": "00:00", "end": "24:00",
}  # fmt: skip


async def unit(db: Database, code: str = "gaj", name: str = "弋阳县公安局") -> UUID:
    async with db.session() as session:
        found = await session.scalar(select(Unit).where(Unit.code == code))
        if found is None:
            found = Unit(code=code, name=name, kind="department", version=1)
            session.add(found)
            await session.flush()
        return found.id


async def only(db: Database) -> DutyContact:
    async with db.session() as session:
        return (await session.scalars(select(DutyContact))).one()


@pytest.fixture
async def clerk(db: Database, serve: Callable[[], Desk]) -> Desk:
    desk = serve()
    await signed_in(db, desk, "clerk", Role.UNIT_CLERK, unit_id=await unit(db))
    return desk


@pytest.mark.proves("F14-2")
async def test_a_unit_writes_its_contacts_and_the_centre_sees_what_is_missing(
    db: Database, clerk: Desk, agent: Desk
) -> None:
    assert "没有值班联系人" in await (await agent.get("/duty-contacts")).text()
    wrong = await clerk.post("/duty-contacts", WRITTEN | {"phone": "1234567"})
    assert wrong.status == 422 and "手机号" in await wrong.text()
    turned = await clerk.post("/duty-contacts", WRITTEN | {"first_day": "2026-03-02", "last_day": "2026-03-01"})
    assert turned.status == 422 and "止日不能早于起日" in await turned.text()
    assert (await clerk.post("/duty-contacts", WRITTEN)).status == 303
    row = await only(db)
    assert (row.phone, row.hours, row.checked_by_name) == ("+8613900000091", "每天 全天", "测试员")
    page = await (await agent.get("/duty-contacts")).text()
    assert "张三" in page and "13900000091" in page and "没有后备联系人" in page and "从未试拨" in page
    assert "新增值班联系人" not in page, "agents look, they do not write"
    assert (await agent.post("/duty-contacts", WRITTEN)).status == 403
    edited = WRITTEN | {"name": "李四", "version": str(row.version), "start": "18:00", "end": "08:00"}
    assert (await clerk.post(f"/duty-contacts/{row.id}", edited)).status == 303
    assert (await clerk.post(f"/duty-contacts/{row.id}", edited)).status == 409
    page = await (await clerk.get(f"/duty-contacts?edit={row.id}")).text()
    assert "18:00—次日08:00" in page and "有值守空档" in page and "还没有试拨过" in page
    assert (await clerk.post(f"/duty-contacts/{row.id}/check", {"version": str(row.version)})).status == 409
    assert (await clerk.post(f"/duty-contacts/{row.id}/check", {"version": "2"})).status == 303
    assert (await clerk.post(f"/duty-contacts/{row.id}/test")).status == 303
    assert "正在试拨" in await (await clerk.get(f"/duty-contacts?edit={row.id}")).text()
    assert (await clerk.post(f"/duty-contacts/{row.id}/test")).status == 409
    seen = (await only(db)).version
    retired = {"version": str(seen), "reason": "已调离"}
    assert (await clerk.post(f"/duty-contacts/{row.id}/retire", retired)).status == 303
    assert "已调离" in await (await clerk.get("/duty-contacts?retired=true")).text()
    assert "没有符合条件" in await (await clerk.get("/duty-contacts?search=无此职务")).text()


async def test_a_unit_cannot_touch_anothers_contact(db: Database, clerk: Desk, serve: Callable[[], Desk]) -> None:
    await clerk.post("/duty-contacts", WRITTEN)
    row = await only(db)
    other = serve()
    await signed_in(db, other, "other", Role.UNIT_CLERK, unit_id=await unit(db, "mzj", "弋阳县民政局"))
    assert "张三" not in await (await other.get(f"/duty-contacts?unit={row.unit_id}")).text()
    assert (await other.get(f"/duty-contacts?edit={row.id}")).status == 404
    for path in ("", "/check", "/test", "/retire"):
        given = WRITTEN if not path else {}
        given = (
            given | ({"version": "1"} if path != "/test" else {}) | ({"reason": "停用"} if path == "/retire" else {})
        )
        assert (await other.post(f"/duty-contacts/{row.id}{path}", given)).status == 404


async def test_the_list_is_taken_along_with_a_reason(db: Database, lead: Desk) -> None:
    assert (await lead.post("/duty-contacts", WRITTEN | {"unit": str(await unit(db))})).status == 303
    assert (await lead.post("/duty-contacts/export", {})).status == 422
    sheet = await lead.post("/duty-contacts/export", {"reason": "节前核对", "search": "公安"})
    cells = [str(cell) for row in load_workbook(io.BytesIO(await sheet.read())).active.values for cell in row if cell]
    assert "13900000091" in cells and "弋阳县公安局" in cells


@pytest.mark.proves("F14-3")
async def test_the_event_shows_whom_a_unit_was_told_through_and_people_end_it(
    db: Database, agent: Desk, clerk: Desk
) -> None:
    for rank, name, number in (("1", "张三", "13900000091"), ("2", "李四", "13900000092")):
        await clerk.post("/duty-contacts", WRITTEN | {"rank": rank, "name": name, "phone": number})
    async with db.session() as session:
        ticket = await open_draft(session, Opening("counter", phone="+8613800000001"))
        event = EmergencyEvent(
            id=new_id(), number="TF20261001-001", kind="fire", place="花亭小区", state="open", confirmed_at=now()
        )
        session.add(event)
        await session.flush()
        session.add(EmergencyOrder(event_id=event.id, ticket_id=ticket.id, state="linked"))
        session.add(Assignment(ticket_id=ticket.id, unit_id=await unit(db), role="lead", dispatched_at=now()))
        await session.flush()
        await see_to(session, event.id)
        alarm = (await session.scalars(select(Alarm))).one()
        call = (await session.scalars(select(SpokenCall))).one()
        call.placed_at = now()
    page = await (await agent.get(f"/emergencies/{event.id}")).text()
    assert "1. 张三" in page and "正在拨打" in page and "等待确认" in page
    assert (await agent.post(f"/alarms/{alarm.id}/next")).status == 303
    page = await (await agent.get(f"/emergencies/{event.id}")).text()
    assert "2. 李四" in page and "等待拨打" in page
    assert (await agent.post(f"/alarms/{alarm.id}/next")).status == 303
    page = await (await agent.get(f"/emergencies/{event.id}")).text()
    assert "无人确认，请人工联系" in page and "立即通知下一联系人" not in page
    assert (await agent.post(f"/alarms/{alarm.id}/next")).status == 409
    assert (await agent.post(f"/alarms/{alarm.id}/reached", {"name": ""})).status == 422
    assert (await clerk.post(f"/alarms/{alarm.id}/reached", {"name": "王五"})).status == 403
    assert (await agent.post(f"/alarms/{alarm.id}/reached", {"name": "王五", "remark": "已出警"})).status == 303
    page = await (await agent.get(f"/emergencies/{event.id}")).text()
    assert "人工联系到" in page and "王五：已出警" in page
    assert (await agent.post(f"/alarms/{alarm.id}/reached", {"name": "王五"})).status == 409
    assert (await agent.post(f"/alarms/{new_id()}/next")).status == 404
