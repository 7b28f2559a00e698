"""突发事件 at the desk: the strip on call and order, the board, one event to its close; who may and who sees what."""

import io
from collections.abc import Callable
from uuid import UUID

import pytest
from openpyxl import load_workbook
from sqlalchemy import select
from web_desk import Desk, signed_in

from core.db import Database, new_id
from core.permissions import Role
from crm.emergencies.models import EmergencyEvent, EmergencySign
from crm.emergencies.proposals import look
from crm.emergencies.subscribers import written
from crm.sms.models import Sms
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, open_draft

DARK = "桃花社区停水了，一滴水都没有"


async def reported(db: Database, text: str = DARK, number: int = 1, **fields: object) -> UUID:
    async with db.session() as session:
        ticket = await open_draft(session, Opening("counter", phone=f"+861380000{number:04d}"))
        ticket.title, ticket.content = "停水" if text == DARK else "报险", text
        for name, value in fields.items():
            setattr(ticket, name, value)
        await session.flush()
        await look(session, ticket, written(ticket))
        return ticket.id


async def only(db: Database) -> EmergencyEvent:
    async with db.session() as session:
        return (await session.scalars(select(EmergencyEvent))).one()


async def sign_of(db: Database, ticket: UUID) -> EmergencySign:
    async with db.session() as session:
        return (await session.scalars(select(EmergencySign).where(EmergencySign.ticket_id == ticket))).one()


@pytest.mark.proves("F14-1")
async def test_the_strip_proposes_and_the_agent_decides_once(db: Database, agent: Desk, lead: Desk) -> None:
    ticket = await reported(db, "楼下着火了，好大的烟")
    page = await (await agent.get(f"/orders/{ticket}")).text()
    assert "疑似突发事件：火灾（人身财产）" in page and "119" in page and "着火" in page
    sign = await sign_of(db, ticket)
    short = await agent.post(f"/emergency-signs/{sign.id}/dismiss", {"reason": ""})
    assert short.status == 422
    back = {"reason": "邻居烧纸，已熄灭", "back": f"/orders/{ticket}"}
    assert (await agent.post(f"/emergency-signs/{sign.id}/dismiss", back)).headers["Location"] == back["back"]
    page = await (await agent.get(f"/orders/{ticket}")).text()
    assert "疑似突发事件" not in page and "邻居烧纸" in page and "改判" not in page
    assert (await agent.post(f"/emergency-signs/{sign.id}/confirm")).status == 403
    assert "改判为突发事件" in await (await lead.get(f"/orders/{ticket}")).text()
    assert (await lead.post(f"/emergency-signs/{sign.id}/confirm")).status == 303
    page = await (await agent.get(f"/orders/{ticket}")).text()
    assert (await only(db)).number in page and "第十四条" in page
    assert (await lead.post(f"/emergency-signs/{sign.id}/confirm")).status == 409
    assert (await agent.post(f"/emergency-signs/{new_id()}/confirm")).status == 404


@pytest.mark.proves("D30")
async def test_confirming_asks_what_the_order_is_and_says_where_that_stays(db: Database, agent: Desk) -> None:
    ticket = await reported(db, "楼下着火了，好大的烟", category="complaint")
    page = await (await agent.get(f"/orders/{ticket}")).text()
    assert "类别为投诉，确认后为" in page and '<option value="help" selected>求助</option>' in page
    sign = await sign_of(db, ticket)
    path, back = f"/emergency-signs/{sign.id}/confirm", f"/orders/{ticket}"
    assert (await agent.post(path, {"back": back, "category": "opinion"})).status == 422
    assert (await agent.post(path, {"back": back})).headers["Location"] == back, "one press: what is preselected"
    page = await (await agent.get(back)).text()
    assert "确认后为" not in page and "求助" in page
    sealed = await reported(db, "楼下着火了，好大的烟", 2)
    assert "尚未选择类别，确认后为" in await (await agent.get(f"/orders/{sealed}")).text()
    path = f"/emergency-signs/{(await sign_of(db, sealed)).id}/confirm"
    done = await agent.post(path, {"back": f"/orders/{sealed}", "category": "report"})
    assert done.headers["Location"].startswith("/emergencies/"), "a 举报 of somebody else's desk"
    helped = await reported(db, "楼下着火了，好大的烟", 3, category="help")
    page = await (await agent.get(f"/orders/{helped}")).text()
    assert "确认为突发事件" in page and "确认后为" not in page
    over = await reported(db, "楼下着火了，好大的烟", 4, category="complaint", state="closed")
    page = await (await agent.get(f"/orders/{over}")).text()
    assert "工单类别为投诉，现已办结·待回访，类别不再变更。" in page and "确认后为" not in page
    path = f"/emergency-signs/{(await sign_of(db, over)).id}/confirm"
    assert (await agent.post(path, {"back": f"/orders/{over}"})).status == 303
    page = await (await agent.get(f"/orders/{over}")).text()
    assert "类别不再变更" in page


