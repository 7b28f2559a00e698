"""Member units: who can be given orders, what they were called, what they decide, and who watches enterprises."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

import pytest
from crm_desk import Desk, at
from sqlalchemy import select

from core.actor import SYSTEM
from core.clock import frozen
from core.db import Database
from core.errors import Conflict, Denied, Invalid
from core.identity.models import Unit, User, WebSession
from core.identity.service import identify
from core.identity.stand_ins import set_absence
from core.permissions import Permission
from crm.county.categories import Category
from crm.county.data import UnitKind
from crm.members.details import Details, FlowStep
from crm.members.names import names_of
from crm.members.registry import UnitFields, edit_unit
from crm.members.service import decide, details_of
from crm.notices.models import Notice
from crm.notices.subscribers import acted
from crm.notices.subscribers import fired as fired_notices
from crm.queries.desks import QUEUES, counts, waiting
from crm.queries.enterprises import Month, month_of_enterprises, watched
from crm.queries.gathered import begun_answer
from crm.queries.story import story
from crm.tickets.events import TicketActed
from crm.tickets.models import Assignment, InternalStep, Reply, SupervisionCandidate, TicketEvent
from crm.tickets.states import Act, State
from crm.timers.events import TimersFired
from crm.timers.models import TimerFiring
from crm.timers.scan import scan


@pytest.fixture
async def desk(db: Database, office: Any) -> Desk:
    return await Desk(db, office).open()


async def lack(desk: Desk, code: str, *lacks: str) -> None:
    """The unit's profile lacks these."""
    async with desk.db.session() as session:
        (await session.get_one(Unit, desk.office.units[code])).lacks = list(lacks)


@pytest.mark.proves("A08-1")
async def test_an_incomplete_unit_is_given_no_order_without_a_reason(desk: Desk) -> None:
    await lack(desk, "cgj", "leader", "clerk")
    with pytest.raises(Invalid, match="弋阳县城市管理局资料不完整，缺分管领导及其电话、启用的经办人账号") as refused:
        await desk.dispatch("cgj")
    assert set(refused.value.fields) == {"incomplete_reason"}
    await lack(desk, "taoyuan", "phone")
    with pytest.raises(Invalid, match="桃源街道办事处资料不完整，缺值班电话"):
        await desk.dispatch("gaj", "taoyuan")
    assert await desk.state() is State.DRAFT
    await desk.dispatch("cgj", incomplete_reason="已与该局电话确认由其办公室签收")
    kept = (await desk.events())[-1].after
    assert kept["incomplete"] == {"弋阳县城市管理局": ["leader", "clerk"]}
    assert kept["incomplete_reason"] == "已与该局电话确认由其办公室签收"


@pytest.mark.proves("F08-6")
async def test_the_centre_sends_nothing_to_what_stands_below_a_unit(desk: Desk) -> None:
    with pytest.raises(Invalid, match="执法大队由其上级单位二级转办，不能直接派单"):
        await desk.dispatch("cgj-zfdd")
    await desk.dispatch("cgj")
    await desk.act(desk.office.clerk, Act.SIGN)
    with pytest.raises(Invalid, match="只能转给本单位的下级单位"):
        await desk.act(desk.office.clerk, Act.DELEGATE, unit_id=desk.office.units["taoyuan-tysq"])
    await lack(desk, "cgj-hws", "clerk")
    with pytest.raises(Invalid, match="转办后无人签收"):
        await desk.act(desk.office.clerk, Act.DELEGATE, unit_id=desk.office.units["cgj-hws"])


@pytest.mark.proves("A08-1")
async def test_what_a_unit_was_called_stays_with_what_it_did(db: Database, office: Any) -> None:
    unit_id = office.units["cgj"]
    for when, name in (("2026-03-10 09:00", "弋阳县城市管理综合执法局"), ("2026-06-10 09:00", "弋阳县城市运行管理局")):
        with frozen(at(when)):
            async with db.session() as session:
                version = (await session.get_one(Unit, unit_id)).version
                await edit_unit(session, SYSTEM, unit_id, version, UnitFields(name, UnitKind.DEPARTMENT))
    async with db.session() as session:
        names = await names_of(session, [unit_id])
    told = [names.at(unit_id, at(when)) for when in ("2026-03-09 09:00", "2026-03-10 09:00", "2026-07-01 09:00")]
    assert told == ["弋阳县城市管理局", "弋阳县城市管理综合执法局", "弋阳县城市运行管理局"]
    assert names.now(unit_id) == "弋阳县城市运行管理局"


