"""Orders that come down from the city as spreadsheets, and what goes back (D33)."""

import asyncio
import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from city_files import NUMBER, csv_file, row, xlsx
from crm_desk import Desk, at
from openpyxl import load_workbook
from sqlalchemy import func, select

from core import clock
from core.db import Database
from core.errors import Conflict, Denied, Invalid
from core.ledger.models import LedgerEntry
from crm.city import importing, rejected, writing
from crm.city.judging import Verdict
from crm.city.models import CityImport, CityOrder, CityReport, CityRow
from crm.queries import desks
from crm.queries.orders import order_page
from crm.search.filter import OrderFilter
from crm.search.service import find
from crm.tickets.models import DueChange, Extension, ReturnRequest, SupervisionCandidate, Ticket
from crm.tickets.perform import Offer, offers
from crm.tickets.states import Act, State
from crm.timers.scan import scan

TICK = timedelta(microseconds=1)


async def bring(db: Database, who: Any, content: bytes, name: str = "市级.xlsx") -> CityImport:
    """The file as somebody uploads it."""
    table = await importing.read_file(name, content)
    async with db.session() as session:
        return await importing.upload(session, who, name, content, table)


async def take(db: Database, who: Any, import_id: UUID) -> CityImport:
    """The same, imported."""
    async with db.session() as session:
        return await importing.confirm(session, who, import_id)


async def rows(db: Database, import_id: UUID) -> list[tuple[int, str, str]]:
    async with db.session() as session:
        return [(one.n, one.verdict, one.reason) for one in await importing.rows_of(session, import_id)]


async def orders(db: Database) -> list[Ticket]:
    async with db.session() as session:
        return list(await session.scalars(select(Ticket).order_by(Ticket.upstream_number)))


async def desk_of(db: Database, office: Any, content: bytes, when: str = "2026-03-02 10:00") -> Desk:
    """The first order of the file, imported and dispatched to 城市管理局."""
    desk = Desk(db, office, when)
    with clock.frozen(desk.now):
        await take(db, office.dispatcher, (await bring(db, office.dispatcher, content)).id)
    desk.id = (await orders(db))[0].id
    await desk.dispatch()
    return desk


@pytest.mark.proves("D33", "F09-2")
async def test_all_good_rows_become_orders_and_bad_ones_come_back_with_their_reason(db: Database, office: Any) -> None:
    content = xlsx(
        row(),
        row("SR202603020002", 诉求类别="举报", 来电人="匿名", 联系方式=None),
        row("SR202603020003", 办结时限="下周"),
        row("SR202603020004", 诉求类别="表扬"),
        row(),
    )
    made = await bring(db, office.dispatcher, content)
    assert made.counts == {"new": 2, "present": 0, "changed": 0, "bad": 3}
    assert await orders(db) == [], "a preview makes nothing"
    found = await rows(db, made.id)
    assert [one[2] for one in found[2:]] == [
        "“办结时限”不是日期：下周",
        "“诉求类别”没有对应的诉求类别：表扬",
        "与第 2 行的编号重复",
    ]
    await take(db, office.dispatcher, made.id)
    first, second = await orders(db)
    assert (first.upstream_number, first.upstream_due_at) == (NUMBER, at("2026-03-14 00:00"))
    assert (first.source, first.state, first.category, first.caller_phone) == (
        *("city", "draft", "complaint"),
        "+8613800001234",
    )
    assert (second.sealed, second.anonymous, second.caller_name) == (True, True, None)
    count, file = await rejected.workbook(db, office.dispatcher, made.id)
    page = load_workbook(file).active
    assert count == 3
    assert page is not None
    lines = [list(one) for one in page.iter_rows(min_row=2, values_only=True)]
    assert lines[0][:3] == ["原文件行号", "不能导入的原因", "工单编号"]
    assert [(one[0], one[2]) for one in lines[1:4]] == [("4", "SR202603020003"), ("5", "SR202603020004"), ("6", NUMBER)]
    async with db.session() as session:
        assert await session.scalar(select(func.count()).where(CityRow.cells.is_not(None))) == 3
        acts = set(await session.scalars(select(LedgerEntry.action)))
    assert {"city.upload", "city.import", "city.bad-rows"} <= acts


