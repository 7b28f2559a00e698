"""Looks at citizens, identities behind a 举报, levels of secrecy, what is published, ratings that change."""

import io
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from crm_desk import Desk, at
from sqlalchemy import select

from core import clock
from core.db import Database
from core.errors import Conflict, Denied, Invalid, NotFound
from core.identity.models import User
from core.ledger.models import LedgerEntry
from crm.notices.matrix import ON_TIMER
from crm.notices.models import Notice
from crm.notices.tell import Telling, tell
from crm.queries import people, publication
from crm.search.export import export
from crm.search.filter import OrderFilter
from crm.sms.models import Sms, SmsEvent
from crm.tickets.models import IdentityRequest, Rating, Ticket
from crm.tickets.perform import offers
from crm.tickets.states import Act, State

NAME, PLACE = "张建国", "胜利路15号凤凰小区3栋2单元501室"
REPORT: dict[str, Any] = {
    "category": "report",
    "matter": "SC02",
    "title": "过期食材",
    "content": "饭店用过期食材",
    "caller_name": NAME,
}


@pytest.fixture
async def desk(db: Database, office: Any) -> Desk:
    return await Desk(db, office).open(caller_name=NAME, address=PLACE)


async def seen(desk: Desk, who: Any, when: str) -> people.Seen | None:
    with clock.frozen(at(when)):
        async with desk.db.session() as session:
            return await people.unmasked(session, who, await session.get_one(Ticket, desk.id))


async def look(desk: Desk, who: Any, when: str, reason: str = "电话答复诉求人") -> None:
    with clock.frozen(at(when)):
        async with desk.db.session() as session:
            await people.reveal(session, who, desk.id, reason)


async def notices(db: Database, template: str) -> list[str]:
    async with db.session() as session:
        wanted = select(User.login).join(Notice, Notice.user_id == User.id).where(Notice.template == template)
        return sorted(await session.scalars(wanted))


@pytest.mark.proves("F22-2", "A22-1")
async def test_a_units_look_lasts_some_minutes_is_on_record_and_is_told(desk: Desk) -> None:
    office, db = desk.office, desk.db
    await desk.dispatch(when="2026-03-02 10:00")
    await desk.act(office.clerk, Act.SIGN)
    assert await seen(desk, office.clerk, "2026-03-02 11:00") is None
    with pytest.raises(Invalid):
        await look(desk, office.clerk, "2026-03-02 11:00", " ")
    with pytest.raises(NotFound):
        await look(desk, office.stranger, "2026-03-02 11:00")
    await look(desk, office.clerk, "2026-03-02 11:00")
    found = await seen(desk, office.clerk, "2026-03-02 11:14")
    assert found is not None and found.caller is not None
    assert (found.caller.name, found.caller.phone) == (NAME, "13800001234")
    assert found.until == at("2026-03-02 11:15")
    assert await seen(desk, office.chief, "2026-03-02 11:14") is None, "who gave no reason sees nothing"
    assert await seen(desk, office.clerk, "2026-03-02 11:15") is None, "the time is over"
    async with db.session() as session:
        [row] = await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "personal.unmask"))
        assert (row.actor_name, row.reason, row.subject_id) == ("clerk", "电话答复诉求人", str(desk.id))
    assert await notices(db, "unmasked") == ["chief", "director"]


@pytest.mark.proves("F22-2")
async def test_whose_part_has_ended_sees_nothing_any_more(desk: Desk) -> None:
    await desk.dispatch(when="2026-03-02 10:00")
    await desk.handled()
    with pytest.raises(Denied, match="承办任务已结束"):
        await look(desk, desk.office.clerk, "2026-03-02 11:00")


@pytest.mark.proves("F22-3")
async def test_who_reported_is_shown_to_the_unit_only_once_the_director_agreed(db: Database, office: Any) -> None:
    desk = await Desk(db, office).open(**REPORT)
    await desk.dispatch("cgj", identity_checked=True, when="2026-03-02 10:00")
    await desk.act(office.clerk, Act.SIGN)
    await look(desk, office.clerk, "2026-03-02 11:00")
    found = await seen(desk, office.clerk, "2026-03-02 11:01")
    assert found is not None and found.caller is None, "the place, not the person"
    with pytest.raises(Conflict, match="没有待审批"):
        await desk.act(office.director, Act.GRANT_IDENTITY, reason="确需当面核实")
    await desk.act(office.clerk, Act.ASK_IDENTITY, purpose="须由举报人指认冷库位置", when="2026-03-02 11:10")
    with pytest.raises(Conflict, match="已申请查看身份"):
        await desk.act(office.clerk, Act.ASK_IDENTITY, purpose="须由举报人指认冷库位置")
    assert await notices(db, "identity_asked") == []
    for nobody in (office.dispatcher, office.lead, office.bureau):
        with pytest.raises(Denied):
            await desk.act(nobody, Act.GRANT_IDENTITY, reason="确需当面核实")
    await desk.act(office.director, Act.GRANT_IDENTITY, reason="确需当面核实", when="2026-03-02 12:00")
    [request] = await desk.rows(IdentityRequest)
    assert (request.state, request.until) == ("granted", at("2026-03-10 00:00"))
    assert await seen(desk, office.clerk, "2026-03-02 12:01") is None, "a reason is asked all the same"
    await look(desk, office.clerk, "2026-03-03 09:00", "约举报人现场指认")
    found = await seen(desk, office.clerk, "2026-03-03 09:05")
    assert found is not None and found.caller is not None and found.caller.name == NAME
    await look(desk, office.clerk, "2026-03-10 09:00", "再次联系")
    late = await seen(desk, office.clerk, "2026-03-10 09:01")
    assert late is not None and late.caller is None, "what was granted has run out"


