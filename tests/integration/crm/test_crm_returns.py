"""退回 and 争议协调: windows to the second, decisions, clocks before and after (第十二条(三), D8–D11)."""

from pathlib import Path
from typing import Any

import pytest
from crm_desk import Desk, at
from sqlalchemy import select

from core import clock
from core.db import Database, new_id
from core.errors import Conflict, Denied, Invalid
from crm.queries.story import story
from crm.tickets.files import attach
from crm.tickets.models import (
    Assignment,
    Dispute,
    DisputeAttendee,
    DueChange,
    Extension,
    Refusal,
    ReturnRequest,
    Round,
    SupervisionCandidate,
    Ticket,
)
from crm.tickets.states import Act, State
from crm.timers.scan import scan
from recordings.store.folder import FolderStore

NOT_OURS = {"ground": "not-ours", "basis": "该路段由公安交警部门管理"}
REASON = "经核对职责分工"


@pytest.fixture
async def desk(db: Database, office: Any) -> Desk:
    return await Desk(db, office).open()


async def signed(desk: Desk, when: str) -> Desk:
    await desk.dispatch(when=when)
    await desk.act(desk.office.clerk, Act.SIGN, when=when)
    return desk


@pytest.mark.parametrize(
    ("signed_at", "last", "too_late"),
    [
        ("2026-03-06 16:00", "2026-03-09 23:59", "2026-03-10 00:00"),  # Friday: Monday is the working day
        ("2026-03-07 10:00", "2026-03-09 23:59", "2026-03-10 00:00"),  # a rest day
        ("2026-09-19 10:00", "2026-09-20 23:59", "2026-09-21 00:00"),  # V13: the Sunday works
        ("2026-02-14 09:00", "2026-02-24 23:59", "2026-02-25 00:00"),  # before Spring Festival
    ],
)
@pytest.mark.proves("A12.3-1")
async def test_the_window_ends_with_the_first_working_day_after_signing(
    db: Database, office: Any, signed_at: str, last: str, too_late: str
) -> None:
    late = await signed(await Desk(db, office).open(), signed_at)
    with pytest.raises(Conflict, match="退回申请已于") as refused:
        await late.act(office.clerk, Act.RETURN, when=too_late, **NOT_OURS)
    assert "政数局批准" in refused.value.message
    assert await late.rows(ReturnRequest) == []
    early = await signed(await Desk(db, office).open(), signed_at)
    await early.act(office.clerk, Act.RETURN, when=last, **NOT_OURS)
    assert await early.state() is State.RETURNING


@pytest.mark.proves("D8")
async def test_after_the_window_the_bureau_may_let_it_return(desk: Desk) -> None:
    await signed(desk, "2026-03-02 10:00")
    given = {**NOT_OURS, "document": "弋政数〔2026〕8号"}
    with pytest.raises(Denied, match="督办员"):
        await desk.act(desk.office.dispatcher, Act.RETURN_LATE, when="2026-03-05 09:00", **given)
    await desk.act(desk.office.bureau, Act.RETURN_LATE, **given)
    [request] = await desk.rows(ReturnRequest)
    assert (request.late, request.document) == (True, "弋政数〔2026〕8号")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"ground": "item-3"}, "basis"),
        ({"ground": "not-ours"}, "basis"),
        ({"ground": "competence-changed", "basis": "职责已调整"}, "ground"),
        ({"ground": "nonsense", "basis": "职责已调整"}, "ground"),
        ({"ground": "not-ours", "suggested_unit_id": "00000000-0000-0000-0000-000000000001"}, "suggested_unit_id"),
    ],
)
async def test_a_return_without_its_ground_is_refused(desk: Desk, given: dict[str, Any], field: str) -> None:
    await signed(desk, "2026-03-02 10:00")
    with pytest.raises(Invalid) as refused:
        await desk.act(desk.office.clerk, Act.RETURN, **given)
    assert field in refused.value.fields