async def test_an_event_goes_from_suggestion_to_one_answer(db: Database, agent: Desk, lead: Desk) -> None:
    assert "没有突发事件" in await (await agent.get("/emergencies")).text()
    orders = [await reported(db, number=n) for n in range(3)]
    event = await only(db)
    page = await (await agent.get("/emergencies?state=suggested")).text()
    assert event.number in page and "另有 3 件待确认" in page and "桃花社区" in page
    assert "没有符合条件" in await (await agent.get("/emergencies?search=没有&kind=fire")).text()
    page = await (await agent.get(f"/emergencies/{event.id}")).text()
    assert "确认为一个突发事件" in page and "138****0001" in page and "13800000001" not in page
    path = f"/emergencies/{event.id}"
    assert (await agent.post(f"{path}/orders/{orders[0]}/remove", {"reason": "是水费问题"})).status == 303
    assert (await agent.post(f"{path}/confirm")).status == 303
    assert (await agent.post(f"{path}/confirm")).status == 409
    other = await reported(db, "请问水费怎么交", 9)
    async with db.session() as session:
        number = (await session.get_one(Ticket, other)).number
    assert (await agent.post(f"{path}/orders", {"orders": "YY20000101-00001"})).status == 422
    assert (await agent.post(f"{path}/orders", {"orders": number})).status == 303
    assert (await agent.post(f"{path}/notes", {"text": "供水公司已到场抢修"})).status == 303
    answer = {"version": "2", "answer": "21时已恢复供水"}
    assert (await agent.post(f"{path}/close", answer)).status == 403
    page = await (await lead.get(path)).text()
    assert "办结并答复全部诉求人" in page and "供水公司已到场抢修" in page and "移出工单" in page
    assert (await lead.post(f"{path}/close", answer | {"version": "1"})).status == 409
    assert (await lead.post(f"{path}/close", answer)).status == 303
    page = await (await lead.get(path)).text()
    assert "已办结" in page and "21时已恢复供水" in page and "登记处置进展" not in page
    async with db.session() as session:
        assert len((await session.scalars(select(Sms.id))).all()) == 3
    assert "21时已恢复供水" in await (await agent.get(f"/orders/{other}")).text()
    taken = await lead.post("/emergencies/export", {"reason": "月度核对", "state": "closed"})
    sheet = load_workbook(io.BytesIO(await taken.read())).active
    assert sheet is not None
    cells = [cell.value for cell in sheet[3]]
    assert (cells[0], cells[5], cells[6], cells[12]) == (event.number, "已办结", "3", "21时已恢复供水")


async def test_a_lead_gives_up_an_event_and_sealed_orders_stay_hidden(
    db: Database, serve: Callable[[], Desk], agent: Desk, lead: Desk
) -> None:
    for n in range(3):
        await reported(db, number=n, sealed=n == 2)
    event = await only(db)
    page = await (await agent.get(f"/emergencies/{event.id}")).text()
    assert page.count("138****") == 2 and "2 件，按来电时间" in page
    path = f"/emergencies/{event.id}"
    assert (await agent.post(f"{path}/confirm")).status == 303
    assert (await agent.post(f"{path}/dismiss", {"reason": "计划检修"})).status == 403
    assert (await lead.post(f"{path}/dismiss", {"reason": "计划检修"})).status == 303
    page = await (await lead.get(path)).text()
    assert "不是突发事件" in page and "计划检修" in page and "没有关联的工单" in page
    assert (await lead.post(f"{path}/notes", {"text": "再看"})).status == 409
    assert (await agent.get(f"/emergencies/{new_id()}")).status == 404
    watching = await signed_in(db, serve(), "xianzhang", Role.LEADER)
    page = await (await watching.get(path)).text()
    assert event.number in page and "登记处置进展" not in page
    keeper = await signed_in(db, serve(), "zhishiku", Role.KNOWLEDGE_KEEPER)
    assert (await keeper.get("/emergencies")).status == 403
