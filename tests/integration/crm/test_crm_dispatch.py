"""Dispatch as the centre does it: suggested from the catalogue and from its own past, cited, guarded, and measured."""

from datetime import date, timedelta
from typing import Any

import pytest
from crm_desk import Desk
from openpyxl import load_workbook
from sqlalchemy import event, select, update

from core import clock
from core.actor import Actor
from core.db import Database
from core.errors import Denied, Invalid
from core.identity.models import Unit
from core.ledger.models import LedgerEntry
from crm.citizens.models import Citizen
from crm.citizens.service import remember
from crm.county.data import Power
from crm.county.lists import PowerList
from crm.installed import Installation
from crm.queries import dispatch_sheet
from crm.queries.behind import Page
from crm.queries.dispatching import Month, month, uncited
from crm.tickets.citing import Cites
from crm.tickets.dispatch import Order, dispatch
from crm.tickets.models import Assignment, Round, Ticket
from crm.tickets.states import Act, By
from crm.tickets.suggesting import Source, Suggestion, suggest

MARCH = date(2026, 3, 1)
STYLE = {"matter": "ZW02", "title": "窗口态度差", "content": "办事窗口态度恶劣"}


async def sent(db: Database, office: Any, lead: str, *assist: str, day: int = 2, **fields: Any) -> Desk:
    """An order of a matter that the catalogue leaves to the centre, dispatched to a unit."""
    desk = await Desk(db, office, f"2026-03-{day:02d} 10:00").open(**{**STYLE, "area": "taoyuan", **fields})
    await desk.dispatch(lead, *assist)
    return desk


async def returned(desk: Desk, clerk: Any, to: str | None = None) -> None:
    """Signed, returned with the centre's consent."""
    await desk.act(clerk, Act.SIGN)
    more = {"suggested_unit_id": desk.office.units[to]} if to else {}
    await desk.act(clerk, Act.RETURN, ground="not-ours", basis="不属于本单位职责", **more)
    await desk.act(desk.office.dispatcher, Act.ACCEPT_RETURN, reason="同意退回")


async def suggested(db: Database, desk: Desk) -> Suggestion:
    async with db.session() as session:
        return await suggest(session, await session.get_one(Ticket, desk.id))


async def measured(db: Database, first: date = MARCH) -> Month:
    async with db.session() as session:
        return await month(session, first)


@pytest.mark.proves("F12.2-2")
async def test_what_was_dispatched_and_not_returned_teaches(db: Database, office: Any) -> None:
    for day in (2, 3):
        await sent(db, office, "gaj", day=day)
    wrong = await sent(db, office, "cgj", day=4)
    await returned(wrong, office.clerk)
    new = await Desk(db, office, "2026-03-06 10:00").open(**STYLE, area="taoyuan")
    found = await suggested(db, new)
    assert [(one.unit.code, one.source) for one in found.candidates] == [("gaj", Source.LEARNED)]
    assert found.reason == "近期“工作作风”派发 3 件，该单位承办 2 件，其中本地 2 件，无退回"
    elsewhere = await Desk(db, office, "2026-03-06 11:00").open(matter="CX01", area="taoyuan")
    assert (await suggested(db, elsewhere)).lead.code == "cgj"  # type: ignore[union-attr]
    await new.dispatch("gaj")
    made = (await new.rows(Round))[-1]
    assert made.suggested == found.kept
    assert made.cites == Cites.DECISION


@pytest.mark.proves("F12.2-2")
async def test_a_returning_units_opinion_is_the_next_suggestion(db: Database, office: Any) -> None:
    desk = await Desk(db, office).open(area="taoyuan")
    await desk.dispatch("cgj", "taoyuan")
    await returned(desk, office.clerk, "gaj")
    found = await suggested(db, desk)
    assert found.candidates[0].unit.code == "gaj"
    assert found.candidates[0].source is Source.OPINION
    assert "已退回本工单" in found.left_out[0]


