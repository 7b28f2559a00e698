"""联动 at the desk: the strip's keys, the records of call and order, the register; who may, and who sees what."""

import io
import re
from collections.abc import Callable
from uuid import UUID

import pytest
from openpyxl import load_workbook
from sqlalchemy import select
from web_api import ORDER, program
from web_desk import Desk, signed_in

from callflow.models import Call
from core.accounts.channels import Channel
from core.clock import now
from core.db import Database, new_id
from core.permissions import Role
from crm.emergencies.proposals import look
from crm.installed import installed
from crm.linkages.models import Linkage
from crm.referrals import service as referrals
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, open_draft

FIRE = "楼里着火了，好大的烟"


async def seeded(db: Database) -> None:
    async with db.session() as session:
        await referrals.seed(session, installed().county.referrals)


async def burning(db: Database, *, ended: bool = False, sealed: bool = False) -> tuple[Call, UUID]:
    """A call about a fire, and its order."""
    async with db.session() as session:
        call = Call(id=new_id(), node="n", linkedid=f"7.{new_id().hex[-8:]}", caller="+8613812345678", dialled="12345")
        call.arrived_at = call.connected_at = now()
        call.ended_at, call.evidence, call.direction = now() if ended else None, {}, "inbound"
        session.add(call)
        await session.flush()
        ticket = await open_draft(session, Opening("phone", call.id, call.caller))
        ticket.sealed = sealed
        await session.flush()
        await look(session, ticket, FIRE)
    return call, ticket.id


async def only(db: Database) -> Linkage:
    async with db.session() as session:
        return (await session.scalars(select(Linkage))).one()


@pytest.mark.proves("F14-5")
async def test_the_strip_has_a_key_for_each_line_while_the_call_lasts(db: Database, agent: Desk) -> None:
    await seeded(db)
    call, order = await burning(db)
    for path in (f"/calls/{call.id}", f"/orders/{order}"):
        page = await (await agent.get(path)).text()
        keys = re.findall(r'data-link="(join|transfer)" data-to="(line:119)" data-call="([^"]+)" hidden', page)
        assert keys == [("join", "line:119", call.linkedid), ("transfer", "line:119", call.linkedid)]
        assert "三方通话 119消防" in page and "仅告知 119消防" in page
    over, order = await burning(db, ended=True)
    page = await (await agent.get(f"/calls/{over.id}")).text()
    assert "data-link=" not in page and "仅告知 119消防" in page
    shown = await (await agent.get(f"/phone/others?call={call.linkedid}")).text()
    assert "联动线路和转接去向" in shown and "12348法律援助" in shown and "县信访局" not in shown
    assert (await agent.post("/phone/consult", {"call": call.linkedid, "to": "line:119"})).status == 503
    assert (await agent.post("/phone/consult", {"call": call.linkedid, "to": "line:119;1"})).status == 422