@pytest.mark.proves("D33")
async def test_nothing_comes_twice_also_when_two_import_the_same_file_at_once(db: Database, office: Any) -> None:
    content = xlsx(*(row(f"SR2026030200{n:02}") for n in range(20)))
    one, two = await bring(db, office.dispatcher, content), await bring(db, office.director, content)
    done = await asyncio.gather(take(db, office.dispatcher, one.id), take(db, office.director, two.id))
    assert sorted(made.counts["new"] for made in done) == [0, 20]
    assert len(await orders(db)) == 20
    with pytest.raises(Conflict, match="已导入这个文件"):
        await take(db, office.dispatcher, one.id)
    third = await bring(db, office.dispatcher, csv_file(*(row(f"SR2026030200{n:02}") for n in range(20))), "市级.csv")
    assert third.counts == {"new": 0, "present": 20, "changed": 0, "bad": 0}


async def test_a_changed_row_moves_the_upstream_due_and_nothing_that_the_county_wrote(
    db: Database, office: Any
) -> None:
    desk = await desk_of(db, office, xlsx(row()))
    content = (await desk.ticket()).content
    made = await bring(db, office.dispatcher, xlsx(row(办结时限="2026-03-20", 诉求内容="另有噪音，请一并处理。")))
    [(_, verdict, reason)] = await rows(db, made.id)
    assert verdict == Verdict.CHANGED
    assert "市级时限由 2026-03-14 00:00 改为 2026-03-21 00:00" in reason
    assert "市级改动了诉求内容" in reason
    before = await desk.ticket()
    await take(db, office.dispatcher, made.id)
    after = await desk.ticket()
    assert (after.upstream_due_at, after.content) == (at("2026-03-21 00:00"), content)
    assert (after.version, after.due_at) == (before.version + 1, at("2026-03-17 00:00"))
    [moved] = await desk.rows(DueChange)
    assert (moved.cause, moved.before, moved.after) == ("upstream", before.due_at, after.due_at)
    assert moved.assignment_id == (await desk.part("cgj")).id, "the county's own due stays"
    assert (await desk.round()).due_at == after.due_at
    assert (await desk.events())[-1].act == Act.CITY_CHANGED
    again = await bring(db, office.dispatcher, xlsx(row(办结时限="2026-03-20", 诉求内容="另有噪音，请一并处理。")))
    assert again.counts["present"] == 1


async def test_who_may_exchange(db: Database, office: Any) -> None:
    for who in (office.agent, office.clerk, office.checker, office.bureau):
        with pytest.raises(Denied):
            await bring(db, who, xlsx(row()))
        with pytest.raises(Denied):
            await writing.export(db, who)


async def sheet(db: Database, who: Any) -> list[dict[str, Any]]:
    """What is written back, by the city's columns."""
    sent = await writing.export(db, who)
    with sent.content as file:
        page = load_workbook(io.BytesIO(file.read())).active
    assert page is not None
    head, *lines = page.iter_rows(values_only=True)
    return [dict(zip(map(str, head), line, strict=True)) for line in lines]


async def reports(db: Database) -> list[tuple[str, str, str]]:
    async with db.session() as session:
        found = await session.scalars(select(CityReport).order_by(CityReport.at))
        return [(one.kind, one.state, one.difference) for one in found]