@pytest.mark.proves("A19-1", "F19-1")
async def test_several_units_need_a_line_of_the_power_list_or_a_decision(
    db: Database, office: Any, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    power = Power(code="QZ-001", name="城市市容管理", unit="cgj", basis="《城市市容和环境卫生管理条例》第十四条")
    monkeypatch.setitem(installation.__dict__, "powers", PowerList([power], {}))
    desks = [await Desk(db, office).open(area="taoyuan") for _ in range(4)]
    with pytest.raises(Invalid, match="须引用权责清单条目，或写明热线中心的决定") as refused:
        await desks[0].dispatch("cgj", "gaj", basis="")
    assert set(refused.value.fields) == {"basis"}
    with pytest.raises(Invalid, match="没有这个编码"):
        await desks[0].dispatch("cgj", "gaj", power="QZ-404")
    with pytest.raises(Invalid, match="实施主体是"):
        await desks[0].dispatch("gaj", "cgj", power="QZ-001")
    await desks[0].dispatch("cgj", "gaj", power="QZ-001")
    await desks[1].dispatch("cgj", "gaj", basis="经研究由城管局牵头，公安局配合")
    await desks[2].dispatch("cgj", "taoyuan", basis="")
    await desks[3].dispatch("gaj")
    rounds = [(await desk.rows(Round))[-1] for desk in desks]
    assert [(one.cites, one.power) for one in rounds] == [
        (Cites.POWER, "QZ-001"),
        (Cites.DECISION, None),
        (Cites.CATALOGUE, None),
        (Cites.DECISION, None),
    ]
    assert "城市市容管理" in (await desks[0].rows(Assignment))[0].basis
    found = await measured(db)
    assert found.cited == {Cites.POWER: 1, Cites.CATALOGUE: 1, Cites.DECISION: 1}
    assert (found.several, found.without) == (3, 0)


@pytest.mark.proves("A12.2-3")
async def test_suggestions_are_measured_by_who_handled_the_order_in_the_end(db: Database, office: Any) -> None:
    for day in (2, 2, 3, 4):
        await sent(db, office, "gaj", day=day)  # the first has no suggestion, the others 公安局, and stay there
    await sent(db, office, "jtj", day=5)  # another than suggested
    back = await sent(db, office, "gaj", day=6)  # as suggested, and returned; 教体局 was the second suggestion …
    await returned(back, office.other)
    await back.dispatch("jtj")  # … and is the first now
    open_end = await sent(db, office, "gaj", day=9)
    await returned(open_end, office.other)  # nobody has it: who was suggested first was wrong
    found = await measured(db)
    [line] = found.matters
    assert (line.matter, line.dispatched, line.returned, line.accuracy) == ("ZW02", 8, 2, "75.0%")
    assert (line.settled, line.suggested, line.first, line.three) == (8, 7, 4, 5)
    assert (line.top_1, line.top_3) == ("57.1%", "71.4%")
    assert found.total.first == 4
    assert (await measured(db, date(2026, 4, 1))).total.top_1 == "—"


async def test_the_months_table_is_a_workbook_on_record(db: Database, office: Any) -> None:
    await sent(db, office, "gaj", "cgj")
    async with db.session() as session:
        with pytest.raises(Denied):
            await dispatch_sheet.export(session, office.agent, MARCH, "月度通报", title="弋阳12345")
        with pytest.raises(Invalid, match="填写导出原因"):
            await dispatch_sheet.export(session, office.dispatcher, MARCH, " ", title="弋阳12345")
        with pytest.raises(Invalid, match="没有符合条件"):
            await dispatch_sheet.export(session, office.dispatcher, date(2025, 3, 1), "月度通报", title="弋阳12345")
        taken = await dispatch_sheet.export(session, office.dispatcher, MARCH, "月度通报", title="弋阳12345")
    with taken.content as content:
        rows = [[cell or "" for cell in row] for row in load_workbook(content).active.iter_rows(values_only=True)]
    assert "2026年3月派单质量" in rows[0][0] and taken.number in rows[0][0]
    assert rows[3][:4] == ["合计", "1", "0", "100.0%"]
    assert ["派给多个单位", "1"] in [row[:2] for row in rows]
    async with db.session() as session:
        entry = await session.scalar(select(LedgerEntry).where(LedgerEntry.action == "dispatch-quality.export"))
    assert entry is not None and (entry.actor_name, entry.reason) == ("dispatcher", "月度通报")


@pytest.mark.proves("A19-1")
async def test_dispatches_without_a_citation_are_found_to_the_last(db: Database, office: Any) -> None:
    desks = [await sent(db, office, "gaj", "cgj", day=day) for day in (2, 3, 4)]
    cited = await sent(db, office, "gaj", "cgj", day=5)
    await sent(db, office, "gaj", day=6)
    async with db.session() as session:
        await session.execute(update(Round).where(Round.ticket_id != cited.id).values(cites=None))
        numbers = [(await session.get_one(Ticket, desk.id)).number for desk in desks]

        async def found(actor: Actor, page: Page) -> list[str]:
            return [ticket.number for _, ticket in await uncited(session, actor, MARCH, page)]

        assert await found(office.dispatcher, Page(10)) == numbers[::-1]
        assert await found(office.dispatcher, Page(2, oldest_first=True)) == numbers[:2]
        [(part, _)] = await uncited(session, office.dispatcher, MARCH, Page(1))
        behind = Page(10, after=(part.dispatched_at, part.id))
        assert await found(office.dispatcher, behind) == numbers[1::-1]
        assert await found(office.dispatcher, Page(10, search=numbers[1])) == [numbers[1]]
        assert await found(office.stranger, Page(10)) == []
        page, why = Page(10, search=numbers[0]), "核对依据"
        taken = await dispatch_sheet.export_uncited(session, office.dispatcher, MARCH, page, why, title="弋阳12345")
    with taken.content as content:
        [row] = list(load_workbook(content).active.iter_rows(values_only=True))[2:-1]
    assert row[:2] == (numbers[0], "窗口态度差") and row[2].startswith("2026-03-02 10:") and row[3] == "待签收"


@pytest.mark.proves("F12.2-3", "A12.2-2")
async def test_a_named_unit_gets_a_report_only_when_a_second_person_clears_it(db: Database, office: Any) -> None:
    words = {
        "category": "report",
        "matter": "SC02",
        "title": "饭店用过期食材",
        "content": "公安局斜对面的饭店用过期食材",
    }
    desk = await Desk(db, office).open(**words)
    with pytest.raises(Invalid, match=r"举报涉及.*不得由其承办.*班长"):
        await desk.dispatch("gaj", identity_checked=True)
    with pytest.raises(Invalid) as refused:
        await desk.dispatch("gaj", identity_checked=True, not_accused="公安局只是地点")
    assert set(refused.value.fields) == {"not_accused"}
    units = {"lead_unit_id": office.units["gaj"], "identity_checked": True}
    await desk.act(office.lead, Act.DISPATCH, **units, not_accused="公安局只是地点，被举报的是饭店")
    after = (await desk.events())[-1].after
    assert after["not_accused"] == "公安局只是地点，被举报的是饭店"


@pytest.mark.proves("D29")
@pytest.mark.parametrize(
    ("category", "lead", "assist"),
    [
        ("complaint", "2026-03-16", "2026-03-13"),
        ("help", "2026-03-09", "2026-03-06"),
        ("consultation", "2026-03-04", "2026-03-04"),
    ],
)
async def test_an_assisting_unit_answers_a_working_day_before_the_lead_or_on_the_day_where_it_is_short(
    db: Database, office: Any, category: str, lead: str, assist: str
) -> None:
    desk = await Desk(db, office).open(category=category, area="taoyuan")
    await desk.dispatch("cgj", "taoyuan")
    parts = {one.role: one for one in await desk.rows(Assignment)}
    dues = {role: one.due_at for role, one in parts.items() if one.due_at is not None}
    ends = {role: clock.local(due - timedelta(seconds=1)).date().isoformat() for role, due in dues.items()}
    assert ends == {By.LEAD: lead, By.ASSIST: assist}
    assert parts[By.LEAD].sign_due_at == parts[By.ASSIST].sign_due_at


@pytest.mark.proves("D29")
async def test_the_order_is_on_time_by_its_lead_and_an_assisting_unit_may_return(db: Database, office: Any) -> None:
    desk = await Desk(db, office).open(area="taoyuan")
    await desk.dispatch("cgj", "taoyuan")
    await desk.act(office.clerk, Act.SIGN)
    await desk.act(office.helper, Act.SIGN)
    await desk.act(office.helper, Act.RETURN, ground="not-ours", basis="不在本街道辖区")
    part = next(one for one in await desk.rows(Assignment) if one.role == By.ASSIST)
    await desk.act(office.dispatcher, Act.ACCEPT_ASSIST_RETURN, assignment_id=part.id, reason="同意")
    await desk.submit(office.clerk, when="2026-03-16 23:59")
    await desk.act(office.checker, Act.PASS)
    ticket = await desk.ticket()
    assert ticket.overdue_at is None and ticket.closed_at is not None


async def test_a_switched_off_unit_is_never_suggested(db: Database, office: Any) -> None:
    async with db.session() as session:
        (await session.get_one(Unit, office.units["cgj"])).active = False
    desk = await Desk(db, office).open(area="taoyuan")
    assert (await suggested(db, desk)).candidates == ()


async def test_a_number_is_one_citizen_with_the_name_last_told(db: Database, office: Any) -> None:
    orders = [
        await sent(db, office, "gaj", day=2 + n, caller_name=name) for n, name in enumerate(("张三", "张三丰", None))
    ]
    async with db.session() as session:
        [citizen] = (await session.scalars(select(Citizen))).all()
        assert {(await one.ticket()).citizen_id for one in orders} == {citizen.id}
        assert (citizen.phone, citizen.name) == ("+8613800001234", "张三丰")
        for _ in range(15):  # the connection prepares the statement, the server plans it for any values
            assert await remember(session, citizen.phone) == citizen.id


async def test_a_dispatch_writes_its_order_once_and_reads_it_no_more(db: Database, office: Any) -> None:
    desk = await Desk(db, office).open(area="taoyuan")
    statements: list[str] = []

    def note(*args: Any) -> None:
        statements.append(args[2])

    event.listen(db.engine.sync_engine, "before_cursor_execute", note)
    async with db.session() as session:
        order = Order(
            lead_unit_id=office.units["cgj"], assist_unit_ids=(office.units["taoyuan"],), basis="热线中心决定"
        )
        await dispatch(session, office.agent, desk.id, (await desk.ticket()).version, order)
    event.remove(db.engine.sync_engine, "before_cursor_execute", note)
    assert len([one for one in statements if one.startswith("UPDATE tickets")]) == 1
    after = statements[[one.startswith("UPDATE tickets") for one in statements].index(True) :]
    assert not [one for one in after if one.startswith("SELECT tickets.id, tickets.number,")]