FLOW = Details(
    limits={Category.COMPLAINT: 5},
    inform=1,
    steps=(
        FlowStep(name="经办人办理", days=2),
        FlowStep(name="科室审核"),
        FlowStep(name="分管领导签批", needs_leader=True),
    ),
)


async def decided(desk: Desk, details: Details, seen: int = 0) -> None:
    async with desk.db.session() as session:
        await decide(session, desk.office.chief, seen, details)


async def fired(desk: Desk, when: datetime) -> dict[str, int]:
    with frozen(when):
        found = await scan(desk.db)
    assert found is not None
    return {timer: count for timer, count in found.items() if count}


async def told(desk: Desk, of: str) -> set[tuple[str, str]]:
    """Who was told with which template of this timer or act."""
    async with desk.db.session() as session:
        events = [one async for one in _events(session, of)]
        for event in events:
            await (acted if isinstance(event, TicketActed) else fired_notices)(session, [event])
    async with desk.db.session() as session:
        rows = await session.execute(select(User.login, Notice.template).join(User, User.id == Notice.user_id))
        return {(row.login, row.template) for row in rows}


async def _events(session: Any, of: str) -> Any:
    batches = select(TimerFiring.batch).where(TimerFiring.timer == of).distinct()
    for batch in await session.scalars(batches):
        yield TimersFired(timer=of, batch=batch, count=1)
    for row in await session.scalars(select(TicketEvent).where(TicketEvent.act == of)):
        yield TicketActed(ticket_id=row.ticket_id, seq=row.seq, act=Act(row.act))


@pytest.mark.proves("F08-3", "F30-1", "A08-3")
async def test_a_units_own_flow_runs_step_by_step_inside_the_countys_due(desk: Desk) -> None:
    office = desk.office
    await decided(desk, FLOW)
    await desk.dispatch(when="2026-03-02 10:00")
    due = (await desk.ticket()).due_at
    await desk.act(office.clerk, Act.SIGN, when="2026-03-02 11:00")
    part = await desk.part("cgj")
    assert (part.inner_due_at, part.inform_due_at) == (at("2026-03-10 00:00"), at("2026-03-04 00:00"))
    with pytest.raises(Conflict, match="“经办人办理”尚未完成"):
        await desk.submit(office.clerk)
    await decided(desk, Details(), seen=1)
    await desk.act(office.clerk, Act.FINISH_STEP, result="已到现场核查", when="2026-03-03 10:00")
    steps = await desk.rows(InternalStep)
    assert [(one.name, one.soft_due_at) for one in steps] == [
        ("经办人办理", at("2026-03-05 00:00")),
        ("科室审核", at("2026-03-10 00:00")),
    ], "the order goes on by the flow that it was signed under"
    await desk.act(office.clerk, Act.FINISH_STEP, result="同意", when="2026-03-03 11:00")
    with pytest.raises(Conflict, match="分管领导办理"):
        await desk.act(office.clerk, Act.FINISH_STEP, result="同意")
    await desk.act(office.chief, Act.FINISH_STEP, result="同意答复")
    await desk.submit(office.clerk)
    assert ((await desk.ticket()).due_at, len(await desk.rows(InternalStep))) == (due, 3)
    other = await Desk(desk.db, office).open()
    await other.dispatch(when="2026-03-02 10:00")
    await other.act(office.clerk, Act.SIGN)
    assert await other.rows(InternalStep) == [], "without a flow there is no step"


@pytest.mark.proves("F08-3")
async def test_the_soft_times_of_a_unit_remind_it_and_change_nothing(desk: Desk) -> None:
    office = desk.office
    await decided(desk, FLOW)
    await desk.dispatch(when="2026-03-02 10:00")
    await desk.act(office.clerk, Act.SIGN)
    version = (await desk.ticket()).version
    tick = timedelta(microseconds=1)
    assert "inform-overdue" not in await fired(desk, at("2026-03-04 00:00") - tick)
    assert (await fired(desk, at("2026-03-04 00:00")))["inform-overdue"] == 1
    assert ("clerk", "inform") in await told(desk, "inform-overdue")
    assert (await fired(desk, at("2026-03-05 00:00")))["step-overdue"] == 1
    assert {("clerk", "inner"), ("chief", "inner")} <= await told(desk, "step-overdue")
    assert (await fired(desk, at("2026-03-10 00:00")))["inner-overdue"] == 1
    assert await fired(desk, at("2026-03-10 00:00")) == {}, "once each"
    ticket = await desk.ticket()
    assert (ticket.version, ticket.overdue_at) == (version, None), "nothing of the order itself"
    with pytest.raises(Invalid, match="派发之后、此刻之前"):
        contact = {"contact_method": "phone", "contact_at": at("2026-03-02 09:00"), "contact_person": "李某"}
        await desk.act(office.clerk, Act.INFORM, when="2026-03-10 10:00", **contact)
    await desk.act(office.clerk, Act.INFORM, **(contact | {"contact_at": at("2026-03-10 09:30")}))
    assert (await desk.part("cgj")).informed_at == at("2026-03-10 09:30")
    with pytest.raises(Conflict, match="已于3月10日09:30告知诉求人"):
        await desk.act(office.clerk, Act.INFORM, **(contact | {"contact_at": at("2026-03-10 09:40")}))


