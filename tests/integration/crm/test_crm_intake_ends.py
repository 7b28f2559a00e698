"""How intake ends: refusal, instant answer, merge, split (第九条, 第十条, 第十三条, D28, D37)."""

from typing import Any

import pytest
from by_hand import BY_HAND
from crm_desk import ELEMENTS, Desk
from sqlalchemy import select

from core.db import Database
from core.errors import Conflict, Invalid
from crm.installed import installed
from crm.knowledge.models import KnowledgeItem, KnowledgeVersion
from crm.knowledge.seed import seed_knowledge
from crm.referrals import service as referrals
from crm.referrals.models import Referral
from crm.sms.models import Sms
from crm.tickets.models import Refusal, Round, Ticket
from crm.tickets.states import Act, State

REFUSAL = {"explanation": "该事项已进入诉讼程序，已作解释", "referral": "县人民法院 0793-5900000", "told": True}


@pytest.fixture
async def desk(db: Database, office: Any) -> Desk:
    return await Desk(db, office).open()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"item": 8}, "item"),
        ({"item": None}, "item"),
        ({"explanation": ""}, "explanation"),
        ({"referral": ""}, "referral"),
        ({"told": None}, "told"),
        ({"told": False}, "not_told_reason"),
        ({"item": 5}, "basis"),
    ],
)
@pytest.mark.proves("A10-1", "A11-1")
async def test_a_refusal_lacks_nothing(desk: Desk, given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await desk.act(desk.office.agent, Act.REFUSE, **{"item": 3, **REFUSAL, **given})
    assert field in refused.value.fields
    assert (await desk.state(), await desk.rows(Refusal)) == (State.DRAFT, [])


@pytest.mark.proves("F10-3", "D37")
async def test_a_refusal_ends_the_order_and_may_be_reopened(desk: Desk) -> None:
    await desk.act(desk.office.agent, Act.REFUSE, item=3, **REFUSAL)
    ticket = await desk.ticket()
    assert (ticket.state, ticket.close_kind, ticket.state_due_at) == (State.REFUSED, "refused", None)
    await desk.act(desk.office.agent2, Act.REOPEN, reason="诉求人补充了新证据")
    ticket, [refusal] = await desk.ticket(), await desk.rows(Refusal)
    assert (ticket.state, ticket.closed_at, refusal.state) == (State.DRAFT, None, "reopened")


@pytest.mark.parametrize("item", [5, 7])
@pytest.mark.proves("A10-2")
async def test_two_items_need_a_second_person(desk: Desk, item: int) -> None:
    office = desk.office
    await desk.act(office.lead, Act.REFUSE, item=item, basis="某条例第三条", **REFUSAL)
    assert await desk.state() is State.DRAFT
    with pytest.raises(Conflict, match="待第二人复核"):
        await desk.dispatch()
    with pytest.raises(Conflict, match="以外的第二人"):
        await desk.act(office.lead, Act.CONFIRM_REFUSAL, reason="同意")
    await desk.act(office.director, Act.REJECT_REFUSAL, reason="有政策依据，应予受理")
    await desk.act(office.agent, Act.REFUSE, item=item, basis="某条例第三条", **REFUSAL)
    await desk.act(office.director, Act.CONFIRM_REFUSAL, reason="同意")
    assert await desk.state() is State.REFUSED
    assert [one.state for one in await desk.rows(Refusal)] == ["rejected", "final"]


@pytest.mark.proves("F13-4")
async def test_an_instant_answer_is_followed_up_or_archived(desk: Desk) -> None:
    said = "异地就医备案可在赣服通办理。"
    for half in ({"knowledge_item": "KB-12"}, {"knowledge_version": 3}):
        with pytest.raises(Invalid, match="编号和版本"):
            await desk.act(desk.office.agent, Act.ANSWER, text=said, **half)
    async with desk.db.session() as session:
        await seed_knowledge(session, installed().county)
    for item, version in (("KB-12", 1), ("ZS00029", 2)):
        with pytest.raises(Invalid, match="没有这个条目或版本"):
            await desk.act(desk.office.agent, Act.ANSWER, text=said, knowledge_item=item, knowledge_version=version)
    await desk.act(desk.office.agent, Act.ANSWER, text=said, knowledge_item="zs00029", knowledge_version=1)
    ticket = await desk.ticket()
    assert (ticket.state, ticket.close_kind) == (State.ANSWERED, "answered")
    assert (ticket.knowledge_item, ticket.knowledge_version) == ("ZS00029", 1)
    assert (await desk.events())[-1].after["knowledge_version"] == 1
    await desk.act(desk.office.caller, Act.FOLLOW_UP, result="rated", grade="unsatisfied", reason="unsolved")
    with pytest.raises(Conflict, match="没有承办单位"):
        await desk.act(desk.office.director, Act.REWORK, basis="答复有误")
    await desk.act(desk.office.director, Act.NOT_RESPONSIBLE, basis="答复依据充分")
    await desk.act(desk.office.archivist, Act.ARCHIVE)


@pytest.mark.proves("F13-4")
async def test_an_instant_answer_goes_by_sms_in_the_items_own_words(desk: Desk) -> None:
    async with desk.db.session() as session:
        await seed_knowledge(session, installed().county)
    agent, item = desk.office.agent, {"knowledge_item": "ZS00029", "knowledge_version": 1}
    with pytest.raises(Invalid, match="请先选用条目") as refused:
        await desk.act(agent, Act.ANSWER, text="我的手机13800001111，找我办", by_sms=True)
    assert set(refused.value.fields) == {"by_sms"}
    await desk.act(agent, Act.ANSWER, text="找我办，我的手机13800001111", by_sms=True, **item)
    [sms] = await desk.rows(Sms)
    assert sms.state == "queued" and sms.text.startswith("【弋阳12345】")
    assert "13800001111" not in sms.text, "what the agent typed stays in the house"
    assert "备案" in sms.text


@pytest.mark.proves("F13-4", "D31")
async def test_an_item_too_long_for_an_sms_is_read_out(desk: Desk) -> None:
    async with desk.db.session() as session:
        await seed_knowledge(session, installed().county)
        of = KnowledgeItem.id == KnowledgeVersion.item_id
        found = await session.scalars(
            select(KnowledgeVersion).join(KnowledgeItem, of).where(KnowledgeItem.number == "ZS00029")
        )
        await session.execute(BY_HAND)  # its text stays, says a trigger
        found.one().answer = "材料" * 300
        await session.flush()
    item = {"knowledge_item": "ZS00029", "knowledge_version": 1}
    with pytest.raises(Invalid, match="请口头答复") as refused:
        await desk.act(desk.office.agent, Act.ANSWER, text="已口头答复。", by_sms=True, **item)
    assert set(refused.value.fields) == {"by_sms"}
    assert (await desk.state(), await desk.rows(Sms)) == (State.DRAFT, []), "nothing half done"


@pytest.mark.proves("A12.1-2")
async def test_an_invalid_call_has_one_of_the_listed_grounds(desk: Desk) -> None:
    for wrong in ("", "不想接"):
        with pytest.raises(Invalid, match="请从列出的原因中选择") as refused:
            await desk.act(desk.office.agent, Act.VOID, void_ground=wrong, note="")
        assert set(refused.value.fields) == {"void_ground"}
    await desk.act(desk.office.agent, Act.VOID, void_ground="骚扰电话", note="辱骂")
    ticket, event = await desk.ticket(), (await desk.events())[-1]
    assert (ticket.state, ticket.close_kind, ticket.close_reason) == (State.VOID, "void", "骚扰电话：辱骂")
    assert (event.reason, event.after["void_ground"]) == ("骚扰电话：辱骂", "骚扰电话")


@pytest.mark.proves("A12.1-2")
async def test_a_call_that_was_put_through_ends_there(db: Database, desk: Desk) -> None:
    to = desk.office.referrals
    async with db.session() as session:
        gone = await session.get_one(Referral, to["12333人社"])
        await referrals.retire(session, desk.office.lead, gone.id, gone.version, "号码已停用")
    for wrong in (to["12333人社"], desk.id):
        with pytest.raises(Invalid, match="请从在用的转接去向中选择") as refused:
            await desk.act(desk.office.agent, Act.TRANSFER, referral_id=wrong)
        assert set(refused.value.fields) == {"referral_id"}
    await desk.act(desk.office.agent, Act.TRANSFER, referral_id=to["12315市场监管"], note="已告知")
    ticket = await desk.ticket()
    assert (ticket.state, ticket.close_kind) == (State.TRANSFERRED, "transferred")
    assert ticket.close_reason == "12315市场监管：已告知"
    with pytest.raises(Conflict):
        await desk.dispatch()
    letter = await Desk(db, desk.office).open()
    async with db.session() as session:
        (await session.get_one(Ticket, letter.id)).call_id = None
    with pytest.raises(Conflict, match="不是来电形成的工单"):
        await letter.act(desk.office.agent, Act.TRANSFER, referral_id=to["12315市场监管"])


@pytest.mark.proves("D28")
async def test_a_duplicate_joins_the_order_that_is_handled(db: Database, office: Any, desk: Desk) -> None:
    other = await Desk(db, office).open()
    with pytest.raises(Invalid, match="正在办理"):
        await other.act(office.agent, Act.MERGE, master_id=desk.id, reason="同一事项")
    await desk.dispatch()
    await other.act(office.agent, Act.MERGE, master_id=desk.id, reason="同一事项")
    master, merged = await desk.ticket(), await other.ticket()
    assert (merged.state, merged.master_id, master.report_count) == (State.MERGED, master.id, 2)
    assert len(await desk.rows(Round)) == 1
    assert await other.rows(Round) == []
    events = await desk.events()
    assert (events[-1].act, events[-1].seq, master.version) == ("joined", master.version, 4)


async def test_a_report_is_merged_with_reports_only(db: Database, office: Any, desk: Desk) -> None:
    await desk.dispatch()
    secret = await Desk(db, office).open(category="report", matter="SC02", title="过期食材", content="饭店用过期食材")
    with pytest.raises(Invalid, match="举报工单只能与举报工单并单"):
        await secret.act(office.agent, Act.MERGE, master_id=desk.id, reason="同一事项")


@pytest.mark.proves("A09-2")
async def test_one_call_with_three_matters_has_three_clocks_and_one_receipt(desk: Desk) -> None:
    office = desk.office
    further = [
        {"category": "help", "matter": "CX04", "title": "路灯不亮", "content": "桃源路路灯不亮"} | ELEMENTS,
        {"category": "consultation", "matter": "LD03", "title": "社保补缴", "content": "咨询社保断缴后如何补缴"},
    ]
    done = await desk.act(office.agent, Act.SPLIT, parts=further)
    first, made = await desk.ticket(), [await _named(desk, ticket.id) for ticket in done.result]
    assert {ticket.query_code for ticket in made} == {first.query_code}
    assert [ticket.call_id for ticket in made] == [None, None]
    await desk.dispatch()
    for ticket in made:
        desk.id = ticket.id
        await desk.dispatch("taoyuan")
    async with desk.db.session() as session:
        [sms] = list(await session.scalars(select(Sms)))
        rounds = list(await session.scalars(select(Round)))
    assert sorted(one.limit_days or 0 for one in rounds) == [2, 5, 10]
    assert f"{first.number}至00003，查询码{first.query_code}" in sms.text


async def _named(desk: Desk, id: Any) -> Ticket:
    async with desk.db.session() as session:
        return await session.get_one(Ticket, id)


@pytest.mark.proves("D28")
async def test_a_repeat_counts_on(db: Database, office: Any, desk: Desk) -> None:
    await desk.dispatch()
    await desk.handled()
    again = await Desk(db, office, "2026-04-01 10:00").open()
    await again.act(office.agent, Act.REPEAT, earlier_id=desk.id)
    ticket = await again.ticket()
    assert (ticket.repeat_of, ticket.report_count) == (desk.id, 2)
    with pytest.raises(Invalid, match="不足3次"):
        await again.dispatch(hard=True)


async def test_a_report_split_off_is_linked_with_nothing(desk: Desk) -> None:
    report = {"category": "report", "matter": "SC02", "title": "过期食材", "content": "饭店用过期食材"} | ELEMENTS
    done = await desk.act(desk.office.agent, Act.SPLIT, parts=[report])
    first, [secret] = await desk.ticket(), done.result
    assert (secret.sealed, secret.split_from) == (True, None)
    assert secret.query_code != first.query_code
    assert (await desk.events())[-1].after["parts"] == []
    await desk.dispatch()
    desk.id = secret.id
    assert first.number not in str([event.after for event in await desk.events()])
    await desk.dispatch("scjgj", identity_checked=True)
    async with desk.db.session() as session:
        texts = {one.ticket_id: one.text for one in await session.scalars(select(Sms))}
    assert secret.number not in texts[first.id]
    assert secret.number in texts[secret.id]


async def _returned(desk: Desk) -> None:
    office = desk.office
    await desk.act(office.clerk, Act.SIGN)
    await desk.act(office.clerk, Act.RETURN, ground="not-ours", basis="该路段由公安交警部门管理")
    await desk.act(office.dispatcher, Act.ACCEPT_RETURN, reason="经核对职责分工")


@pytest.mark.proves("D28")
async def test_whoever_joined_an_order_joins_what_it_is_merged_into(db: Database, office: Any, desk: Desk) -> None:
    await desk.dispatch()
    first, second = await Desk(db, office).open(), await Desk(db, office).open()
    for one in (first, second):
        await one.act(office.agent, Act.MERGE, master_id=desk.id, reason="同一事项")
    await _returned(desk)
    master = await Desk(db, office).open()
    await master.dispatch()
    await desk.act(office.agent, Act.MERGE, master_id=master.id, reason="同一事项")
    assert (await master.ticket()).report_count == 4
    assert (await master.events())[-1].after["report_count"] == 4


@pytest.mark.proves("D28")
async def test_a_repeat_counts_each_order_once(db: Database, office: Any, desk: Desk) -> None:
    await desk.dispatch()
    await desk.handled()
    again = await Desk(db, office, "2026-04-01 10:00").open()
    await again.dispatch()
    joined = await Desk(db, office, "2026-04-01 10:00").open()
    await joined.act(office.agent, Act.REPEAT, earlier_id=desk.id)
    await joined.act(office.agent, Act.MERGE, master_id=again.id, reason="同一事项")
    assert (await again.ticket()).report_count == 3, "itself, what joined it, and what that one repeats"
    await _returned(again)
    for _ in range(2):
        await again.act(office.agent, Act.REPEAT, earlier_id=desk.id)
        assert (await again.ticket()).report_count == 3, "the same three orders, linked twice"


@pytest.mark.parametrize("ends", ["void", "withdraw", "merge"])
async def test_a_refusal_that_waits_ends_with_the_order(db: Database, office: Any, desk: Desk, ends: str) -> None:
    other = await Desk(db, office).open()
    await desk.dispatch()
    given = {"explanation": "已解释", "referral": "县人民法院 0793-5900000", "told": True, "basis": "某条例第三条"}
    await other.act(office.agent, Act.REFUSE, item=5, **given)
    more = {"master_id": desk.id} if ends == "merge" else {}
    more |= {"void_ground": "拨错号码"} if ends == "void" else {"reason": "诉求人不再要求"}
    await other.act(office.agent, Act(ends), **more)
    [refusal] = await other.rows(Refusal)
    assert refusal.state == "void"