@pytest.mark.proves("F14-5", "A14-3")
async def test_a_record_is_written_completed_put_right_and_taken_along(
    db: Database, agent: Desk, lead: Desk, serve: Callable[[], Desk]
) -> None:
    await seeded(db)
    assert "还没有联动记录" in await (await agent.get("/linkages")).text()
    call, order = await burning(db)
    back = {"back": f"/calls/{call.id}"}
    wrong = {"to": "line:119", "way": "transfer", "result": "taken"} | back
    refused = await agent.post(f"/orders/{order}/linkages", wrong)
    assert refused.status == 422 and "请填写接警人或工号" in await refused.text()
    assert (await agent.post(f"/orders/{order}/linkages", wrong | {"to": "line:911"})).status == 404
    assert (await agent.post(f"/orders/{order}/linkages", wrong | {"way": "consult"})).status == 422
    made = await agent.post(f"/orders/{order}/linkages", wrong | {"result": ""})
    assert (made.status, made.headers["Location"]) == (303, back["back"])
    row = await only(db)
    for path in (f"/calls/{call.id}", f"/orders/{order}"):
        assert "待登记联动结果" in await (await agent.get(path)).text()
    page = await (await agent.get("/linkages?result=open&direction=out&line=119消防&search=119")).text()
    assert "待登记" in page and "119消防" in page
    assert re.search(r'联动登记</span><span class="count waits">1<', page), "owed, in the rail"
    assert "没有符合条件" in await (await agent.get("/linkages?direction=in")).text()

    given = {"version": "1", "receiver": "值班员3号", "reference": "X119", "result": "taken", "note": "两车出动"}
    assert (await agent.post(f"/linkages/{row.id}", given | {"result": "reported"})).status == 422
    assert (await agent.post(f"/linkages/{row.id}", given | back)).headers["Location"] == back["back"]
    assert (await agent.post(f"/linkages/{row.id}", given)).status == 409
    assert (await agent.post(f"/linkages/{new_id()}", given)).status == 404
    page = await (await agent.get(f"/calls/{call.id}")).text()
    assert "已接警处置" in page and "值班员3号" in page and "X119" in page and "待登记联动结果" not in page
    assert "更正" not in page
    page = await (await lead.get(f"/orders/{order}")).text()
    assert "更正联动结果" in page
    again = given | {"version": "2", "note": "三车出动"}
    assert (await lead.post(f"/linkages/{row.id}", again)).status == 303
    taken = await lead.post("/linkages/export", {"reason": "月度核对", "result": "taken"})
    sheet = load_workbook(io.BytesIO(await taken.read())).active
    assert sheet is not None
    cells = [cell.value for cell in sheet[3]]
    assert cells[1:5] == ["转出", "119消防", "119", "转接"] and cells[8:12] == [
        "值班员3号",
        "X119",
        "已接警处置",
        "三车出动",
    ]
    assert (await agent.post("/linkages/export", {"reason": "月度核对"})).status == 403
    assert (await lead.post("/linkages/export", {"reason": "核"})).status == 422
    watching = await signed_in(db, serve(), "xianzhang", Role.LEADER)
    assert "三车出动" in await (await watching.get("/linkages")).text()
    page = await (await watching.get(f"/orders/{order}")).text()
    assert "登记联动" not in page.replace("联动登记", "") and "三车出动" in page
    clerk = await signed_in(db, serve(), "danwei", Role.KNOWLEDGE_KEEPER)
    assert (await clerk.get("/linkages")).status == 403


@pytest.mark.proves("F14-5")
async def test_what_110_hands_over_by_its_program_is_in_the_register(
    db: Database, agent: Desk, serve: Callable[[], Desk]
) -> None:
    police = await program(db, serve, Channel.POLICE)
    incident = {"incident_number": "3611262611250007", "incident_at": "2026-11-01T07:40:00+08:00"}
    status, order = await police.post("/api/v1/orders", ORDER | incident | {"incident_operator": "张警官"})
    assert status == 201
    row = await only(db)
    assert (row.way, row.number, row.reference, row.receiver, row.agent_id) == (
        "received", "110", incident["incident_number"], "张警官", None,
    )  # fmt: skip
    page = await (await agent.get(f"/orders/{order['id']}")).text()
    assert (
        "待反馈办理结果" in page
        and "已向对方反馈办理结果" in page
        and "已接警处置</option>\n" not in page.split("登记联动")[0]
    )
    given = {"version": "1", "receiver": "张警官", "reference": row.reference, "result": "reported", "note": "已劝离"}
    assert (await agent.post(f"/linkages/{row.id}", given)).status == 303
    page = await (await agent.get("/linkages?direction=in&result=reported")).text()
    assert "张警官" in page and "对方转来" in page
    counter = await program(db, serve)
    status, refused = await counter.post("/api/v1/orders", ORDER | {"incident_operator": "张警官"})
    assert (status, set(refused["fields"])) == (422, {"incident_number"})


async def test_a_sealed_orders_records_are_hidden_like_the_order(db: Database, agent: Desk, lead: Desk) -> None:
    await seeded(db)
    _, order = await burning(db, sealed=True)
    given = {"to": "line:119", "way": "told", "result": "self"}
    assert (await agent.post(f"/orders/{order}/linkages", given)).status == 404
    assert (await lead.post(f"/orders/{order}/linkages", given)).status == 303
    row = await only(db)
    async with db.session() as session:
        number = (await session.get_one(Ticket, order)).number
    assert number not in await (await agent.get("/linkages")).text()
    assert number in await (await lead.get("/linkages")).text()
    change = {"version": "1", "receiver": "", "result": "self", "note": "再次告知"}
    assert (await agent.post(f"/linkages/{row.id}", change)).status == 404
