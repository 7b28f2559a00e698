"""Out of scope at the desk: the referral directory and the questions that climb, through their pages."""

import io
from collections.abc import Callable

import pytest
from openpyxl import load_workbook
from sqlalchemy import select
from web_desk import Desk, signed_in

from core.db import Database
from core.permissions import Role
from crm.escalations.models import Escalation
from crm.installed import installed
from crm.referrals import service as referrals
from crm.referrals.models import Referral
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, open_draft

GAS = {"name": "县燃气公司", "number": "0793-5850000", "matters": "燃气抢修和缴费", "owner": "县住建局"}


async def draft(db: Database) -> Ticket:
    async with db.session() as session:
        return await open_draft(session, Opening("counter", None, "+8613812345678"))


async def seeded(db: Database) -> None:
    async with db.session() as session:
        await referrals.seed(session, installed().county.referrals)


@pytest.mark.proves("F11-1")
async def test_agents_search_the_directory_and_leads_keep_it(db: Database, agent: Desk, lead: Desk) -> None:
    assert "还没有转接去向" in await (await agent.get("/referrals")).text()
    await seeded(db)
    page = await (await agent.get("/referrals?search=电梯")).text()
    assert "96333" in page and "从未核对" in page and "95598" not in page and "新增转接去向" not in page
    assert (await agent.post("/referrals", GAS)).status == 403
    assert "没有符合条件的去向" in await (await agent.get("/referrals?search=火星")).text()

    wrong = await lead.post("/referrals", GAS | {"number": "打不通<b>"})
    assert wrong.status == 422 and "只填数字" in await wrong.text()
    assert (await lead.post("/referrals", GAS)).status == 303
    async with db.session() as session:
        row = (await session.scalars(select(Referral).where(Referral.name == GAS["name"]))).one()
    page = await (await lead.get(f"/referrals?edit={row.id}")).text()
    assert "核对无误" in page and 'value="0793-5850000"' in page
    assert (await lead.post(f"/referrals/{row.id}/check", {"version": "1"})).status == 303
    stale = await lead.post(f"/referrals/{row.id}", GAS | {"version": "0", "hours": "白天"})
    assert stale.status == 409
    assert (await lead.post(f"/referrals/{row.id}/retire", {"version": "1", "reason": "更名"})).status == 303
    taken = await lead.post("/referrals/export", {"reason": "季度核对", "search": "120"})
    sheet = load_workbook(io.BytesIO(await taken.read())).active
    assert sheet is not None
    assert [cell.value for cell in sheet[3]][:2] == ["120急救", "120"]


@pytest.mark.proves("F11-2")
async def test_an_agent_asks_from_the_order_and_the_lead_answers(
    db: Database, serve: Callable[[], Desk], agent: Desk, lead: Desk
) -> None:
    ticket = await draft(db)
    page = await (await agent.get(f"/orders/{ticket.id}")).text()
    assert "无法认定是否受理，上报" in page
    short = await agent.post(f"/orders/{ticket.id}/escalate", {"question": "？"})
    assert short.status == 422
    asked = {"question": "邻县规划是否受理", "urgent": "true", "back": f"/orders/{ticket.id}"}
    assert (await agent.post(f"/orders/{ticket.id}/escalate", asked)).status == 303
    assert (await agent.post(f"/orders/{ticket.id}/escalate", asked)).status == 409
    page = await (await agent.get(f"/orders/{ticket.id}")).text()
    assert "待班长答复" in page and "无法认定是否受理，上报" not in page
    async with db.session() as session:
        row = (await session.scalars(select(Escalation))).one()
    given = {"verdict": "elsewhere", "answer": "请拨打邻县12345"}
    assert (await agent.post(f"/escalations/{row.id}/answer", given)).status == 403
    page = await (await lead.get("/escalations?state=open")).text()
    assert "邻县规划是否受理" in page and "紧急" in page and "答复话务员" in page
    assert (await lead.post(f"/escalations/{row.id}/answer", {"verdict": "maybe", "answer": "好"})).status == 422
    assert (await lead.post(f"/escalations/{row.id}/answer", given)).status == 303
    assert (await lead.post(f"/escalations/{row.id}/answer", given)).status == 409
    page = await (await agent.get(f"/orders/{ticket.id}")).text()
    assert "告知去向或转接" in page and "请拨打邻县12345" in page and "无法认定是否受理，上报" in page
    assert "没有符合条件的上报" in await (await lead.get("/escalations?state=open")).text()
    taken = await lead.post("/escalations/export", {"reason": "月度核对"})
    sheet = load_workbook(io.BytesIO(await taken.read())).active
    assert sheet is not None
    cells = [cell.value for cell in sheet[3]]
    assert (cells[0], cells[4], cells[6]) == (ticket.number, "邻县规划是否受理", "告知去向或转接")
    checker = await signed_in(db, serve(), "zhijian", Role.CHECKER)
    assert (await checker.get("/escalations")).status == 403
