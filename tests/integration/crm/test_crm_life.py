"""One order from dispatch to archive, and what is refused on the way, in a real database."""

import asyncio
from typing import Any

import pytest
from by_hand import AS_OWNER
from crm_desk import Desk, at
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from core.db import Database, new_id
from core.errors import Conflict, Denied, HotlineError, Invalid, NotFound
from crm.tickets.models import Assignment, QualityCheck, Rating, Reply, Ticket
from crm.tickets.perform import offers
from crm.tickets.states import Act, State

NOT_REACHED = {
    "contact_method": None,
    "contact_at": None,
    "contact_exception": "unreachable",
    "contact_note": "三日内拨打三次无人接听",
}


@pytest.fixture
async def desk(db: Database, office: Any) -> Desk:
    return await Desk(db, office).open()


async def test_an_order_from_dispatch_to_archive(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch("cgj", "taoyuan")
    await desk.act(office.clerk, Act.SIGN)
    await desk.act(office.helper, Act.SIGN)
    await desk.act(office.helper, Act.CO_REPLY, text="街道已安排网格员每日巡查。")
    await desk.submit(office.clerk)
    await desk.act(office.checker, Act.PASS)
    await desk.act(office.caller, Act.FOLLOW_UP, result="rated", grade="satisfied", solved=True, contacted=True)
    await desk.act(office.archivist, Act.ARCHIVE)
    ticket = await desk.ticket()
    assert (ticket.state, ticket.close_kind, ticket.state_due_at) == (State.ARCHIVED, "handled", None)
    events = await desk.events()
    assert [event.seq for event in events] == list(range(1, ticket.version + 1))
    assert [event.after["state"] for event in events if "state" in event.after] == [
        *("dispatched", "handling", "checking", "closed", "rated", "archived")
    ]
    outcomes = {one.role: (one.outcome, one.stage) for one in await desk.rows(Assignment)}
    assert outcomes == {"lead": ("accepted", "closed"), "assist": ("replied", "closed")}
    assert [one.state for one in await desk.rows(Reply)] == ["noted", "passed"]
    [rating] = await desk.rows(Rating)
    assert (rating.grade, rating.unit_id) == ("satisfied", office.units["cgj"])


async def test_every_act_publishes_its_event_in_its_own_transaction(desk: Desk) -> None:
    done = await desk.dispatch()
    assert done.seq == 3
    with pytest.raises(Conflict, match="仅“办理中”的工单可以"):
        await desk.submit(desk.office.clerk)
    assert len(await desk.events()) == 3
    assert (await desk.ticket()).version == 3


@pytest.mark.proves("D7")
async def test_signing_late_moves_no_due(desk: Desk) -> None:
    await desk.dispatch(when="2026-03-02 10:00")
    due = (await desk.ticket()).due_at
    await desk.act(desk.office.clerk, Act.SIGN, when="2026-03-05 09:00")
    assert (await desk.ticket()).due_at == due == at("2026-03-17 00:00")
    assert (await desk.events())[-1].after["in_time"] is False


async def test_a_reply_that_is_sent_back_is_mended_against_the_same_due(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch()
    await desk.act(office.clerk, Act.SIGN)
    await desk.submit(office.clerk)
    due = (await desk.ticket()).due_at
    await desk.act(office.checker, Act.SEND_BACK, reasons=("答非所问",), text="未答复诉求人的第二项诉求")
    assert await desk.state() is State.HANDLING
    assert (await desk.ticket()).due_at == due
    await desk.submit(office.clerk, when="2026-03-18 09:00")
    assert (await desk.events())[-1].after["in_time"] is False
    await desk.act(office.checker, Act.PASS)
    assert [one.verdict for one in await desk.rows(QualityCheck)] == ["send-back", "pass"]
    assert [one.state for one in await desk.rows(Reply)] == ["sent-back", "passed"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"contact_method": None}, "contact_method"),
        ({"contact_at": None}, "contact_at"),
        ({"contact_person": ""}, "contact_person"),
        ({"contact_at": at("2026-03-01 09:00")}, "contact_at"),
        ({"contact_exception": "unreachable"}, "contact_note"),
        ({"contact_exception": "anonymous"}, "contact_exception"),
        ({"solved": None}, "solved"),
        ({"evidence": ""}, "evidence"),
        ({"contact_call_id": new_id()}, "contact_call_id"),
        ({"close_kind": "no-basis", "explained": True, "explanation": "已说明无补贴政策，诉求人理解"}, "citation"),
        ({"close_kind": "no-basis", "explained": True, "citation": "《城市绿化条例》第十四条"}, "explanation"),
        (
            {**NOT_REACHED, "close_kind": "no-basis", "citation": "《城市绿化条例》第十四条", "explained": True},
            "explained",
        ),
        ({"close_kind": "no-basis", "citation": "《城市市容和环境卫生管理条例》第十四条"}, "explained"),
        ({"text": "已\x00办理完毕"}, "text"),
        ({"text": "办" * 4001}, "text"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
@pytest.mark.proves("A12.4-1", "A12.6-1", "F12.6-1", "F12.4-1")
async def test_a_reply_without_its_proof_is_refused(desk: Desk, given: dict[str, Any], field: str) -> None:
    await desk.dispatch()
    await desk.act(desk.office.clerk, Act.SIGN)
    with pytest.raises(Invalid) as refused:
        await desk.submit(desk.office.clerk, **given)
    assert field in refused.value.fields
    assert await desk.rows(Reply) == []


@pytest.mark.proves("A08-4")
async def test_the_lead_waits_for_the_assisting_unit_or_records_that_it_is_late(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch("cgj", "taoyuan", when="2026-03-02 10:00")
    await desk.act(office.clerk, Act.SIGN)
    with pytest.raises(Conflict, match="协办单位未回复，其时限至3月13日24:00"):
        await desk.submit(office.clerk, missing_assists_recorded=True)
    with pytest.raises(Invalid) as refused:
        await desk.submit(office.clerk, when="2026-03-14 00:00")
    assert set(refused.value.fields) == {"missing_assists_recorded"}
    await desk.submit(office.clerk, missing_assists_recorded=True)
    assert (await desk.rows(Reply))[-1].overdue_assists == [str(office.units["taoyuan"])]
    await desk.act(office.checker, Act.PASS)
    assert (await desk.part("taoyuan")).outcome == "unreplied"


async def test_who_has_no_part_is_told_whose_act_it_is(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch("cgj", "taoyuan")
    with pytest.raises(NotFound):
        await desk.act(office.stranger, Act.SIGN)
    with pytest.raises(Denied, match="单位经办人"):
        await desk.act(office.caller, Act.SIGN)
    await desk.act(office.clerk, Act.SIGN)
    with pytest.raises(Denied, match="主办单位"):
        await desk.submit(office.helper)
    with pytest.raises(Conflict, match="承办任务待签收"):
        await desk.act(office.helper, Act.CO_REPLY, text="已安排网格员巡查")


async def test_a_desk_is_offered_what_is_possible(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch("cgj", "taoyuan")

    async def of(who: Any) -> list[Act]:
        async with desk.db.session() as session:
            return [offer.act for offer in await offers(session, who, await desk.ticket())]

    assert await of(office.agent) == [Act.CLASSIFY]
    assert await of(office.clerk) == [Act.SIGN]
    await desk.act(office.clerk, Act.SIGN)
    assert await of(office.helper) == [Act.SIGN]
    inside = {Act.INFORM, Act.STEP, Act.FINISH_STEP, Act.DELEGATE, Act.APPROVE_SUB, Act.SEND_BACK_SUB, Act.RECALL_SUB}
    assert set(await of(office.clerk)) - inside == {Act.SUBMIT, Act.RETURN, Act.EXTEND, Act.ASK_IDENTITY}
    async with desk.db.session() as session:
        offered = {one.act: one.objection for one in await offers(session, office.clerk, await desk.ticket())}
    assert offered[Act.SUBMIT] is None
    assert offered[Act.ASK_IDENTITY] is not None, "this citizen hides from nobody"
    assert offered[Act.FINISH_STEP] is not None, "a desk shows why it is not possible"


async def test_two_clerks_sign_at_once_and_one_wins(desk: Desk) -> None:
    await desk.dispatch()
    version = (await desk.ticket()).version

    async def sign(who: Any) -> str:
        try:
            await desk.act(who, Act.SIGN, version=version)
            return "done"
        except HotlineError as error:
            return error.id

    assert sorted(await asyncio.gather(*(sign(w) for w in (desk.office.clerk, desk.office.chief)))) == [
        *("done", "order-changed")
    ]


async def test_no_statement_changes_the_history(desk: Desk) -> None:
    with pytest.raises(IntegrityError, match="never changed"):
        async with desk.db.session() as session:
            await session.execute(text("UPDATE ticket_events SET reason = '改写'"))
    with pytest.raises(IntegrityError, match="never changed"):
        async with desk.db.session() as session:
            await session.execute(AS_OWNER)
            await session.execute(text("DELETE FROM ticket_events"))


@pytest.mark.proves("A12.7-2")
async def test_nobody_reached_is_never_satisfied(desk: Desk) -> None:
    await desk.dispatch()
    await desk.handled()
    for _ in range(3):
        await desk.act(desk.office.caller, Act.FOLLOW_UP, result="unreached")
        assert await desk.state() is State.FOLLOWING, "three on one day are not enough (D21)"
    await desk.act(desk.office.caller, Act.FOLLOW_UP, result="unreached", when="2026-03-04 10:00")
    assert await desk.state() is State.RATED
    assert await desk.rows(Rating) == []


async def test_an_unsatisfied_rating_opens_verification_at_once(desk: Desk) -> None:
    await desk.dispatch()
    await desk.handled()
    with pytest.raises(Invalid) as refused:
        await desk.act(desk.office.caller, Act.FOLLOW_UP, result="rated", grade="unsatisfied")
    assert set(refused.value.fields) == {"reason"}
    await desk.act(desk.office.caller, Act.FOLLOW_UP, result="rated", grade="unsatisfied", reason="slow")
    assert await desk.state() is State.VERIFYING
    await desk.act(desk.office.director, Act.NOT_RESPONSIBLE, basis="诉求涉及在建市政工程，非该单位职责")
    assert await desk.state() is State.RATED


@pytest.mark.proves("A16-2", "F16-2")
async def test_an_order_of_a_sub_centre_obeys_the_same_clocks(db: Database, office: Any) -> None:
    ours, theirs = await Desk(db, office).open(), await Desk(db, office).open()
    async with db.session() as session:
        (await session.get_one(Ticket, theirs.id)).original_hotline = "12315 消费者投诉（分中心）"
    for desk in (ours, theirs):
        await desk.dispatch(when="2026-03-02 11:00")
    clocks = [(one.due_at, one.state, one.first_dispatched_at) for one in (await ours.ticket(), await theirs.ticket())]
    assert clocks[0] == clocks[1]
    parts = [await desk.part("cgj") for desk in (ours, theirs)]
    assert parts[0].sign_due_at == parts[1].sign_due_at