@pytest.mark.proves("D33")
async def test_what_happened_goes_back_once_and_is_reconciled(db: Database, office: Any) -> None:
    desk = await desk_of(db, office, xlsx(row()))
    with pytest.raises(Invalid, match="不需要回写"):
        await writing.export(db, office.dispatcher)
    await desk.act(office.clerk, Act.SIGN)
    await desk.submit(office.clerk)
    [signed] = await sheet(db, office.dispatcher)
    assert (signed["工单编号"], signed["办理环节"], signed["工单状态"]) == (NUMBER, "签收", "办理中")
    assert signed["承办单位"] == "弋阳县城市管理局"
    await desk.act(office.checker, Act.PASS)
    [replied] = await sheet(db, office.director)
    assert (replied["办理环节"], replied["工单状态"]) == ("回复", "已办结")
    assert replied["办理结果"] == "已派员到现场清理，占道摊贩已全部劝离。"
    assert await reports(db) == [("sign", "exported", ""), ("reply", "exported", "")]
    await take(db, office.dispatcher, (await bring(db, office.dispatcher, xlsx(row(工单状态="已签收")))).id)
    assert [one[:2] for one in await reports(db)] == [("sign", "confirmed"), ("reply", "differs")]
    assert "市级状态为“已签收”" in (await reports(db))[1][2]
    await take(db, office.dispatcher, (await bring(db, office.dispatcher, xlsx(row(工单状态="已结案")))).id)
    assert [one[1] for one in await reports(db)] == ["confirmed", "confirmed"]
    with pytest.raises(Invalid, match="不需要回写"):
        await writing.export(db, office.dispatcher)


@pytest.mark.proves("D33", "D16")
async def test_an_extension_waits_for_the_citys_consent(db: Database, office: Any) -> None:
    desk = await desk_of(db, office, xlsx(row()))
    await desk.act(office.clerk, Act.SIGN)
    due = (await desk.ticket()).due_at
    await desk.act(office.clerk, Act.EXTEND, ground="complex", explanation="涉及多个路段，需联合整治", days=5)
    with pytest.raises(Conflict, match="请先报市级"):
        await desk.act(office.dispatcher, Act.GRANT_EXTENSION, reason="同意")
    await desk.act(office.dispatcher, Act.FORWARD_EXTENSION, opinion="情况属实，建议延期")
    with pytest.raises(Conflict, match="须先登记市级答复"):
        await desk.act(office.dispatcher, Act.GRANT_EXTENSION, reason="同意")
    asked = (await sheet(db, office.dispatcher))[-1]
    assert (asked["办理环节"], asked["延期工作日"], asked["申请理由"]) == ("延期申请", "5", "情况复杂")
    answer = {"consents": True, "answer": "市中心同意延期至3月24日", "upstream_due": "2026-03-24"}
    await desk.act(office.dispatcher, Act.CITY_ON_EXTENSION, **answer)
    made = await desk.round()
    assert (await desk.ticket()).due_at == made.due_at == at("2026-03-17 00:00"), "held to the county's own due now"
    assert due == at("2026-03-13 00:00"), "it was held to the city's before"
    await desk.act(office.dispatcher, Act.GRANT_EXTENSION, reason="市级已同意")
    ticket = await desk.ticket()
    assert (ticket.due_at, ticket.upstream_due_at) == (at("2026-03-24 00:00"), at("2026-03-25 00:00"))
    assert [one.state for one in await desk.rows(Extension)] == ["granted"]
    news = xlsx(row(工单状态="已签收", 办结时限="2026-03-24"))
    await take(db, office.dispatcher, (await bring(db, office.dispatcher, news)).id)
    assert [one[:2] for one in await reports(db)] == [("sign", "confirmed"), ("extension", "confirmed")]


@pytest.mark.proves("D33")
async def test_a_no_of_the_citys_can_only_be_followed(db: Database, office: Any) -> None:
    desk = await desk_of(db, office, xlsx(row()))
    await desk.act(office.clerk, Act.SIGN)
    await desk.act(office.clerk, Act.EXTEND, ground="complex", explanation="涉及多个路段，需联合整治", days=5)
    await desk.act(office.dispatcher, Act.FORWARD_EXTENSION, opinion="情况属实，建议延期")
    await desk.act(office.dispatcher, Act.CITY_ON_EXTENSION, consents=False, answer="已临近期限，不予延期")
    with pytest.raises(Conflict, match="市级热线中心不同意：已临近期限"):
        await desk.act(office.dispatcher, Act.GRANT_EXTENSION, reason="同意")
    await desk.act(office.dispatcher, Act.REFUSE_EXTENSION, reason="市级不同意")
    assert [one.state for one in await desk.rows(Extension)] == ["refused"]