async def test_not_ours_needs_a_suggestion_or_a_basis_and_never_oneself(desk: Desk) -> None:
    await signed(desk, "2026-03-02 10:00")
    units = desk.office.units
    with pytest.raises(Invalid):
        await desk.act(desk.office.clerk, Act.RETURN, ground="not-ours", suggested_unit_id=units["cgj"])
    await desk.act(desk.office.clerk, Act.RETURN, ground="not-ours", suggested_unit_id=units["gaj"])


@pytest.mark.proves("A12.3-2")
async def test_an_accepted_return_ends_the_part_and_another_unit_has_its_own_clock(desk: Desk) -> None:
    office = desk.office
    await signed(desk, "2026-03-02 10:00")
    await desk.act(office.clerk, Act.RETURN, **NOT_OURS)
    await desk.act(office.dispatcher, Act.ACCEPT_RETURN, reason=REASON)
    assert await desk.state() is State.CONFIRMED
    assert (await desk.part("cgj")).outcome == "returned"
    await desk.dispatch("gaj", when="2026-03-09 09:00")
    made = await desk.round()
    assert (made.kind, made.n, made.due_at) == ("redispatch", 2, at("2026-03-24 00:00"))
    ticket = await desk.ticket()
    assert (ticket.first_dispatched_at, ticket.due_at) == (at("2026-03-02 10:00"), made.due_at)
    assert await desk.rows(DueChange) == []


@pytest.mark.proves("D10")
async def test_the_same_unit_again_keeps_its_clock(desk: Desk) -> None:
    office = desk.office
    await signed(desk, "2026-03-02 10:00")
    await desk.act(office.clerk, Act.RETURN, **NOT_OURS)
    await desk.act(office.dispatcher, Act.ACCEPT_RETURN, reason=REASON)
    await desk.dispatch("cgj", when="2026-03-04 09:00")
    made = await desk.round()
    assert (made.dispatched_at, made.due_at) == (at("2026-03-02 10:00"), at("2026-03-17 00:00"))
    assert (await desk.part("cgj")).sign_due_at == at("2026-03-06 00:00")


@pytest.mark.proves("A12.3-3")
async def test_a_refused_return_moves_no_due(desk: Desk) -> None:
    office = desk.office
    await signed(desk, "2026-03-02 10:00")
    due = (await desk.ticket()).due_at
    await desk.act(office.clerk, Act.RETURN, **NOT_OURS)
    await desk.act(office.dispatcher, Act.REFUSE_RETURN, reason=REASON)
    assert await desk.state() is State.HANDLING
    assert ((await desk.ticket()).due_at, (await desk.round()).due_at) == (due, due)
    assert await desk.rows(DueChange) == []


@pytest.mark.proves("D9")
async def test_days_that_the_review_took_too_long_may_be_given_back(desk: Desk) -> None:
    office = desk.office
    await signed(desk, "2026-03-02 10:00")
    await desk.act(office.clerk, Act.RETURN, **NOT_OURS)
    with pytest.raises(Invalid, match="最多可补2个工作日"):
        await desk.act(
            office.dispatcher, Act.REFUSE_RETURN, when="2026-03-05 10:00", reason=REASON, compensation_days=3
        )
    await desk.act(office.dispatcher, Act.REFUSE_RETURN, reason=REASON, compensation_days=2)
    [change] = await desk.rows(DueChange)
    assert (change.cause, change.before, change.after) == (
        "compensation",
        at("2026-03-17 00:00"),
        at("2026-03-19 00:00"),
    )
    assert change.seq == (await desk.ticket()).version


