"""What moves a due date: extension, retype, upgrade, other laws; each one row, and nothing else does (D13–D17)."""

from typing import Any

import pytest
from crm_desk import Desk, at

from core.db import Database
from core.errors import Conflict, Denied, Invalid, NotFound
from crm.queries import foreseen
from crm.tickets.limits import Proposal, approve_limit, propose_limit
from crm.tickets.models import DueChange, Extension, Retype
from crm.tickets.states import Act, State

WHY = {"ground": "difficult", "explanation": "涉及多个路段，需协调施工"}
REASON = "情况属实"


@pytest.fixture
async def desk(db: Database, office: Any) -> Desk:
    return await Desk(db, office).open()


async def signed(desk: Desk, when: str) -> Desk:
    await desk.dispatch(when=when)
    await desk.act(desk.office.clerk, Act.SIGN)
    return desk


@pytest.mark.parametrize(
    ("category", "dispatched", "days", "due"),
    [
        ("complaint", "2026-03-09 10:00", 10, "2026-04-08 00:00"),  # V19
        ("help", "2026-03-24 10:00", 5, "2026-04-09 00:00"),  # V20
        ("complaint", "2026-09-14 10:00", 10, "2026-10-17 00:00"),  # V21
    ],
)
@pytest.mark.proves("A15-1", "A15-2")
async def test_a_granted_extension_counts_from_the_original_due(
    db: Database, office: Any, category: str, dispatched: str, days: int, due: str
) -> None:
    desk = await signed(await Desk(db, office).open(category=category), dispatched)
    await desk.act(office.clerk, Act.EXTEND, days=days, **WHY)
    assert (await desk.ticket()).extension_pending
    before = (await desk.ticket()).due_at
    await desk.act(office.dispatcher, Act.GRANT_EXTENSION, reason=REASON)
    ticket, [change] = await desk.ticket(), await desk.rows(DueChange)
    assert (ticket.due_at, ticket.extensions, ticket.extension_pending) == (at(due), 1, False)
    assert (change.cause, change.before, change.after, change.seq) == ("extension", before, at(due), ticket.version)
    assert (await desk.part("cgj")).due_at == at(due)


@pytest.mark.proves("A15-1")
async def test_an_extension_is_asked_for_before_the_due_instant(desk: Desk) -> None:
    await signed(desk, "2026-03-02 10:00")
    with pytest.raises(Conflict, match="3月16日24:00") as refused:
        await desk.act(desk.office.clerk, Act.EXTEND, when="2026-03-17 00:00", days=5, **WHY)
    assert refused.value.id == "extension-too-late"
    await desk.act(desk.office.clerk, Act.EXTEND, when="2026-03-16 23:59", days=5, **WHY)


@pytest.mark.proves("A15-1")
async def test_not_longer_than_the_limit_and_not_twice(desk: Desk) -> None:
    office = desk.office
    await signed(desk, "2026-03-02 10:00")
    with pytest.raises(Invalid, match="最多可延期10个工作日"):
        await desk.act(office.clerk, Act.EXTEND, days=11, **WHY)
    await desk.act(office.clerk, Act.EXTEND, days=10, **WHY)
    with pytest.raises(Conflict, match="已有延期申请待审批"):
        await desk.act(office.clerk, Act.EXTEND, days=1, **WHY)
    await desk.act(office.dispatcher, Act.GRANT_EXTENSION, reason=REASON)
    with pytest.raises(Conflict, match="政数局分管领导批准"):
        await desk.act(office.clerk, Act.EXTEND, days=1, **WHY)
    with pytest.raises(Denied, match="政数局分管领导"):
        await desk.act(office.bureau, Act.EXTEND_EXCEPTIONALLY, days=1, document="弋政数〔2026〕9号", **WHY)
    await desk.act(office.bureau_leader, Act.EXTEND_EXCEPTIONALLY, days=1, document="弋政数〔2026〕9号", **WHY)
    assert [one.exceptional for one in await desk.rows(Extension)] == [False, True]
    assert (await desk.ticket()).extensions == 2