async def test_nobody_asks_for_what_is_not_hidden(desk: Desk) -> None:
    await desk.dispatch()
    await desk.act(desk.office.clerk, Act.SIGN)
    async with desk.db.session() as session:
        ticket = await session.get_one(Ticket, desk.id)
        [one] = [one for one in await offers(session, desk.office.clerk, ticket) if one.act is Act.ASK_IDENTITY]
    assert one.objection is not None and "登记原因即可查看" in str(one.objection)


@pytest.mark.proves("F22-1", "A22-2")
@pytest.mark.parametrize(
    ("unit", "consent", "secrecy", "text", "published"),
    [
        (True, "yes", "none", "占道摊贩已全部劝离。", True),
        (False, "yes", "none", "占道摊贩已全部劝离。", False),
        (True, "no", "none", "占道摊贩已全部劝离。", False),
        (True, "unasked", "none", "占道摊贩已全部劝离。", False),
        (True, "yes", "work", "占道摊贩已全部劝离。", False),
        (True, "yes", "sensitive", "占道摊贩已全部劝离。", False),
        (True, "yes", "none", "张建国反映的摊贩已全部劝离。", False),
        (True, "yes", "none", "3栋2单元501室门口摊贩已劝离。", False),
    ],
)
async def test_nothing_is_published_that_either_side_or_secrecy_forbids(
    desk: Desk, unit: bool, consent: str, secrecy: str, text: str, published: bool
) -> None:
    office = desk.office
    await desk.dispatch(when="2026-03-02 10:00")
    await desk.act(office.clerk, Act.SIGN)
    await desk.submit(office.clerk, text=text, publish_ok=unit)
    await desk.act(office.checker, Act.PASS)
    given = {"secrecy": secrecy, "consent": consent, "reason": "回访时询问诉求人"}
    changed = (await desk.act(office.caller, Act.CLASSIFY, **given)).changed
    assert changed is ((secrecy, consent) != ("none", "unasked"))
    day = at("2026-03-02 12:00").date()
    async with desk.db.session() as session:
        content = await publication.workbook(session, office.bureau, day, day)
    rows = list(openpyxl.load_workbook(io.BytesIO(content.read())).active.iter_rows(min_row=2, values_only=True))
    assert [row[4] for row in rows] == ([text] if published else [])
    flat = " ".join(str(cell) for row in rows for cell in row)
    assert NAME not in flat and (await desk.ticket()).number not in flat


@pytest.mark.proves("F22-1")
async def test_the_follow_up_asks_whether_the_answer_may_be_published(desk: Desk) -> None:
    await desk.dispatch()
    await desk.handled()
    await desk.act(desk.office.caller, Act.FOLLOW_UP, result="rated", grade="satisfied", publish_ok=False)
    assert (await desk.ticket()).publish_ok is False


@pytest.mark.proves("F22-5", "A01-1")
async def test_a_list_taken_along_hides_doors_numbers_and_what_is_secret(desk: Desk) -> None:
    office, db = desk.office, desk.db
    other = await Desk(db, office).open(title="排污", content="工厂夜间排污，联系人13912345678", address=PLACE)
    given = {"secrecy": "commercial", "consent": "unasked", "reason": "涉及企业生产工艺"}
    await desk.act(office.dispatcher, Act.CLASSIFY, **given)
    await other.dispatch()
    help = await Desk(db, office).open(category="help", title="路灯不亮", content="路灯不亮")
    await help.dispatch()
    done = await export(db, office.dispatcher, OrderFilter(), "月度分析", title="弋阳12345")
    sheet = openpyxl.load_workbook(io.BytesIO(done.content.read())).active
    cells = " ".join(str(cell.value) for row in sheet.iter_rows() for cell in row)
    assert "501" not in cells and "胜利路**号凤凰小区" in cells
    assert "每天傍晚占道" not in cells and "已定保密级别" in cells
    assert "13912345678" not in cells and "139****5678" in cells
    assert f"编号 {done.number}" in str(sheet["A1"].value) and "导出人 dispatcher" in str(sheet["A1"].value)
    assert done.number in str(sheet.oddFooter.center.text)
    footnotes = [line for line in (str(row[0].value) for row in sheet.iter_rows()) if line.startswith("办理时限依据")]
    assert len(footnotes) == 4, "two limits and how days are counted, each once"
    assert any("求助类5个工作日：第十三条" in one and "自2023年6月5日起施行" in one for one in footnotes)
    assert any("投诉类10个工作日：第十三条" in one for one in footnotes)
    async with db.session() as session:
        [row] = await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "orders.export"))
        assert (row.subject_id, row.reason) == (done.number, "月度分析")
    with pytest.raises(Denied):
        await export(db, office.checker, OrderFilter(), "想看看", title="弋阳12345")