async def returned_twice(desk: Desk) -> Desk:
    office = desk.office
    await signed(desk, "2026-03-02 10:00")
    await desk.act(office.clerk, Act.RETURN, ground="not-ours", suggested_unit_id=office.units["gaj"])
    await desk.act(office.dispatcher, Act.ACCEPT_RETURN, reason=REASON)
    await desk.dispatch("gaj")
    await desk.act(office.other, Act.SIGN)
    await desk.act(office.other, Act.RETURN, ground="not-ours", suggested_unit_id=office.units["cgj"])
    return desk


@pytest.mark.proves("A12.3-4", "A12.3-5")
async def test_the_second_return_goes_to_the_meeting_and_nowhere_else(desk: Desk) -> None:
    office = desk.office
    await returned_twice(desk)
    assert await desk.state() is State.DISPUTED
    with pytest.raises(Conflict, match="仅“退回待审”"):
        await desk.act(office.dispatcher, Act.ACCEPT_RETURN, reason=REASON)
    [dispute] = await desk.rows(Dispute)
    assert (dispute.trigger, dispute.convene_due_at) == ("second-return", at("2026-03-04 00:00"))
    again = {"lead_unit_id": office.units["gaj"], "decision": "由公安局承办"}
    with pytest.raises(Conflict, match="请先由政数局召集"):
        await desk.act(office.director, Act.SETTLE, **again)


async def meeting(desk: Desk) -> None:
    who = {"unit_id": desk.office.units["gaj"], "name": "王局长", "position": "副局长", "signed": True}
    minutes = "各方说明职责分工，形成一致意见"
    with pytest.raises(Invalid, match="参会人员"):
        other = who | {"unit_id": desk.office.units["mzj"]}
        await desk.act(desk.office.bureau, Act.MEET, held_at=desk.now, attendees=[other], minutes=minutes)
    await desk.act(desk.office.bureau, Act.MEET, held_at=desk.now, attendees=[who], minutes=minutes)


@pytest.mark.proves("F12.3-3")
@pytest.mark.parametrize(("unit", "due"), [("mzj", "2026-03-17 00:00"), ("gaj", "2026-03-17 00:00")])
async def test_the_meeting_dispatches_anew_or_to_the_same_unit(desk: Desk, unit: str, due: str) -> None:
    office = desk.office
    await returned_twice(desk)
    await meeting(desk)
    given = {
        "lead_unit_id": office.units[unit],
        "assist_unit_ids": (office.units["cgj"],),
        "decision": "按三定方案办理",
    }
    await desk.act(office.director, Act.SETTLE, **given)
    assert await desk.state() is State.DISPATCHED
    made, [dispute] = await desk.round(), await desk.rows(Dispute)
    assert (made.n, made.kind, made.due_at) == (3, "redispatch", at(due))
    assert (dispute.outcome, dispute.lead_unit_id) == ("dispatch", office.units[unit])
    assert {one.state for one in await desk.rows(ReturnRequest)} == {"accepted"}
    open_leads = [p for p in await desk.rows(Assignment) if p.role == "lead" and p.closed_at is None]
    assert [part.round_id for part in open_leads] == [made.id]


async def test_the_meeting_upholds_the_unit_on_its_clock(desk: Desk) -> None:
    await returned_twice(desk)
    due = (await desk.ticket()).due_at
    await meeting(desk)
    await desk.act(desk.office.director, Act.UPHOLD, decision="由公安局继续承办")
    assert (await desk.state(), (await desk.ticket()).due_at) == (State.HANDLING, due)
    assert (await desk.part("gaj")).stage == "handling"


async def test_the_meeting_may_refuse_the_order(desk: Desk) -> None:
    await returned_twice(desk)
    await meeting(desk)
    given = {"explanation": "属诉讼事项，已作解释", "referral": "县人民法院 0793-5900000", "told": True}
    await desk.act(desk.office.director, Act.SETTLE_REFUSE, item=3, **given)
    assert await desk.state() is State.REFUSED
    [refusal] = await desk.rows(Refusal)
    assert (refusal.origin, refusal.item) == ("dispute", 3)
    assert all(one.closed_at for one in await desk.rows(Round))


