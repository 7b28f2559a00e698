"""The handover log's page, and incidents that the lead explains."""

import io
from collections.abc import Callable

import pytest
from openpyxl import load_workbook
from sqlalchemy import select
from web_desk import Desk, signed_in

from callflow.incidents.models import Incident
from core.clock import now
from core.db import Database
from core.permissions import Role
from crm.handover.models import Handover, Matter
from crm.tickets.service import Opening, open_draft


@pytest.mark.proves("A07-1", "F07-1")
async def test_a_shift_is_handed_over_and_received(
    db: Database, serve: Callable[[], Desk], lead: Desk, agent: Desk
) -> None:
    async with db.session() as session:
        ticket = await open_draft(session, Opening("counter", None, "+8613812345678"))
        ticket.emergency = True
        number = ticket.number
    assert (await agent.get("/handovers")).status == 403
    page = await (await lead.get("/handovers")).text()
    assert "不能交班" in page and number in page
    form = {"shift": "早班", "summary": "停水来电较多"}
    refused = await lead.post("/handovers", form)
    assert refused.status == 422 and number in await refused.text()
    matter = {"text": "盯供水公司到场", "owner_id": str(lead.user_id), "order": number}
    assert (await lead.post("/handovers/matters", matter)).status == 303
    assert (await lead.post("/handovers/matters", matter | {"owner_id": str(agent.user_id)})).status == 422
    assert (await lead.post("/handovers", form)).status == 303
    async with db.session() as session:
        made, row = (await session.scalars(select(Handover))).one(), (await session.scalars(select(Matter))).one()
    assert (await lead.post(f"/handovers/{made.id}/receive")).status == 409
    other = await signed_in(db, serve(), "zhouan", Role.SHIFT_LEAD)
    page = await (await other.get("/handovers")).text()
    assert "确认接班" in page and "盯供水公司到场" in page and "1 次" in page
    assert (await other.post(f"/handovers/{made.id}/receive", {"remark": "已知悉"})).status == 303
    assert (await other.post(f"/handovers/matters/{row.id}/close", {"result": "已到场"})).status == 303
    assert (await other.post(f"/handovers/matters/{row.id}/close", {"result": "已到场"})).status == 409
    page = await (await lead.get("/handovers")).text()
    assert "已接班" in page and "没有未了事项" in page
    assert "已到场" in await (await lead.get("/handovers/matters")).text()
    director = await signed_in(db, serve(), "zhuren", Role.DIRECTOR)
    assert "没有符合条件的交接记录" in await (await lead.get("/handovers?search=停电")).text()
    assert "已知悉" in await (await lead.get("/handovers?search=早班 停水")).text()
    taken = await lead.post("/handovers/export", {"reason": "季度检查"})
    sheet = load_workbook(io.BytesIO(await taken.read())).active
    assert sheet is not None
    cells = [cell.value for cell in sheet[3]]
    assert cells[1:4] == ["早班", "李建国", "停水来电较多"] and cells[6] == "已知悉"
    read = await (await director.get("/handovers")).text()
    assert "停水来电较多" in read and "交班并移交" not in read


@pytest.mark.proves("F07-1")
async def test_the_lead_explains_an_incident(db: Database, lead: Desk) -> None:
    at = now()
    async with db.session() as session:
        one = Incident(opened_at=at, last_minute_at=at, minutes=1, unobserved=0, waiting=0, duty_covered=False)
        session.add(one)
    assert (await lead.post(f"/incidents/{one.id}", {"note": "夜班交接脱岗"})).status == 303
    assert "夜班交接脱岗" in await (await lead.get("/incidents")).text()
    assert (await lead.post(f"/incidents/{one.id}", {"note": ""})).status == 422