@pytest.mark.proves("A15-3")
async def test_a_refused_extension_leaves_the_original_due(desk: Desk) -> None:
    office = desk.office
    await signed(desk, "2026-03-02 10:00")
    await desk.act(office.clerk, Act.EXTEND, when="2026-03-16 23:00", days=5, **WHY)
    await desk.act(office.dispatcher, Act.REFUSE_EXTENSION, when="2026-03-17 10:00", reason=REASON)
    assert (await desk.ticket()).due_at == at("2026-03-17 00:00")
    await desk.submit(office.clerk)
    assert (await desk.events())[-1].after["in_time"] is False


@pytest.mark.proves("D17")
async def test_an_extension_decided_late_still_makes_the_reply_in_time(desk: Desk) -> None:
    office = desk.office
    await signed(desk, "2026-03-02 10:00")
    await desk.act(office.clerk, Act.EXTEND, when="2026-03-16 23:00", days=5, **WHY)
    await desk.act(office.dispatcher, Act.GRANT_EXTENSION, when="2026-03-18 10:00", reason=REASON)
    await desk.submit(office.clerk)
    assert (await desk.events())[-1].after["in_time"] is True


@pytest.mark.proves("A15-1", "D29")
async def test_assisting_units_move_with_the_lead_and_may_not_extend(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch("cgj", "taoyuan", when="2026-03-02 10:00")
    await desk.act(office.clerk, Act.SIGN)
    await desk.act(office.helper, Act.SIGN)
    with pytest.raises(Denied, match="主办单位"):
        await desk.act(office.helper, Act.EXTEND, days=1, **WHY)
    await desk.act(office.clerk, Act.EXTEND, days=5, **WHY)
    await desk.act(office.dispatcher, Act.GRANT_EXTENSION, reason=REASON)
    assert (await desk.part("cgj")).due_at == at("2026-03-24 00:00")
    assert (await desk.part("taoyuan")).due_at == at("2026-03-21 00:00")


async def test_a_return_voids_the_extension_that_waits(desk: Desk) -> None:
    office = desk.office
    await signed(desk, "2026-03-02 10:00")
    await desk.act(office.clerk, Act.EXTEND, days=5, **WHY)
    await desk.act(office.clerk, Act.RETURN, ground="not-ours", basis="该路段由公安交警部门管理")
    await desk.act(office.dispatcher, Act.ACCEPT_RETURN, reason=REASON)
    [extension] = await desk.rows(Extension)
    assert (extension.state, (await desk.ticket()).extension_pending) == ("void", False)


@pytest.mark.proves("D13")
async def test_a_shorter_type_counts_from_the_same_day_and_leaves_a_working_day(desk: Desk) -> None:
    office = desk.office
    await signed(desk, "2026-03-02 10:00")
    await desk.act(office.dispatcher, Act.RETYPE, when="2026-03-04 09:00", category="help", reason=REASON)
    assert (await desk.ticket()).due_at == at("2026-03-10 00:00")
    await desk.act(office.dispatcher, Act.RETYPE, when="2026-03-05 09:00", category="consultation", reason=REASON)
    assert (await desk.ticket()).due_at == at("2026-03-07 00:00")  # long past: the end of the next working day
    assert [one.cause for one in await desk.rows(DueChange)] == ["retype", "retype"]


@pytest.mark.proves("D13")
async def test_a_longer_type_needs_a_second_person(db: Database, office: Any) -> None:
    desk = await signed(await Desk(db, office).open(category="help"), "2026-03-02 10:00")
    await desk.act(office.lead, Act.RETYPE, category="complaint", reason=REASON)
    assert (await desk.ticket()).category == "help"
    with pytest.raises(Conflict, match="第二人复核"):
        await desk.act(office.lead, Act.CONFIRM_RETYPE, reason=REASON)
    await desk.act(office.director, Act.CONFIRM_RETYPE, reason=REASON)
    ticket, [row] = await desk.ticket(), await desk.rows(Retype)
    assert (ticket.category, ticket.due_at, row.state) == ("complaint", at("2026-03-17 00:00"), "done")


async def test_after_the_due_no_retype_helps(desk: Desk) -> None:
    await signed(desk, "2026-03-02 10:00")
    with pytest.raises(Conflict, match="已逾期"):
        await desk.act(desk.office.dispatcher, Act.RETYPE, when="2026-03-17 00:00", category="help", reason=REASON)


async def reported_again(desk: Desk) -> None:
    other = await Desk(desk.db, desk.office).open()
    await other.act(desk.office.agent2, Act.MERGE, master_id=desk.id, reason="同一事项再次反映")


@pytest.mark.proves("A13-4")
async def test_the_third_report_and_a_persons_finding_upgrade_from_the_original_day(desk: Desk) -> None:
    office = desk.office
    await signed(desk, "2026-09-21 10:00")
    await reported_again(desk)
    with pytest.raises(Conflict, match="反映2次，不足3次"):
        await desk.act(office.dispatcher, Act.UPGRADE, when="2026-09-30 10:00", reason=REASON)
    due = (await desk.ticket()).due_at
    await reported_again(desk)
    assert (await desk.ticket()).due_at == due, "without the finding nothing changes"
    await desk.act(office.dispatcher, Act.UPGRADE, reason=REASON)
    [change] = await desk.rows(DueChange)
    assert (change.cause, change.after) == ("upgrade", at("2026-10-20 00:00"))  # V25
    with pytest.raises(Conflict, match="其他时限"):
        await desk.act(office.dispatcher, Act.UPGRADE, reason=REASON)


@pytest.mark.proves("D15")
async def test_another_laws_limit_applies_once_two_persons_approved_it(desk: Desk) -> None:
    office = desk.office
    await signed(desk, "2026-03-02 10:00")
    law = {"matter": "CX01", "n": 30, "unit": "day", "citation": "某条例第十条", "effective_from": "2026-01-01"}
    async with desk.db.session() as session:
        limit = await propose_limit(session, office.lead, Proposal.model_validate(law))
    with pytest.raises(Invalid, match="未经核准"):
        await desk.act(office.dispatcher, Act.APPLY_STATUTE, limit_id=limit.id, reason=REASON)
    with pytest.raises(Conflict, match="第二人核准"):
        async with desk.db.session() as session:
            await approve_limit(session, office.lead, limit.id)
    async with desk.db.session() as session:
        await approve_limit(session, office.director, limit.id)
    await desk.act(office.dispatcher, Act.APPLY_STATUTE, limit_id=limit.id, reason=REASON)
    assert (await desk.ticket()).due_at == at("2026-04-02 00:00")
    assert [one.cause for one in await desk.rows(DueChange)] == ["statutory"]
    other = await Desk(desk.db, office).open()
    await other.dispatch(when="2026-03-02 11:00")
    made = await other.round()
    assert (made.limit_kind, made.limit_days, made.due_at) == ("statutory", None, at("2026-04-02 00:00"))
    assert await other.state() is State.DISPATCHED


@pytest.mark.proves("F15-3")
@pytest.mark.parametrize(
    ("phone", "said"),
    [("+8613800001234", ""), ("+867935901234", "请电话告知：工单"), (None, "未留联系方式")],
)
async def test_who_gets_no_message_of_the_new_due_is_told_by_voice(
    db: Database, office: Any, phone: str | None, said: str
) -> None:
    desk = await signed(await Desk(db, office).open(phone=phone), "2026-03-02 10:00")
    await desk.act(office.clerk, Act.EXTEND, days=5, **WHY)
    done = await desk.act(office.dispatcher, Act.GRANT_EXTENSION, reason=REASON)
    assert (said in done.result.say) if said else done.result.say == ""
    if phone == "+867935901234":
        assert "3月23日24:00" in done.result.say


@pytest.mark.proves("F15-1")
async def test_the_new_due_is_foreseen_and_nothing_changes(desk: Desk) -> None:
    office = desk.office
    await signed(desk, "2026-03-09 10:00")
    before = (await desk.ticket()).version
    async with desk.db.session() as session:
        ten = await foreseen.extension(session, office.clerk, desk.id, 10)
        eleven = await foreseen.extension(session, office.clerk, desk.id, 11)
        none = await foreseen.extension(session, office.clerk, desk.id, 0)
        with pytest.raises(NotFound):
            await foreseen.extension(session, office.stranger, desk.id, 5)
    assert ten.due is not None and ten.due.at == at("2026-04-08 00:00")  # V19
    assert (eleven.due, eleven.against) == (None, "原办理时限10个工作日，最多可延期10个工作日")
    assert (none.due, none.against) == (None, "至少延长1个工作日")
    assert (await desk.ticket()).version == before
