"""Proof of the answer, a late check's compensation, and how units close."""

import io
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from crm_desk import MOBILE, Desk, at
from sqlalchemy import update

from callflow.models import Call
from core.db import Database
from core.errors import Invalid
from core.identity.models import User
from crm.queries import closings
from crm.queries.behind import Page
from crm.tickets.calls import calls_with_citizen
from crm.tickets.models import DueChange, FollowUp, QualityCheck, Reply, Ticket
from crm.tickets.states import Act

SECOND = {
    "close_kind": "no-basis",
    "citation": "《江西省物业管理条例》第十条",
    "explained": True,
    "explanation": "已说明外墙保温不在补贴范围，诉求人表示理解",
    "solved": None,
    "evidence": "",
}


@pytest.fixture
async def desk(db: Database, office: Any) -> Desk:
    return await Desk(db, office).open()


async def talked(db: Database, agent: Any, when: str, *, caller: str = MOBILE) -> Any:
    """A call of two minutes with this number."""
    async with db.session() as session:
        call = Call(node="node1", linkedid=when, direction="outbound", caller=caller, arrived_at=at(when))
        call.agent_id, call.agent_name, call.connected_at = agent.user_id, agent.name, at(when)
        call.ended_at = at(when) + timedelta(minutes=2)
        session.add(call)
        await session.flush()
        return call.id


@pytest.mark.proves("F12.4-1")
async def test_a_call_is_proof_only_where_it_was_with_the_citizen(desk: Desk) -> None:
    office, db = desk.office, desk.db
    await desk.dispatch()
    await desk.act(office.clerk, Act.SIGN)
    own = await talked(db, office.clerk, "2026-03-02 15:00")
    elsewhere = await talked(db, office.stranger, "2026-03-02 15:10")
    centre = await talked(db, office.caller, "2026-03-03 09:00")
    other = await talked(db, office.clerk, "2026-03-02 15:20", caller="+8613900000000")
    async with db.session() as session:
        ticket = await session.get_one(Ticket, desk.id)
        assert [one.id for one in await calls_with_citizen(session, office.clerk, ticket)] == [own]
        assert {one.id for one in await calls_with_citizen(session, office.caller, ticket)} == {own, elsewhere, centre}
    for wrong in (elsewhere, centre, other):
        with pytest.raises(Invalid) as refused:
            await desk.submit(office.clerk, when="2026-03-03 10:00", contact_call_id=wrong)
        assert set(refused.value.fields) == {"contact_call_id"}
    await desk.submit(office.clerk, when="2026-03-03 10:00", contact_call_id=own)
    assert (await desk.rows(Reply))[-1].contact_call_id == own
    await desk.act(office.checker, Act.PASS)
    await desk.act(office.caller, Act.FOLLOW_UP, result="rated", grade="satisfied", call_id=centre)
    assert (await desk.rows(FollowUp))[-1].call_id == centre


async def test_no_call_tells_a_unit_who_is_hidden_from_it(desk: Desk) -> None:
    office, db = desk.office, desk.db
    await desk.dispatch()
    await talked(db, office.clerk, "2026-03-02 15:00")
    async with db.session() as session:
        ticket = await session.get_one(Ticket, desk.id)
        ticket.confidential = True
        assert await calls_with_citizen(session, office.clerk, ticket) == ()


@pytest.mark.proves("D19")
async def test_a_late_check_gives_back_the_days_that_it_took(desk: Desk) -> None:
    """Dispatched on Monday 2 March, due on the 16th; handed in on the 13th, sent back on the 18th: the third day."""
    office = desk.office
    await desk.dispatch(when="2026-03-02 10:00")
    await desk.act(office.clerk, Act.SIGN)
    await desk.submit(office.clerk, when="2026-03-13 16:00")
    with pytest.raises(Invalid, match="最多可补2个工作日") as refused:
        back = {"text": "未写明处理结果", "compensation_days": 3}
        await desk.act(office.checker, Act.SEND_BACK, when="2026-03-18 09:00", **back)
    assert set(refused.value.fields) == {"compensation_days"}
    assert (await desk.ticket()).due_at == at("2026-03-17 00:00")
    back = {"text": "未写明处理结果", "compensation_days": 2}
    await desk.act(office.checker, Act.SEND_BACK, when="2026-03-18 09:01", **back)
    ticket, part = await desk.ticket(), await desk.part("cgj")
    assert ticket.due_at == part.due_at == at("2026-03-19 00:00"), "two working days behind the 16th"
    [change] = await desk.rows(DueChange)
    assert (change.cause, change.before) == ("compensation", at("2026-03-17 00:00"))
    assert (await desk.rows(QualityCheck))[-1].compensation_days == 2
    assert part.sent_back == 1
    await desk.submit(office.clerk, when="2026-03-18 17:00")
    assert (await desk.events())[-1].after["in_time"] is True