@pytest.mark.proves("A30-1")
async def test_a_unit_cannot_decide_more_time_than_the_county_gives(desk: Desk) -> None:
    with pytest.raises(Invalid, match="投诉类县级时限为10个工作日，单位内部时限只能更短") as refused:
        await decided(desk, Details(limits={Category.COMPLAINT: 11, Category.HELP: 5}))
    assert set(refused.value.fields) == {"limit_complaint"}
    async with desk.db.session() as session:
        assert await details_of(session, desk.office.units["cgj"]) == Details()
        with pytest.raises(Denied):
            await decide(session, desk.office.clerk, 0, Details())
    await decided(desk, Details(limits={Category.COMPLAINT: 10}))
    with pytest.raises(Conflict, match="已被他人修改"):
        await decided(desk, Details(), seen=0)


@pytest.mark.proves("F08-1")
async def test_the_b_side_signs_off_for_a_leader_who_is_away(db: Database, desk: Desk) -> None:
    office = desk.office
    await decided(desk, FLOW)
    with frozen(at("2026-03-02 09:00")):
        async with db.session() as session:
            with pytest.raises(Invalid, match="本单位另一名在岗人员"):
                await set_absence(session, office.chief, office.helper.user_id, at("2026-03-05 00:00"))
            with pytest.raises(Invalid, match="返岗时间"):
                await set_absence(session, office.chief, office.clerk.user_id, at("2026-03-01 00:00"))
            await set_absence(session, office.chief, office.clerk.user_id, at("2026-03-05 00:00"))

    async def acting(when: str) -> bool:
        with frozen(at(when)):
            async with db.session() as session:
                row = WebSession(user_id=office.clerk.user_id, csrf="", second_factor=True, address="", agent="")
                row.token_digest = hashlib.sha256(when.encode()).hexdigest()
                session.add(row)
                await session.flush()
                who = await identify(session, when)
                assert who is not None
                return who.actor.may(Permission.ORDER_UNIT_LEAD)

    assert [await acting(when) for when in ("2026-03-04 23:59", "2026-03-05 00:00")] == [True, False]


