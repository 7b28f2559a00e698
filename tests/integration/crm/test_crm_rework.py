"""After the close: rework rounds, exclusions, candidates (第十二条(七)); and what units do inside (第八条)."""

from typing import Any

import pytest
from crm_desk import ANSWER, Desk, at

from core.db import Database
from core.errors import Conflict, Invalid
from crm.tickets.models import Assignment, InternalStep, Rating, Reply, Round, SupervisionCandidate
from crm.tickets.states import Act, State


@pytest.fixture
async def desk(db: Database, office: Any) -> Desk:
    return await Desk(db, office).open()


async def unsatisfied(desk: Desk, reason: str = "unsolved") -> None:
    await desk.act(desk.office.caller, Act.FOLLOW_UP, result="rated", grade="very-unsatisfied", reason=reason)


@pytest.mark.proves("A12.7-1")
async def test_unsatisfied_twice_opens_round_three_and_two_candidates(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch(when="2026-03-02 10:00")
    await desk.handled()
    await unsatisfied(desk)
    assert await desk.state() is State.VERIFYING
    await desk.act(office.director, Act.REWORK, when="2026-03-05 10:00", basis="现场仍未清理，属承办单位责任")
    made = await desk.round()
    assert (made.n, made.kind, made.due_at) == (2, "rework", at("2026-03-20 00:00"))
    assert await desk.rows(SupervisionCandidate) == []
    await desk.handled()
    await unsatisfied(desk)
    await desk.act(office.director, Act.REWORK, basis="仍未解决")
    assert (await desk.round()).n == 3
    candidates = await desk.rows(SupervisionCandidate)
    assert sorted((one.level, one.state) for one in candidates) == [(1, "open"), (2, "open")]
    assert (await desk.ticket()).supervision_level == 0, "a candidate is no finding"
    await desk.handled()
    await desk.act(office.caller, Act.FOLLOW_UP, result="rated", grade="satisfied")
    with pytest.raises(Conflict, match="督办候选尚未处理"):
        await desk.act(office.archivist, Act.ARCHIVE)
    await desk.act(office.bureau, Act.SUPERVISE, candidate_id=candidates[0].id, reason="办理不力")
    await desk.act(office.bureau, Act.DISMISS_CANDIDATE, candidate_id=candidates[1].id, reason="已整改")
    with pytest.raises(Conflict, match="销号后才能归档"):
        await desk.act(office.archivist, Act.ARCHIVE)
    await desk.act(office.bureau, Act.RELEASE, candidate_id=candidates[0].id, reason="已整改到位")
    await desk.act(office.archivist, Act.ARCHIVE)
    assert [one.unit_id for one in await desk.rows(Rating)] == [office.units["cgj"]] * 3


@pytest.mark.proves("A15-1", "D20")
async def test_a_rework_returns_only_for_changed_competence_and_extends_only_once(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch()
    await desk.act(office.clerk, Act.SIGN)
    await desk.act(office.clerk, Act.EXTEND, days=1, ground="complex", explanation="情况复杂")
    await desk.act(office.dispatcher, Act.GRANT_EXTENSION, reason="同意")
    await desk.submit(office.clerk)
    await desk.act(office.checker, Act.PASS)
    await unsatisfied(desk)
    with pytest.raises(Invalid, match="不得超过10个工作日"):
        await desk.act(office.director, Act.REWORK, basis="属承办责任", limit_days=11)
    await desk.act(office.director, Act.REWORK, basis="属承办责任", limit_days=3)
    assert (await desk.round()).limit_days == 3
    await desk.act(office.clerk, Act.SIGN)
    with pytest.raises(Conflict, match="政数局分管领导批准"):
        await desk.act(office.clerk, Act.EXTEND, days=1, ground="complex", explanation="情况复杂")
    with pytest.raises(Invalid, match="重办工单只能因职责调整退回"):
        await desk.act(office.clerk, Act.RETURN, ground="not-ours", basis="不属于本部门职责")
    await desk.act(office.clerk, Act.RETURN, ground="competence-changed", basis="职责已划转至公安局")


async def test_an_exclusion_is_kept_beside_the_rating_or_refused(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch()
    await desk.act(office.clerk, Act.SIGN)
    explained = {"explained": True, "explanation": "已当面解释，诉求人仍有意见"}
    await desk.submit(office.clerk, close_kind="no-basis", citation="某条例第三条", **explained)
    await desk.act(office.checker, Act.PASS)
    await unsatisfied(desk)
    with pytest.raises(Invalid, match="第二十六条"):
        await desk.act(office.bureau, Act.EXCLUDE, ground="item-1", basis="符合剔除情形")
    await desk.act(office.bureau, Act.EXCLUDE, ground="item-2", basis="符合剔除情形")
    [rating] = await desk.rows(Rating)
    assert (await desk.state(), rating.excluded) == (State.RATED, "item-2")


@pytest.mark.parametrize("number", ["13911112222", "362326199001011234", "36232619900101123X"])
@pytest.mark.proves("A12.4-2")
async def test_a_reply_with_a_third_persons_number_is_blocked(desk: Desk, number: str) -> None:
    await desk.dispatch()
    await desk.act(desk.office.clerk, Act.SIGN)
    with pytest.raises(Invalid) as refused:
        await desk.submit(desk.office.clerk, text=f"已联系摊主张某（{number}）整改完毕。")
    assert number not in refused.value.fields["text"]
    await desk.submit(desk.office.clerk, text="已按13800001234联系诉求人，办公电话0793-5900000。")


@pytest.mark.proves("A08-3")
async def test_inner_steps_move_no_due_and_a_leaders_step_is_the_leaders(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch(when="2026-03-02 10:00")
    await desk.act(office.clerk, Act.SIGN)
    due = (await desk.ticket()).due_at
    with pytest.raises(Invalid, match="办理时限（3月16日24:00）之内"):
        await desk.act(office.clerk, Act.STEP, name="科室办理", soft_due_at=at("2026-03-18 00:00"))
    await desk.act(office.clerk, Act.STEP, name="呈批", needs_leader=True)
    with pytest.raises(Conflict, match="“呈批”尚未完成"):
        await desk.submit(office.clerk)
    with pytest.raises(Conflict, match="分管领导办理"):
        await desk.act(office.clerk, Act.FINISH_STEP, result="同意")
    await desk.act(office.chief, Act.FINISH_STEP, result="同意")
    assert ((await desk.ticket()).due_at, len(await desk.rows(InternalStep))) == (due, 1)
    await desk.submit(office.clerk)


@pytest.mark.proves("A08-6")
async def test_a_sub_unit_has_an_earlier_due_and_its_unit_checks_it(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch(when="2026-03-02 10:00")
    await desk.act(office.clerk, Act.SIGN)
    station = office.units["cgj-zfdd"]
    with pytest.raises(Invalid, match="不得晚于3月13日24:00"):
        await desk.act(office.clerk, Act.DELEGATE, unit_id=station, due_at=at("2026-03-16 10:00"))
    await desk.act(office.clerk, Act.DELEGATE, unit_id=station)
    part = await desk.part("cgj-zfdd")
    assert (part.role, part.due_at) == ("sub", at("2026-03-14 00:00"))
    await desk.act(office.crew, Act.SIGN)
    with pytest.raises(Conflict, match="尚未审核，可审核或收回"):
        await desk.submit(office.clerk)
    await desk.act(office.crew, Act.CO_REPLY, text="站所已现场核实处理。")
    await desk.act(office.clerk, Act.SEND_BACK_SUB, assignment_id=part.id, reason="请补充照片")
    await desk.act(office.crew, Act.CO_REPLY, text="站所已现场核实处理，附照片。")
    await desk.act(office.clerk, Act.APPROVE_SUB, assignment_id=part.id, reason="属实")
    await desk.submit(office.clerk)
    assert [one.state for one in await desk.rows(Reply)] == ["sent-back", "passed", "submitted"]
    assert [one.role for one in await desk.rows(Assignment) if one.closed_at] == ["sub"]


@pytest.mark.proves("A05-1")
async def test_the_competent_department_reads_along(db: Database, office: Any) -> None:
    desk = await Desk(db, office).open(category="help", matter="GY01", title="停水", content="小区停水")
    await desk.dispatch("gsgs")
    await desk.act(office.builder, Act.ACKNOWLEDGE)
    part = await desk.part("zjj")
    assert (part.role, part.read_at is not None, part.due_at) == ("copy", True, None)
    done = await desk.act(office.builder, Act.ACKNOWLEDGE)
    assert not done.changed
    await desk.act(office.water, Act.SIGN)
    await desk.submit(office.water, **ANSWER)
    assert len(await desk.rows(Round)) == 1