async def test_an_assisting_unit_returns_by_itself(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch("cgj", "taoyuan")
    await desk.act(office.clerk, Act.SIGN)
    await desk.act(office.helper, Act.SIGN)
    await desk.act(office.helper, Act.RETURN, **NOT_OURS)
    assert await desk.state() is State.HANDLING
    part = await desk.part("taoyuan")
    await desk.act(office.dispatcher, Act.ACCEPT_ASSIST_RETURN, assignment_id=part.id, reason=REASON)
    assert (await desk.part("taoyuan")).outcome == "returned"
    await desk.submit(office.clerk)
    assert await desk.state() is State.CHECKING


@pytest.mark.proves("F12.3-3", "D11")
async def test_a_meeting_is_on_record_with_who_signed_and_keeps_its_words_beside_the_decision(desk: Desk) -> None:
    office = desk.office
    await returned_twice(desk)
    sat = [
        {"unit_id": office.units["gaj"], "name": "王局长", "position": "副局长", "signed": True},
        {"unit_id": office.units["cgj"], "name": "李局长"},
    ]
    given = {"held_at": desk.now, "place": "政数局会议室", "chair": "徐珍", "minutes": "各方说明职责分工"}
    with pytest.raises(Invalid, match="在纪要上签字"):
        await desk.act(office.bureau, Act.MEET, attendees=sat, **given)
    sat[1]["unsigned_reason"] = "会后提出异议"
    await desk.act(office.bureau, Act.MEET, attendees=sat, **given)
    decision = {"lead_unit_id": office.units["mzj"], "decision": "按三定方案由民政局承办"}
    await desk.act(office.director, Act.SETTLE, **decision)
    [dispute] = await desk.rows(Dispute)
    assert (dispute.minutes, dispute.decision) == ("各方说明职责分工", "按三定方案由民政局承办")
    assert (dispute.recorded_by, dispute.closed_by) == (office.bureau.user_id, office.director.user_id)
    assert (dispute.chair, dispute.place) == ("徐珍", "政数局会议室")
    async with desk.db.session() as session:
        wanted = select(DisputeAttendee).where(DisputeAttendee.dispute_id == dispute.id)
        rows = {(one.name, one.signed, one.unsigned_reason) for one in await session.scalars(wanted)}
    assert rows == {("王局长", True, ""), ("李局长", False, "会后提出异议")}
    assert (await desk.part("mzj")).dispatched_at == desk.now, "the decision is the dispatch"


async def test_what_waits_in_a_round_ends_with_it(desk: Desk) -> None:
    office = desk.office
    await signed(desk, "2026-03-02 10:00")
    await desk.act(office.clerk, Act.EXTEND, ground="complex", explanation="涉及多个路段", days=3)
    await desk.act(office.clerk, Act.RETURN, **NOT_OURS)
    await desk.act(office.dispatcher, Act.ACCEPT_RETURN, reason=REASON)
    [request], [extension] = await desk.rows(ReturnRequest), await desk.rows(Extension)
    assert (request.state, extension.state, extension.reason) == ("accepted", "void", "工单已退回")
    ticket = await desk.ticket()
    assert not ticket.extension_pending
    assert ticket.state_due_at is not None and ticket.state_due_at > desk.now, "the centre owes the dispatch"


async def test_an_assisting_units_return_that_nobody_decided_ends_with_the_result(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch("cgj", "taoyuan")
    await desk.act(office.clerk, Act.SIGN)
    await desk.act(office.helper, Act.SIGN)
    await desk.act(office.helper, Act.RETURN, **NOT_OURS)
    await desk.submit(office.clerk, when="2026-03-16 10:00", missing_assists_recorded=True)
    await desk.act(office.checker, Act.PASS)
    [request] = await desk.rows(ReturnRequest)
    assert (request.state, request.reason) == ("void", "工单已办结")


async def test_what_waits_ends_when_the_meeting_sends_the_order_to_another(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch("cgj", "taoyuan")
    await desk.act(office.clerk, Act.SIGN)
    await desk.act(office.helper, Act.SIGN)
    await desk.act(office.helper, Act.RETURN, **NOT_OURS)
    await desk.act(office.bureau, Act.DISPUTE, reason="推诿扯皮")
    sat = [{"unit_id": office.units["cgj"], "name": "王局长", "signed": True}]
    await desk.act(office.bureau, Act.MEET, held_at=desk.now, attendees=sat, minutes="各方说明职责分工")
    await desk.act(office.director, Act.SETTLE, lead_unit_id=office.units["gaj"], decision="由公安局承办")
    [request] = await desk.rows(ReturnRequest)
    assert (request.state, await desk.state()) == ("void", State.DISPATCHED)


@pytest.mark.parametrize("ends", [Act.ANSWER, Act.VOID])
async def test_what_a_unit_let_lapse_is_decided_however_the_order_ends(db: Database, desk: Desk, ends: Act) -> None:
    office = desk.office
    await signed(desk, "2026-03-02 10:00")
    with clock.frozen(at("2026-03-17 09:00")):
        await scan(db)
    await desk.act(office.bureau, Act.RETURN_LATE, when="2026-03-17 10:00", **NOT_OURS, document="弋政数〔2026〕8号")
    await desk.act(office.dispatcher, Act.ACCEPT_RETURN, reason=REASON)
    given = {"text": "该事项可在政务大厅办理。"} if ends is Act.ANSWER else {"void_ground": "未说明诉求即挂断"}
    await desk.act(office.agent, ends, **given)
    [candidate] = await desk.rows(SupervisionCandidate)
    await desk.act(office.bureau, Act.DISMISS_CANDIDATE, candidate_id=candidate.id, reason="原单位已说明情况")
    [candidate] = await desk.rows(SupervisionCandidate)
    assert candidate.state == "dismissed"


@pytest.mark.proves("F12.3-3")
async def test_the_signed_minutes_are_filed_when_they_are_scanned(desk: Desk, tmp_path: Path) -> None:
    office, store = desk.office, FolderStore(tmp_path)
    scan = await attach(desk.db, store, office.bureau, desk.id, "纪要.pdf", b"%PDF-1.7\nx")
    await returned_twice(desk)
    with pytest.raises(Conflict, match="尚未登记协调会"):
        await desk.act(office.bureau, Act.FILE_MINUTES, attachments=(scan.id,))
    await meeting(desk)
    with pytest.raises(Invalid) as refused:
        await desk.act(office.bureau, Act.FILE_MINUTES)
    assert set(refused.value.fields) == {"attachments"}
    with pytest.raises(Invalid, match="附件不存在"):
        await desk.act(office.bureau, Act.FILE_MINUTES, attachments=(new_id(),))
    with pytest.raises(Denied):
        await desk.act(office.clerk, Act.FILE_MINUTES, attachments=(scan.id,))
    await desk.act(office.bureau, Act.FILE_MINUTES, attachments=(scan.id,))
    await desk.act(office.director, Act.UPHOLD, decision="由公安局继续承办")
    late = await attach(desk.db, store, office.bureau, desk.id, "纪要第2页.pdf", b"%PDF-1.7\ny")
    await desk.act(office.bureau, Act.FILE_MINUTES, attachments=(late.id,))
    [dispute] = await desk.rows(Dispute)
    assert dispute.attachments == [str(scan.id), str(late.id)]
    assert dispute.decision == "由公安局继续承办"
    assert await desk.state() is State.HANDLING
    async with desk.db.session() as session:
        told = await story(session, office.director, await session.get_one(Ticket, desk.id))
    files = [entry.files for section in told for entry in section.entries if entry.head.startswith("争议协调")]
    assert files == [(str(scan.id), str(late.id))]