RATED = {"result": "rated", "solved": True}


async def test_a_rating_may_change_within_seven_days_and_both_are_kept(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch(when="2026-03-02 10:00")
    await desk.handled()
    await desk.act(office.caller, Act.FOLLOW_UP, grade="satisfied", when="2026-03-03 10:00", **RATED)
    with pytest.raises(Invalid) as refused:
        await desk.act(office.caller, Act.RERATE, grade="unsatisfied", when="2026-03-05 10:00")
    assert set(refused.value.fields) == {"reason"}
    worse = {"grade": "unsatisfied", "reason": "unsolved", "words": "又出来摆摊了"}
    await desk.act(office.caller, Act.RERATE, when="2026-03-10 09:59", **worse)
    assert await desk.state() is State.VERIFYING
    first, second = await desk.rows(Rating)
    assert (first.grade, second.grade, second.superseded_at) == ("satisfied", "unsatisfied", None)
    assert first.superseded_at == at("2026-03-10 09:59")
    with pytest.raises(Conflict, match="3月10日10:00截止"):
        await desk.act(office.caller, Act.RERATE, when="2026-03-10 10:00", grade="satisfied")
    async with desk.db.session() as session:
        ticket = await session.get_one(Ticket, desk.id)
        with clock.frozen(at("2026-03-09 10:00")):
            assert Act.RERATE in {one.act for one in await offers(session, office.caller, ticket)}


async def test_a_better_rating_ends_the_verification(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch(when="2026-03-02 10:00")
    await desk.handled()
    bad = {**RATED, "grade": "unsatisfied", "reason": "slow"}
    await desk.act(office.caller, Act.FOLLOW_UP, when="2026-03-03 10:00", **bad)
    await desk.act(office.caller, Act.RERATE, when="2026-03-04 10:00", grade="fairly-satisfied", solved=True)
    assert await desk.state() is State.RATED


async def test_an_overdue_order_is_told_to_the_leaders_mobile_and_an_emergency_at_night_too(desk: Desk) -> None:
    office, db = desk.office, desk.db
    await desk.dispatch(when="2026-03-02 10:00")
    async with db.session() as session:
        chief = await session.get_one(User, office.chief.user_id)
        chief.phone = "+8613700000001"
    row = ON_TIMER["lead-overdue"][0]
    assert row.leader_sms
    units = ((office.units["cgj"], at("2026-03-17 00:00")),)
    for emergency, event in ((False, "calm"), (True, "urgent")):
        with clock.frozen(at("2026-03-17 00:00") + timedelta(minutes=1)):
            async with db.session() as session:
                (await session.get_one(Ticket, desk.id)).emergency = emergency
                await tell(session, [Telling(event, desk.id, row, units, units[0][1])])
    async with db.session() as session:
        sent = [one for one in await session.scalars(select(Sms)) if one.to == "+8613700000001"]
        why = {one.key.split(":")[1]: one.id for one in sent}
        told = {
            key: (await session.scalars(select(SmsEvent.detail).where(SmsEvent.sms_id == id))).first()
            for key, id in why.items()
        }
    assert told == {"calm": "夜间不发送，静默结束后发出", "urgent": "已生成"}


async def test_a_units_wish_to_know_the_citizen_ends_with_its_part(db: Database, office: Any) -> None:
    desk = await Desk(db, office).open(confidential=True)
    await desk.dispatch()
    await desk.act(office.clerk, Act.SIGN)
    await desk.act(office.clerk, Act.ASK_IDENTITY, purpose="须当面核实位置")
    await desk.act(office.clerk, Act.RETURN, ground="not-ours", basis="该路段由公安交警部门管理")
    await desk.act(office.dispatcher, Act.ACCEPT_RETURN, reason="经核对职责分工")
    [request] = await desk.rows(IdentityRequest)
    assert request.state == "void"
    await desk.dispatch("gaj")
    with pytest.raises(Conflict, match="没有待审批"):
        await desk.act(office.director, Act.GRANT_IDENTITY, reason="确需当面核实")
