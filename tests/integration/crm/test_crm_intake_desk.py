"""The register of refusals, the day's reconciliation, elements, decided fields, similar orders, what is typed."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from crm_desk import ELEMENTS, MOBILE, Desk, at
from sqlalchemy import select, text

from callflow.models import Call
from core import clock
from core.actor import Actor
from core.db import Database, new_id
from core.errors import Conflict, Invalid, NotFound
from core.jobs import run_pending
from crm.drafts import typed
from crm.drafts.service import open_for
from crm.notices import subscribers
from crm.queries import refusal_list, refusals
from crm.queries.intake_day import Ending, Made, calls_of, reconcile
from crm.queries.limit_now import limit_now
from crm.search.similar import similar_to
from crm.sms.models import Sms
from crm.sms.rules import SmsState
from crm.tickets.models import Assignment, Round, Ticket, TypedFields
from crm.tickets.perform import perform
from crm.tickets.service import of_call, propose
from crm.tickets.states import Act, State

assert subscribers
REFUSAL = {"explanation": "该事项已进入诉讼程序，已作解释", "referral": "县人民法院 12368", "told": True}
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)


@pytest.fixture
async def desk(db: Database, office: Any) -> Desk:
    return await Desk(db, office).open()


async def listed(db: Database, actor: Actor, month: date) -> list[list[str]]:
    async with db.session() as session:
        return refusal_list.rows(await refusals.of_month(session, actor, month))


async def counted(db: Database, month: date) -> dict[int, tuple[int, int, int]]:
    async with db.session() as session:
        found = await refusals.by_item(session, month)
    return {one.item: (one.refused, one.by_two, one.reopened) for one in found if one.refused or one.reopened}


@pytest.mark.proves("F10-2", "F10-3", "A10-3", "D37")
async def test_a_month_of_refusals_stays_as_it_was(db: Database, office: Any, desk: Desk) -> None:
    other, third = await Desk(db, office).open(), await Desk(db, office).open()
    await desk.act(office.agent, Act.REFUSE, when="2026-03-31 23:59", item=3, **REFUSAL)
    await other.act(office.agent, Act.REFUSE, when="2026-03-20 09:00", item=7, basis="某条例第三条", **REFUSAL)
    await other.act(office.director, Act.CONFIRM_REFUSAL, when="2026-04-01 00:00", reason="同意不予受理")
    await third.act(office.agent, Act.REFUSE, when="2026-03-05 09:00", item=3, **REFUSAL)
    assert await counted(db, MARCH) == {3: (2, 0, 0)}
    assert await counted(db, APRIL) == {7: (1, 1, 0)}
    march = await listed(db, office.director, MARCH)
    assert [row[1] for row in march] == ["2026-03-05 09:00", "2026-03-31 23:59"]
    await third.act(office.agent2, Act.REOPEN, when="2026-04-02 10:00", reason="诉求人补充了新证据")
    await third.act(office.agent2, Act.CORRECT, title="改过的标题")
    assert await listed(db, office.director, MARCH) == march
    assert await counted(db, MARCH) == {3: (2, 0, 0)}
    assert await counted(db, APRIL) == {7: (1, 1, 0), 3: (0, 0, 1)}
    async with db.session() as session:
        every = await refusals.register(session, office.agent, refusals.Wanted())
        reopened = await refusals.register(session, office.agent, refusals.Wanted(state="reopened"))
    assert [one.ticket.id for one in every] == [other.id, desk.id, third.id]
    assert [(one.ticket.id, one.by, one.refusal.reopened_reason) for one in reopened] == [
        (third.id, "agent", "诉求人补充了新证据")
    ]


@pytest.mark.proves("F10-2")
async def test_a_report_that_was_refused_is_counted_and_not_told(db: Database, office: Any) -> None:
    report = {"category": "report", "matter": "SC02", "title": "过期食材", "content": "饭店用过期食材"}
    secret = await Desk(db, office).open(**report)
    await secret.act(office.agent, Act.REFUSE, when="2026-03-05 09:00", item=6, **REFUSAL)
    assert await counted(db, MARCH) == {6: (1, 0, 0)}
    [row] = await listed(db, office.archivist, MARCH)
    assert row[2] == "举报工单"
    assert not {REFUSAL["explanation"], REFUSAL["referral"]} & set(row)
    async with db.session() as session:
        assert await refusals.register(session, office.agent2, refusals.Wanted()) == []


@pytest.mark.proves("D28", "D37")
async def test_who_is_merged_or_refused_later_is_told_by_sms(db: Database, office: Any, desk: Desk) -> None:
    await desk.dispatch(when="2026-03-02 10:05")
    twin = await Desk(db, office).open(phone="+8613900005678")
    await twin.act(office.agent, Act.MERGE, when="2026-03-02 11:00", master_id=desk.id, reason="同一事项")
    refused = await Desk(db, office).open(phone="+8613900006789")
    await refused.act(office.agent, Act.REFUSE, when="2026-03-02 12:00", item=5, basis="某条例第三条", **REFUSAL)
    await refused.act(office.director, Act.CONFIRM_REFUSAL, when="2026-03-02 12:30", reason="同意")
    with clock.frozen(at("2026-03-02 13:00")):
        await run_pending(db)
        await run_pending(db)
    master = await desk.ticket()
    async with db.session() as session:
        told = {sms.ticket_id: sms for sms in await session.scalars(select(Sms).where(Sms.key.contains("citizen")))}
    assert set(told) == {twin.id, refused.id}
    assert f"已并入工单{master.number}" in told[twin.id].text
    assert (await refused.ticket()).number in told[refused.id].text
    assert told[twin.id].to == "+8613900005678"
    assert (len(await desk.rows(Round)), await twin.rows(Round)) == (1, [])


@pytest.mark.proves("D28")
async def test_who_was_merged_is_told_of_the_closing_as_the_masters_caller_is(
    db: Database, office: Any, desk: Desk
) -> None:
    await desk.dispatch()
    callers = {
        "mobile": {"phone": "+8613900005678"},
        "again": {"phone": "+8613900005678"},
        "the master's": {"phone": MOBILE},
        "landline": {"phone": "+867935901234"},
        "nameless": {"phone": "+8613900007777", "anonymous": True},
        "hidden": {"phone": None},
    }
    twins = {name: await Desk(db, office, "2026-03-02 11:00").open(**fields) for name, fields in callers.items()}
    for twin in twins.values():
        await twin.act(office.agent, Act.MERGE, master_id=desk.id, reason="同一事项")
    stranger = await Desk(db, office).open(phone="+8613900009999")
    await stranger.dispatch()
    await desk.handled()
    closed = (await desk.ticket()).number
    for _ in range(2):  # told twice, sent once
        with clock.frozen(desk.now):
            await run_pending(db)
            async with db.session() as session:
                again = "UPDATE procrastinate_jobs SET status = 'todo' WHERE task_name = 'crm.notify-of-act'"
                assert (await session.execute(text(again))).rowcount
    names = {desk.id: "master"} | {twin.id: name for name, twin in twins.items()}
    async with db.session() as session:
        rows = list(await session.scalars(select(Sms).where(Sms.text.contains("已办结")).order_by(Sms.id)))
    assert [(names[sms.ticket_id], sms.to) for sms in rows] == [
        ("master", MOBILE), ("mobile", "+8613900005678"), ("landline", "+867935901234"),
    ]  # fmt: skip
    assert all(f"工单{closed}已办结" in sms.text for sms in rows)
    assert ["回访" in sms.text for sms in rows] == [True, False, False], "only the order's own citizen is called back"
    assert [sms.state == SmsState.NOT_APPLICABLE for sms in rows] == [False, False, True]


@pytest.mark.proves("D28")
async def test_who_was_merged_into_an_order_that_was_merged_itself_is_told_by_the_last(
    db: Database, office: Any, desk: Desk
) -> None:
    first, second = desk, await Desk(db, office).open(phone="+8613900005678")
    third = await Desk(db, office).open(phone="+8613900006789")
    await first.dispatch()
    await second.dispatch("gaj")
    await third.act(office.agent, Act.MERGE, master_id=second.id, reason="同一事项")
    await second.act(office.other, Act.SIGN)
    ours = {"ground": "not-ours", "basis": "不属于本单位职责", "suggested_unit_id": office.units["cgj"]}
    await second.act(office.other, Act.RETURN, **ours)
    await second.act(office.dispatcher, Act.ACCEPT_RETURN, reason="同意退回")
    await second.act(office.agent, Act.MERGE, master_id=first.id, reason="同一事项")
    await first.handled()
    with clock.frozen(first.now):
        await run_pending(db)
    async with db.session() as session:
        rows = await session.scalars(select(Sms.to).where(Sms.text.contains("已办结")).order_by(Sms.id))
        assert list(rows) == [MOBILE, "+8613900005678", "+8613900006789"]


@pytest.mark.proves("F09-1")
@pytest.mark.parametrize("missing", sorted(ELEMENTS))
async def test_a_complaint_tells_time_place_subject_and_demand(db: Database, office: Any, missing: str) -> None:
    desk = await Desk(db, office).open(**{missing: " "})
    with pytest.raises(Invalid) as refused:
        await desk.dispatch()
    assert set(refused.value.fields) == {missing}
    await desk.act(office.agent, Act.CORRECT, **{missing: "不详"})
    await desk.dispatch()
    assert await desk.state() is State.DISPATCHED


@pytest.mark.proves("F09-1")
async def test_a_consultation_is_taken_without_them(db: Database, office: Any) -> None:
    desk = await Desk(db, office).open(category="consultation", **dict.fromkeys(ELEMENTS, ""))
    await desk.dispatch()
    assert await desk.state() is State.DISPATCHED


@pytest.mark.proves("F12.1-3")
async def test_what_a_machine_filled_is_decided_by_a_person_field_by_field(db: Database, office: Any) -> None:
    desk = await Desk(db, office).open()
    one = {"label": "", "sources": [{"text": "每天早上"}], "confidence": 0.9, "reason": "来电人原话"}
    async with db.session() as session:
        ticket = await session.get_one(Ticket, desk.id)
        assert await propose(session, ticket, {"area": one | {"value": "taoyuan"}, "title": one | {"value": "别的"}})
    ticket = await desk.ticket()
    assert (ticket.area, ticket.title) == ("taoyuan", "路边摊占道")
    with pytest.raises(Invalid) as refused:
        await desk.dispatch()
    assert set(refused.value.fields) == {"area"}
    assert "尚未核对" in refused.value.fields["area"]
    with pytest.raises(Invalid):
        await desk.act(office.agent, Act.CONFIRM)
    await desk.act(office.agent, Act.CORRECT, area="taoyuan")
    await desk.dispatch()
    assert (await desk.ticket()).accepted["area"]["name"] == "agent"


async def taken(db: Database, office: Any, minute: int, **more: Any) -> Call:
    moment = at(f"2026-03-02 10:{minute:02d}")
    times = {"arrived_at": moment, "connected_at": moment, "ended_at": moment, "outcome": "answered"}
    who = {"agent_id": office.agent.user_id, "agent_name": "王丽", "caller": MOBILE, "node": "n"}
    async with db.session() as session:
        call = Call(**{**who, **times, "id": new_id(), "linkedid": str(minute), "direction": "inbound", **more})
        session.add(call)
    with clock.frozen(moment):
        async with db.session() as session:
            await open_for(session, [call.id])
    return call


async def do(db: Database, office: Any, call: Call, act: Act, **given: Any) -> Ticket:
    async with db.session() as session:
        ticket = await of_call(session, call.id)
        assert ticket
        return (await perform(session, office.agent, ticket.id, ticket.version, act, given)).ticket


@pytest.mark.proves("A12.1-2")
async def test_a_day_of_calls_reconciles_to_zero(db: Database, office: Any) -> None:
    master = await Desk(db, office).open()
    await master.dispatch()
    given = {"category": "complaint", "matter": "CX01", "title": "路边摊占道", "content": "每天傍晚占道"} | ELEMENTS
    calls = [await taken(db, office, minute) for minute in range(9)]
    await taken(db, office, 20, connected_at=None, outcome="abandoned")
    await taken(db, office, 21, direction="outbound")
    await taken(db, office, 22, connected_at=None, outcome="message", agent_id=None, agent_name=None)
    for call in calls[:6]:
        await do(db, office, call, Act.CORRECT, **given)
    unit = {"lead_unit_id": office.units["cgj"]}
    first = await do(db, office, calls[0], Act.SPLIT, parts=[given | {"title": "另一件"}])
    assert first.call_id == calls[0].id
    await do(db, office, calls[0], Act.ANSWER, text="该事项可在政务大厅办理。")
    async with db.session() as session:
        day = reconcile(await calls_of(session, office.agent, date(2026, 3, 2)))
        [part] = await session.scalars(select(Ticket).where(Ticket.split_from == first.id))
        assert day.unfinished[0].waits == Made(part.id, part.number, State.DRAFT)
        await perform(session, office.agent, part.id, 1, Act.DISPATCH, unit)
    await do(db, office, calls[1], Act.ANSWER, text="异地就医备案可在赣服通办理。")
    await do(db, office, calls[2], Act.REFUSE, item=3, **REFUSAL)
    await do(db, office, calls[3], Act.MERGE, master_id=master.id, reason="同一事项")
    await do(db, office, calls[4], Act.VOID, void_ground="拨错号码")
    await do(db, office, calls[7], Act.TRANSFER, referral_id=office.referrals["120急救"])
    await do(db, office, calls[8], Act.WITHDRAW, reason="诉求人撤回")
    async with db.session() as session:
        day = reconcile(await calls_of(session, office.agent, date(2026, 3, 2)))
        other = reconcile(await calls_of(session, office.agent, date(2026, 3, 3)))
    assert {one: day.total.endings[one] for one in Ending} == dict.fromkeys(Ending, 1)
    assert (day.total.taken, day.total.difference, other.total.taken) == (10, 3, 0)
    assert [one.call_id for one in day.unfinished][:2] == [calls[5].id, calls[6].id]
    assert {line.agent: (line.taken, line.difference) for line in day.lines} == {"王丽": (9, 2), "留言": (1, 1)}
    await do(db, office, calls[5], Act.CONFIRM)
    await do(db, office, calls[6], Act.VOID, void_ground="无声电话")
    async with db.session() as session:
        message = day.unfinished[2]
        assert message.message and message.waits
        ticket = await session.get_one(Ticket, message.waits.id)
        await perform(session, office.agent, ticket.id, ticket.version, Act.VOID, {"void_ground": "空白留言"})
    async with db.session() as session:
        day = reconcile(await calls_of(session, office.agent, date(2026, 3, 2)))
    assert (day.total.taken, day.total.difference, day.unfinished) == (10, 0, [])
    assert (day.total.endings[Ending.ORDER], day.total.endings[Ending.VOID]) == (2, 3)


@pytest.mark.proves("F12.1-4", "D28")
async def test_similar_open_orders_are_found_by_matter_place_and_words(db: Database, office: Any) -> None:
    place = {"address": "方志敏大道龟峰花园东门", "area": "taoyuan"}
    near = await Desk(db, office).open(**place, phone="+8613900001111")
    draft = await Desk(db, office).open(**place)
    secret = await Desk(db, office).open(category="report", matter="CX01", **place)
    far = await Desk(db, office).open(address="漆工镇集镇", area="qigong", title="别的事", content="完全不同")
    closed = await Desk(db, office).open(**place)
    for one in (near, far, closed):
        await one.dispatch()
    await secret.dispatch(identity_checked=True)
    await closed.handled()
    new = await Desk(db, office).open(address="龟峰花园东门", area="taoyuan", title="摊贩占道", content="傍晚摆摊占道")
    async with db.session() as session:
        found = await similar_to(session, office.lead, await session.get_one(Ticket, new.id))
        none = await similar_to(session, office.clerk, await session.get_one(Ticket, secret.id))
    assert [one.ticket.id for one in found] == [near.id]
    assert "同一事项、同一乡镇（街道）、地点相近" in found[0].why
    assert [one.ticket.id for one in none] == []
    assert draft.id != new.id


@pytest.mark.proves("F12.1-2")
async def test_what_nobody_sends_goes_after_the_bureaus_days(db: Database, office: Any, desk: Desk) -> None:
    began = clock.now()
    async with db.session() as session:
        await typed.keep(session, office.agent, desk.id, {"caller_name": "王小明"})
    with clock.frozen(began + timedelta(days=29)):
        async with db.session() as session:
            await typed.keep(session, office.agent2, desk.id, {"content": "还在填写"})
            assert await typed.forget_old(session, 30) == 0
    with clock.frozen(began + timedelta(days=31)):
        async with db.session() as session:
            assert await typed.forget_old(session, 30) == 1
            assert (await session.scalars(select(TypedFields.user_id))).all() == [office.agent2.user_id]


async def test_what_is_typed_is_kept_for_its_writer_until_it_is_sent(db: Database, office: Any, desk: Desk) -> None:
    async with db.session() as session:
        await typed.keep(session, office.agent, desk.id, {"content": "正在", "caller_name": "王小明"})
        await typed.keep(session, office.agent, desk.id, {"content": "正在输入"})
        ticket = await session.get_one(Ticket, desk.id)
        mine = await typed.kept(session, office.agent, ticket)
        assert mine
        assert mine.fields == {"content": "正在输入", "caller_name": "王小明"}
        assert await typed.kept(session, office.agent2, ticket) is None
        stored = await session.scalar(text("SELECT fields FROM draft_typing"))
        assert "王小明" not in stored
    with pytest.raises(NotFound):
        async with db.session() as session:
            await typed.keep(session, office.agent, new_id(), {"content": "x"})
    async with db.session() as session:
        await typed.keep(session, office.agent2, desk.id, {"content": "同事也在输入"})
        await typed.forget(session, office.agent, desk.id)
        assert [one.user_id for one in await session.scalars(select(TypedFields))] == [office.agent2.user_id]
    await desk.dispatch()
    async with db.session() as session:
        assert list(await session.scalars(select(TypedFields))) == []
    with pytest.raises(Conflict):
        async with db.session() as session:
            await typed.keep(session, office.agent, desk.id, {"content": "太晚了"})


ENDINGS: dict[Act, dict[str, Any]] = {
    Act.VOID: {"void_ground": "无声电话"},
    Act.WITHDRAW: {"reason": "诉求人撤回"},
    Act.ANSWER: {"text": "已当场答复诉求人。"},
    Act.REFUSE: {"item": 3, **REFUSAL},
    Act.MERGE: {"reason": "同一事项"},
}


@pytest.mark.proves("F12.1-2")
@pytest.mark.parametrize("act", ENDINGS)
async def test_what_is_half_typed_goes_with_the_act_that_ends_intake(
    db: Database, office: Any, desk: Desk, act: Act
) -> None:
    given = ENDINGS[act]
    if act is Act.MERGE:
        master = await Desk(db, office).open()
        await master.dispatch()
        given = given | {"master_id": master.id}
    other = await Desk(db, office).open()
    async with db.session() as session:
        for person, order in ((office.agent, desk), (office.agent2, desk), (office.agent, other)):
            await typed.keep(session, person, order.id, {"caller_name": "王小明"})
    await desk.act(office.agent, Act.CONFIRM)
    async with db.session() as session:
        assert len(list(await session.scalars(select(TypedFields)))) == 3, "a confirmed order is still in intake"
    await desk.act(office.agent, act, **given)
    async with db.session() as session:
        assert [one.ticket_id for one in await session.scalars(select(TypedFields))] == [other.id]


async def test_what_is_typed_while_an_act_ends_intake_is_not_left_behind(db: Database, office: Any, desk: Desk) -> None:
    async def type_on() -> None:
        async with db.session() as session:
            await typed.keep(session, office.agent2, desk.id, {"caller_name": "王小明"})

    async with db.session() as session:
        version = (await session.get_one(Ticket, desk.id)).version
        await perform(session, office.agent, desk.id, version, Act.VOID, {"void_ground": "无声电话"})
        typing = asyncio.create_task(type_on())
        async with asyncio.timeout(15):
            while not await waits_for_a_lock(db):
                assert not typing.done()
    with pytest.raises(Conflict):
        await typing
    async with db.session() as session:
        assert list(await session.scalars(select(TypedFields))) == []


async def waits_for_a_lock(db: Database) -> bool:
    async with db.session() as session:
        blocked = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(await session.scalar(text(blocked)))


@pytest.mark.proves("A09-1")
@pytest.mark.parametrize(
    ("category", "words", "due"),
    [
        ("complaint", "投诉类，10 个工作日", "剩 10 个工作日 · 3月16日(周一)24:00 到期"),
        ("consultation", "咨询类，2 个工作日", "剩 2 个工作日 · 3月4日(周三)24:00 到期"),
        ("help", "求助类，5 个工作日", "剩 5 个工作日 · 3月9日(周一)24:00 到期"),
    ],
)
async def test_the_category_decides_the_limit_that_is_shown(db: Database, category: str, words: str, due: str) -> None:
    with clock.frozen(at("2026-03-02 10:00")):
        async with db.session() as session:
            found = await limit_now(session, category, None)
            nothing = await limit_now(session, None, None)
    assert found.clock
    assert (found.words, found.clock.text) == (words, due)
    assert nothing.clock is None


@pytest.mark.proves("D5")
async def test_the_day_of_dispatch_is_the_instant_of_the_dispatch(db: Database, office: Any, desk: Desk) -> None:
    await desk.dispatch(when="2026-03-06 23:59")
    await desk.act(office.clerk, Act.SIGN, when="2026-03-09 08:00")
    made, event = await desk.round(), next(one for one in await desk.events() if one.act == Act.DISPATCH)
    assert made.dispatched_at == event.at == at("2026-03-06 23:59")
    assert (await desk.ticket()).opened_at < made.dispatched_at
    assert made.due_at == at("2026-03-21 00:00")
    late = await Desk(db, office).open()
    await late.dispatch(when="2026-03-07 00:00")
    assert (await late.round()).due_at == at("2026-03-21 00:00")
    assert [part.dispatched_at for part in await late.rows(Assignment)] == [at("2026-03-07 00:00")]