@pytest.mark.proves("D33")
async def test_a_return_that_was_sent_up_waits_and_one_inside_the_county_does_not(db: Database, office: Any) -> None:
    desk = await desk_of(db, office, xlsx(row()))
    back = {"ground": "not-ours", "basis": "该路段由上饶市公路局管养"}
    await desk.act(office.clerk, Act.SIGN)
    await desk.act(office.clerk, Act.RETURN, **back)
    with pytest.raises(Conflict, match="尚未报市级"):
        await desk.act(office.dispatcher, Act.CITY_ON_RETURN, consents=True, answer="同意退回")
    await desk.act(office.dispatcher, Act.FORWARD_RETURN, opinion="确属市级管养路段")
    with pytest.raises(Conflict, match="须先登记市级答复"):
        await desk.act(office.dispatcher, Act.ACCEPT_RETURN, reason="同意")
    asked = (await sheet(db, office.dispatcher))[-1]
    assert (asked["办理环节"], asked["申请理由"]) == ("退回申请", "不属于本部门职责")
    await desk.act(office.dispatcher, Act.CITY_ON_RETURN, consents=True, answer="同意退回")
    await desk.act(office.dispatcher, Act.ACCEPT_RETURN, reason="市级同意退回")
    assert await desk.state() is State.CONFIRMED


@pytest.mark.proves("D33")
async def test_no_meeting_decides_a_return_that_waits_for_the_city(db: Database, office: Any) -> None:
    desk = await desk_of(db, office, xlsx(row()))
    await desk.act(office.clerk, Act.SIGN)
    await desk.act(office.clerk, Act.RETURN, ground="not-ours", basis="该路段由上饶市公路局管养")
    await desk.act(office.dispatcher, Act.FORWARD_RETURN, opinion="确属市级管养路段")
    for person in (office.dispatcher, office.bureau):
        with pytest.raises(Conflict, match="须先登记市级答复"):
            await desk.act(person, Act.DISPUTE, reason="推诿扯皮")
    await desk.act(office.dispatcher, Act.CITY_ON_RETURN, consents=True, answer="由县级协调")
    await desk.act(office.bureau, Act.DISPUTE, reason="推诿扯皮")
    [request] = await desk.rows(ReturnRequest)
    assert request.state == "disputed"
    sat = [{"unit_id": office.units["cgj"], "name": "王局长", "signed": True}]
    await desk.act(office.bureau, Act.MEET, held_at=desk.now, attendees=sat, minutes="各方说明职责分工")
    await desk.act(office.director, Act.UPHOLD, decision="由城市管理局继续承办")
    [request] = await desk.rows(ReturnRequest)
    assert (request.state, await desk.state()) == ("refused", State.HANDLING)


@pytest.mark.proves("D33")
async def test_no_meeting_overrules_the_city(db: Database, office: Any) -> None:
    desk = await desk_of(db, office, xlsx(row()))
    await desk.act(office.clerk, Act.SIGN)
    await desk.act(office.clerk, Act.RETURN, ground="not-ours", basis="该路段由上饶市公路局管养")
    await desk.act(office.dispatcher, Act.FORWARD_RETURN, opinion="确属市级管养路段")
    await desk.act(office.dispatcher, Act.CITY_ON_RETURN, consents=False, answer="不同意退回")
    with pytest.raises(Conflict, match="市级热线中心不同意"):
        await desk.act(office.bureau, Act.DISPUTE, reason="推诿扯皮")
    await desk.act(office.dispatcher, Act.REFUSE_RETURN, reason="市级不同意退回")
    assert await desk.state() is State.HANDLING


async def test_an_order_of_the_countys_own_has_nobody_above_it(db: Database, office: Any) -> None:
    desk = await Desk(db, office).open()
    await desk.dispatch()
    await desk.act(office.clerk, Act.SIGN)
    await desk.act(office.clerk, Act.EXTEND, ground="complex", explanation="涉及多个路段，需联合整治", days=5)
    with pytest.raises(Conflict, match="不是市级派发的工单"):
        await desk.act(office.dispatcher, Act.FORWARD_EXTENSION, opinion="建议延期")
    await desk.act(office.dispatcher, Act.GRANT_EXTENSION, reason="同意")
    async with db.session() as session:
        assert await session.scalar(select(func.count()).select_from(CityOrder)) == 0