@pytest.mark.proves("A08-6", "F08-6")
async def test_a_sub_units_lateness_is_its_units_to_see_and_nobody_elses_to_count(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch(when="2026-03-02 10:00")
    await desk.act(office.clerk, Act.SIGN)
    await desk.act(office.clerk, Act.DELEGATE, unit_id=office.units["cgj-zfdd"], due_at=at("2026-03-06 00:00"))
    assert ("crew", "dispatched") in await told(desk, "delegate")
    found = await fired(desk, at("2026-03-05 00:00"))
    assert found.get("sub-unsigned") == 1 and "sign-overdue" not in found and "sign-escalated" not in found
    await desk.act(office.crew, Act.SIGN, when="2026-03-05 09:00")
    assert (await fired(desk, at("2026-03-06 00:00"))).get("sub-overdue") == 1
    assert {("crew", "overdue"), ("clerk", "sub_missing"), ("chief", "sub_missing")} <= await told(desk, "sub-overdue")
    below, lead, ticket = await desk.part("cgj-zfdd"), await desk.part("cgj"), await desk.ticket()
    assert below.overdue_at and not lead.overdue_at and not ticket.overdue_at
    assert await desk.rows(SupervisionCandidate) == [], "the county counts the unit alone"
    queue = next(one for one in QUEUES if one.key == "below")
    async with desk.db.session() as session:
        [mine], _ = await waiting(session, office.clerk, queue)
        assert (mine.part and mine.part.unit_id, mine.due) == (office.units["cgj-zfdd"], at("2026-03-06 00:00"))
        assert (await waiting(session, office.crew, queue))[0] == []
        assert (await counts(session, office.chief, [queue])) == {"below": 1}
    await desk.act(office.crew, Act.CO_REPLY, text="大队已清理现场。", when="2026-03-06 09:00")
    await desk.act(office.clerk, Act.APPROVE_SUB, assignment_id=below.id, reason="属实")
    async with desk.db.session() as session:
        begun = await begun_answer(session, office.clerk, await desk.ticket())
        assert (await waiting(session, office.clerk, queue))[0] == []
    assert begun.endswith("弋阳县城市管理综合执法大队：大队已清理现场。")


@pytest.mark.proves("F08-4")
async def test_the_lead_answers_for_all_and_the_answer_says_whose_opinions_it_holds(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch("cgj", "taoyuan")
    await desk.act(office.clerk, Act.SIGN)
    await desk.act(office.helper, Act.SIGN)
    await desk.act(office.helper, Act.CO_REPLY, text="街道已安排网格员每日巡查。")
    async with desk.db.session() as session:
        begun = await begun_answer(session, office.clerk, await desk.ticket())
        assert await begun_answer(session, office.helper, await desk.ticket()) == ""
    assert "桃源街道办事处：街道已安排网格员每日巡查。" in begun
    await desk.submit(office.clerk, text=begun)
    opinion, answer = await desk.rows(Reply)
    assert answer.gathered == [str(opinion.id)]
    async with desk.db.session() as session:
        sections = await story(session, office.checker, await desk.ticket())
    facts = dict(sections[0].entries[-1].facts)
    assert facts["汇总"] == "桃源街道办事处"


async def water_order(db: Database, office: Any, **fields: Any) -> Desk:
    """An order for 供水公司, whose department is 住建局."""
    return await Desk(db, office).open(
        **{"category": "help", "matter": "GY01", "title": "停水", "content": "停水", **fields}
    )


@pytest.mark.proves("F05-2", "A05-1")
async def test_the_competent_department_watches_its_enterprise_and_is_named_with_its_overdue(
    db: Database, office: Any
) -> None:
    desk = await water_order(db, office)
    await desk.dispatch("gsgs", when="2026-03-02 10:00")
    assert ("builder", "copied") in await told(desk, "dispatch")
    async with db.session() as session:
        [row], after = await watched(session, office.builder, running=True)
        assert (row.enterprise, row.running, row.part and row.part.due_at, after) == (
            *("弋阳县自来水公司", True, at("2026-03-10 00:00")),
            None,
        )
        assert (await watched(session, office.stranger, running=False))[0] == []
    await desk.act(office.builder, Act.ACKNOWLEDGE)
    assert (await fired(desk, at("2026-03-10 00:00")))["lead-overdue"] == 1
    assert ("builder", "copied_overdue") in await told(desk, "lead-overdue")
    [candidate] = await desk.rows(SupervisionCandidate)
    await desk.act(
        office.bureau, Act.SUPERVISE, candidate_id=candidate.id, reason="无正当理由逾期", when="2026-03-11 09:00"
    )
    assert ("builder", "copied_supervised") in await told(desk, "supervise")
    other = await water_order(db, office)
    await other.dispatch("gsgs", when="2026-03-02 11:00")
    await other.act(office.water, Act.SIGN)
    await other.submit(office.water)
    await other.act(office.checker, Act.PASS)
    with frozen(at("2026-03-20 09:00")):
        async with db.session() as session:
            for reader in (office.bureau, office.director, office.builder):
                [line] = await month_of_enterprises(session, reader, Month(2026, 3))
                assert (line.department, line.enterprise, line.due) == (
                    *("弋阳县住房和城乡建设局", "弋阳县自来水公司"),
                    2,
                )
                [late] = line.late
                assert (late.number, late.department, late.level) == ((await desk.ticket()).number, line.department, 1)
                assert late.submitted_at is None
            assert await month_of_enterprises(session, office.stranger, Month(2026, 3)) == []
            assert await month_of_enterprises(session, office.bureau, Month(2026, 2)) == []
            assert await month_of_enterprises(session, office.bureau, Month(2026, 12)) == []


@pytest.mark.proves("F05-2")
async def test_a_rework_of_an_enterprise_is_copied_again(db: Database, office: Any) -> None:
    desk = await water_order(db, office)
    await desk.dispatch("gsgs", when="2026-03-02 10:00")
    await desk.act(office.water, Act.SIGN)
    await desk.submit(office.water)
    await desk.act(office.checker, Act.PASS)
    await desk.act(office.caller, Act.FOLLOW_UP, result="rated", grade="unsatisfied", reason="unsolved")
    await desk.act(office.director, Act.REWORK, basis="未解决停水问题，属承办责任")
    copies = [one for one in await desk.rows(Assignment) if one.role == "copy"]
    assert [one.closed_at is None for one in copies] == [False, True]
    assert copies[1].parent_id == (await desk.part("gsgs")).id