@pytest.mark.proves("D19")
async def test_a_check_in_time_gives_nothing_back_and_the_clock_runs_on(desk: Desk) -> None:
    await desk.dispatch(when="2026-03-02 10:00")
    await desk.act(desk.office.clerk, Act.SIGN)
    await desk.submit(desk.office.clerk, when="2026-03-13 16:00")
    with pytest.raises(Invalid, match="最多可补0个工作日"):
        back = {"text": "未写明处理结果", "compensation_days": 1}
        await desk.act(desk.office.checker, Act.SEND_BACK, when="2026-03-16 17:00", **back)
    await desk.act(desk.office.checker, Act.SEND_BACK, when="2026-03-16 17:00", text="未写明处理结果")
    assert (await desk.ticket()).due_at == at("2026-03-17 00:00")
    assert await desk.rows(DueChange) == []


@pytest.mark.proves("F12.6-1")
async def test_who_was_not_reached_was_not_explained_to(desk: Desk) -> None:
    """An order without basis can be closed all the same; 第二十六条(二) will not hold for it."""
    await desk.dispatch()
    await desk.act(desk.office.clerk, Act.SIGN)
    gone = {"contact_method": None, "contact_at": None, "contact_exception": "unreachable"}
    gone |= {"contact_note": "3月2日至4日拨打三次无人接听"}
    await desk.submit(desk.office.clerk, **{**SECOND, **gone, "explained": False, "explanation": ""})
    assert [(one.close_kind, one.explained) for one in await desk.rows(Reply)] == [("no-basis", False)]


@pytest.mark.proves("A12.6-2")
async def test_the_share_of_the_second_kind_is_counted_by_unit(db: Database, office: Any) -> None:
    for lead, clerk, kinds in (("cgj", "clerk", ({}, {}, SECOND)), ("mzj", "stranger", (SECOND,))):
        for given in kinds:
            desk = await Desk(db, office).open()
            await desk.dispatch(lead)
            await desk.act(office.actors[clerk], Act.SIGN)
            await desk.submit(office.actors[clerk], **given)
            await desk.act(office.checker, Act.PASS)
    first, last = at("2026-03-01 12:00").date(), at("2026-03-31 12:00").date()
    async with db.session() as session:
        await session.execute(update(User).where(User.login == "bureau").values(name="督办员甲"))
        rows = await closings.closings(session, first, last)
        assert [(one.unit, one.handled, one.no_basis, one.share) for one in rows] == [
            ("弋阳县民政局", 0, 1, "100.0%"),
            ("弋阳县城市管理局", 2, 1, "33.3%"),
        ]
        assert closings.total(rows).share == "50.0%"
        listed = await closings.of_second_kind(session, office.bureau, first, last, office.units["cgj"], Page(9))
        assert [reply.citation for _, _, reply in listed] == [SECOND["citation"]]
        assert await closings.closings(session, last, last) == []
        done = await closings.export(session, office.bureau, first, last, "季度通报", title="弋阳12345")
    sheet = openpyxl.load_workbook(io.BytesIO(done.content.read())).active
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert ["弋阳县城市管理局", "3", "2", "1", "33.3%", "1"] in cells
    assert f"导出人 {office.bureau.name} ·" in str(cells[0][0]) and done.number in str(cells[0][0])
    assert any("第十二条（六）" in str(row[0]) for row in cells), "what it rests on is printed"