@pytest.mark.proves("D33", "D16")
async def test_an_exceptional_extension_waits_for_the_city_too(db: Database, office: Any) -> None:
    desk = await desk_of(db, office, xlsx(row()))
    await desk.act(office.clerk, Act.SIGN)
    given = {"ground": "complex", "explanation": "涉及多个路段", "days": 5, "document": "弋政数〔2026〕9号"}
    done = await desk.act(office.bureau_leader, Act.EXTEND_EXCEPTIONALLY, **given)
    assert "市级热线中心审批" in done.result.say
    waiting = await desk.ticket()
    assert (waiting.extension_pending, waiting.extensions) == (True, 0)
    with pytest.raises(Conflict, match="请先报市级"):
        await desk.act(office.dispatcher, Act.GRANT_EXTENSION, reason="同意")
    await desk.act(office.dispatcher, Act.FORWARD_EXTENSION, opinion="政数局已特批，建议延期")
    answer = {"consents": True, "answer": "市中心同意", "upstream_due": "2026-03-27"}
    await desk.act(office.dispatcher, Act.CITY_ON_EXTENSION, **answer)
    await desk.act(office.dispatcher, Act.GRANT_EXTENSION, reason="市级已同意")
    [extension] = await desk.rows(Extension)
    assert (extension.state, extension.exceptional, extension.document) == ("granted", True, "弋政数〔2026〕9号")
    assert (await desk.ticket()).due_at == at("2026-03-24 00:00")


@pytest.mark.proves("D33")
async def test_every_reader_has_the_due_that_counts(db: Database, office: Any) -> None:
    held, desk = at("2026-03-13 00:00"), Desk(db, office)
    with clock.frozen(desk.now):
        await take(db, office.dispatcher, (await bring(db, office.dispatcher, xlsx(row()))).id)
    desk.id = (await orders(db))[0].id
    async with db.session() as session:

        async def first(who: Any) -> Any:
            return (await find(session, who, OrderFilter())).lines[0].due_at

        assert await first(office.director) == held, "before the dispatch the list shows the city's"
    await desk.dispatch()
    await desk.act(office.clerk, Act.SIGN)
    async with db.session() as session:
        assert await first(office.director) == await first(office.clerk) == held
        [queue] = [one for one in desks.queues(office.clerk) if one.key == "handling"]
        [[waiting], _] = await desks.waiting(session, office.clerk, queue)
        page = await order_page(session, office.clerk, desk.id)
    assert waiting.due == held and page.clock is not None and page.clock.due_at == held
    offered = {one.act: one.until for one in await offered_to(db, office.clerk, desk.id)}
    assert offered[Act.EXTEND] == held
    with clock.frozen(held - TICK):
        assert (await scan(db) or {})["lead-overdue"] == 0
    with clock.frozen(held):
        assert (await scan(db) or {})["lead-overdue"] == 1
    with pytest.raises(Conflict, match="3月12日24:00"):
        given = {"ground": "complex", "explanation": "涉及多个路段", "days": 5}
        await desk.act(office.clerk, Act.EXTEND, when="2026-03-13 09:00", **given)
    with clock.frozen(desk.now):
        made = await bring(db, office.dispatcher, xlsx(row(办结时限="2026-03-20")))
        await take(db, office.dispatcher, made.id)
    later = await desk.ticket()
    assert (later.due_at, later.overdue_at) == (at("2026-03-17 00:00"), None), "it is not late any more"
    [candidate] = await desk.rows(SupervisionCandidate)
    assert candidate.state == "void"
    with clock.frozen(at("2026-03-17 00:00")):
        await scan(db)
    [candidate] = await desk.rows(SupervisionCandidate)
    assert (candidate.state, candidate.opened_at) == ("open", at("2026-03-17 00:00"))


async def offered_to(db: Database, who: Any, id: UUID) -> list[Offer]:
    async with db.session() as session:
        return await offers(session, who, await session.get_one(Ticket, id))
