"""Listening by approval: asked for with purpose, reason and term, decided by another, over when its time is."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from listening_room import WHY, Serve, encrypted, granted, heard, ledger, recorded
from sqlalchemy import select, update
from web_api import unit
from web_desk import Desk, signed_in

from callflow.phones.models import CallLeg
from core import clock
from core.actor import SYSTEM
from core.db import Database, new_id
from core.identity.models import User
from core.permissions import Role
from crm.tickets.dispatch import Order, dispatch
from crm.tickets.input import Correction
from crm.tickets.models import FollowUp, Ticket
from crm.tickets.service import Opening, open_draft
from recordings.desk.models import ListeningRequest
from recordings.models import Recording
from recordings.store.port import Store


@pytest.fixture
def store(db: Database, home: Path) -> Store:
    return encrypted(db, home)


@pytest.fixture
async def talk(db: Database, store: Store, tmp_path: Path) -> Recording:
    return await recorded(db, store, tmp_path)


@pytest.fixture
async def officer(db: Database, serve: Serve) -> Desk:
    return await signed_in(db, serve(), "chendang", Role.ARCHIVIST)


def asking(days: int = 2) -> dict[str, str]:
    return WHY | {"until": (clock.today() + timedelta(days=days)).isoformat()}


async def the_request(db: Database) -> ListeningRequest:
    async with db.session() as session:
        return (await session.scalars(select(ListeningRequest).order_by(ListeningRequest.id.desc()).limit(1))).one()


@pytest.mark.proves("A12.9-4", "F12.9-4")
async def test_an_agent_listens_after_another_approved_it_and_not_after_it_was_withdrawn(
    db: Database, agent: Desk, officer: Desk, talk: Recording
) -> None:
    page = await (await agent.get(f"/recordings/{talk.id}")).text()
    assert "提交调听申请" in page and "登记理由并调听" not in page
    assert (await agent.post(f"/recordings/{talk.id}", WHY)).status == 403, "nothing is heard without approval"
    answer = await agent.post(f"/recordings/{talk.id}/requests", asking())
    assert (answer.status, answer.headers["Location"]) == (303, "/my-listening")
    assert (await agent.post(f"/recordings/{talk.id}/requests", asking())).status == 409, "it waits already"
    one = await the_request(db)
    assert "王丽申请调听" in await (await officer.get("/listening-requests")).text()
    approval = {"until": asking()["until"], "words": "限本次催办"}
    assert (await officer.post(f"/listening-requests/{one.id}/approve", approval)).status == 303
    assert (await officer.post(f"/listening-requests/{one.id}/approve", approval)).status == 409

    told = await (await agent.get("/my-listening")).text()
    assert "新答复" in told and "限本次催办" in told and f"/recordings/{talk.id}" in told
    assert "新答复" not in await (await agent.get("/my-listening")).text()
    query = await granted(agent, talk.id)
    status, sound = await heard(agent, talk.id, query)
    assert (status, len(sound)) == (200, talk.size)
    assert (await agent.get(f"/recordings/{talk.id}/peaks?{query}")).status == 200
    withdrawn = {"words": "催办已经办结"}
    assert (await officer.post(f"/listening-requests/{one.id}/withdraw", withdrawn)).status == 303
    assert (await heard(agent, talk.id, query))[0] == 403, "a player that is open gets nothing further"
    assert "催办已经办结" in await (await agent.get("/my-listening")).text()

    why = "核实诉求内容：市民来电催办"
    assert await ledger(db, "recording.open", "recording.listen") == [
        ("王丽", "recording.open", str(talk.id), why),
        ("王丽", "recording.listen", str(talk.id), why),
    ]
    acts = ("listening.ask", "listening.approve", "listening.withdraw")
    assert [(who, act) for who, act, _, _ in await ledger(db, *acts)] == [
        ("王丽", "listening.ask"),
        ("陈档", "listening.approve"),
        ("陈档", "listening.withdraw"),
    ]
    refused = await ledger(db, "recording.refused")
    assert {(who, about) for who, _, about, _ in refused} == {("王丽", str(talk.id))}


async def test_an_approval_ends_with_its_time(db: Database, agent: Desk, officer: Desk, talk: Recording) -> None:
    await agent.post(f"/recordings/{talk.id}/requests", asking())
    one = await the_request(db)
    await officer.post(f"/listening-requests/{one.id}/approve", {"until": asking()["until"]})
    query = await granted(agent, talk.id)
    async with db.session() as session:
        await session.execute(update(ListeningRequest).values(valid_until=clock.now() - timedelta(seconds=1)))
    assert (await heard(agent, talk.id, query))[0] == 403
    assert (await agent.post(f"/recordings/{talk.id}", WHY)).status == 403
    assert "批准已到期" in await (await agent.get("/my-listening")).text()
    assert (await agent.post(f"/recordings/{talk.id}/requests", asking())).status == 303, "it may be asked for again"


async def test_nobody_decides_on_what_one_asked_for_oneself(
    db: Database, serve: Serve, officer: Desk, talk: Recording
) -> None:
    director = await signed_in(db, serve(), "zhuren", Role.DIRECTOR)
    await director.post(f"/recordings/{talk.id}/requests", asking())
    one = await the_request(db)
    assert "另一名有权人员" in await (await director.get("/listening-requests")).text()
    for act, form in (("approve", {"until": asking()["until"]}), ("refuse", {"words": "不需要了"})):
        answer = await director.post(f"/listening-requests/{one.id}/{act}", form)
        assert answer.status == 403 and "不能审批自己的申请" in await answer.text()
    assert (await officer.post(f"/listening-requests/{one.id}/refuse", {"words": "与工作无关"})).status == 303
    assert "与工作无关" in await (await director.get("/my-listening")).text()
    assert (await director.post(f"/recordings/{talk.id}", WHY)).status == 403


async def test_what_is_asked_for_must_make_sense(db: Database, agent: Desk, talk: Recording) -> None:
    for change, said in (
        ({"purpose": "好奇"}, "请选择列出的用途"),
        ({"reason": ""}, "请填写这一项"),
        ({"until": (clock.today() - timedelta(days=1)).isoformat()}, "有效期限应为今天"),
        ({"until": (clock.today() + timedelta(days=9)).isoformat()}, "有效期限应为今天"),
        ({"until": "soon"}, "日期"),
    ):
        answer = await agent.post(f"/recordings/{talk.id}/requests", asking() | change)
        assert answer.status == 422 and said in await answer.text(), change
    assert (await agent.post(f"/recordings/{new_id()}/requests", asking())).status == 404


async def order_of(db: Database, row: Recording, unit_id: UUID, **given: str) -> Ticket:
    wanted = {"category": "complaint", "title": "占道", "content": "每天傍晚占道", "occurred": "每天傍晚"}
    wanted |= {"address": "胜利路", "subject": "流动摊贩", "demand": "请劝离"} | given
    async with db.session() as session:
        opening = Opening("phone", row.call_id, "+8613807931234", given=Correction.model_validate(wanted))
        ticket = await open_draft(session, opening)
        await dispatch(session, SYSTEM, ticket.id, ticket.version, Order(lead_unit_id=unit_id, basis="测试派发"))
    return ticket


async def test_a_unit_hears_its_own_orders_call_by_approval_and_nothing_else(
    db: Database, serve: Serve, officer: Desk, store: Store, talk: Recording, tmp_path: Path
) -> None:
    mine, others = await unit(db), await unit(db, "jtj", "交通运输局")
    ticket, foreign = await order_of(db, talk, mine), await recorded(db, store, tmp_path)
    elsewhere = await order_of(db, foreign, others)
    clerk = await signed_in(db, serve(), "jingban", Role.UNIT_CLERK, unit_id=mine)
    assert "申请调听本工单的录音" in await (await clerk.get(f"/orders/{ticket.id}")).text()
    assert (await clerk.get(f"/recordings/{talk.id}")).status == 403, "by default a unit hears nothing"
    assert (await clerk.get("/recordings")).status == 403
    assert (await clerk.post(f"/recordings/{talk.id}/requests", asking())).status == 403, "only through its order"
    assert (await clerk.post(f"/orders/{elsewhere.id}/listening", asking())).status == 404

    assert (await clerk.post(f"/orders/{ticket.id}/listening", asking())).status == 303
    one = await the_request(db)
    assert (one.about, one.order_id) == (f"工单 {ticket.number}", ticket.id)
    assert (await officer.post(f"/listening-requests/{one.id}/approve", {"until": asking()["until"]})).status == 303
    query = await granted(clerk, talk.id)
    assert (await heard(clerk, talk.id, query))[0] == 200
    page = await (await clerk.get(f"/recordings/{talk.id}")).text()
    assert "/calls/" not in page and "7931234" not in page and "****1234" not in page
    assert (await clerk.post(f"/recordings/{foreign.id}", WHY)).status == 403, "an approval is for its recordings alone"
    async with db.session() as session:
        await session.execute(update(User).where(User.id == clerk.user_id).values(unit_id=others))
    assert (await heard(clerk, talk.id, query))[0] == 403, "who goes to another unit leaves the approval behind"


async def test_a_sealed_orders_call_cannot_be_asked_for_by_a_unit(db: Database, serve: Serve, talk: Recording) -> None:
    mine = await unit(db)
    ticket = await order_of(db, talk, mine)
    async with db.session() as session:
        await session.execute(update(Ticket).where(Ticket.id == ticket.id).values(confidential=True))
    clerk = await signed_in(db, serve(), "jingban", Role.UNIT_CLERK, unit_id=mine)
    assert "申请调听本工单的录音" not in await (await clerk.get(f"/orders/{ticket.id}")).text()
    answer = await clerk.post(f"/orders/{ticket.id}/listening", asking())
    assert answer.status == 403 and "不得申请调听" in await answer.text()


@pytest.mark.proves("F12.9-4")
async def test_an_approval_for_an_order_covers_all_its_calls_but_those_of_a_sealed_one(
    db: Database, serve: Serve, officer: Desk, store: Store, talk: Recording, tmp_path: Path
) -> None:
    mine = await unit(db)
    ticket = await order_of(db, talk, mine)
    asked, back, merged, secret = [await recorded(db, store, tmp_path) for _ in range(4)]
    other, hidden = await order_of(db, merged, mine), await order_of(db, secret, mine)
    agent_id = (await signed_in(db, serve(), "huawuyuan", Role.AGENT)).user_id
    async with db.session() as session:
        leg = CallLeg(node=talk.node, linkedid=talk.linkedid, leg=asked.linkedid, kind="consult", shown="110报警")
        leg.asked_by, leg.asked_by_name = agent_id, "王丽"
        tried = FollowUp(ticket_id=ticket.id, n=1, at=clock.now(), result="unreached", call_id=back.call_id)
        session.add_all([leg, tried])
        into = update(Ticket).values(master_id=ticket.id)
        await session.execute(into.where(Ticket.id.in_((other.id, hidden.id))))
        await session.execute(update(Ticket).where(Ticket.id == hidden.id).values(confidential=True))
    clerk = await signed_in(db, serve(), "jingban", Role.UNIT_CLERK, unit_id=mine)
    assert (await clerk.post(f"/orders/{ticket.id}/listening", asking())).status == 303
    told = await (await officer.get("/listening-requests")).text()
    for what in ("诉求通话", "咨询、联动通话", "回访通话", "并入工单的通话", "（4 份）"):
        assert what in told, what
    one = await the_request(db)
    assert (await officer.post(f"/listening-requests/{one.id}/approve", {"until": asking()["until"]})).status == 303
    for row in (talk, asked, back, merged):
        assert (await heard(clerk, row.id, await granted(clerk, row.id)))[0] == 200
    assert (await clerk.post(f"/recordings/{secret.id}", WHY)).status == 403, "its citizen asked for secrecy"

    assert (await officer.post(f"/orders/{ticket.id}/recording-exports", WHY)).status == 303
    page = await (await officer.get(f"/orders/{ticket.id}")).text()
    for what in ("本单通话", "110报警", "回访通话", f"/recordings/{asked.id}", f"/recordings/{back.id}"):
        assert what in page, what
    assert ticket.number in await (await officer.get(f"/calls/{back.call_id}")).text()
