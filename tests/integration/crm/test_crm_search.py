"""Finding orders in a real database: nothing stale, nothing sealed told, every list paged by key."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, product
from typing import Any

import pytest
from sqlalchemy import delete, event, func, select, update

from core import clock
from core.actor import Actor
from core.clock import local
from core.db import Database, new_id
from core.errors import Denied
from core.permissions import Role
from crm.search.earlier import earlier_of
from crm.search.filter import OrderFilter, Sort
from crm.search.identity import identity_shown_to
from crm.search.index import reindex
from crm.search.models import TicketWords
from crm.search.service import MOST_COUNTED, find
from crm.tickets.access import sees_identity
from crm.tickets.dispatch import Order, dispatch
from crm.tickets.input import Correction
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, correct, open_draft, propose, void
from crm.tickets.states import State

MOBILE = "+8613800001234"
START = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)


async def make(
    db: Database,
    office: Any,
    *,
    phone: str | None = MOBILE,
    by: str = "agent",
    at: datetime | None = None,
    **fields: Any,
) -> Ticket:
    given = {"category": "complaint", "matter": "CX01", "title": "路边摊占道", "content": "每天傍晚占道经营"}
    given |= {"occurred": "不详", "address": "不详", "subject": "不详", "demand": "不详"} | fields
    actor = office.actors[by]
    with clock.frozen(at or clock.now()):
        async with db.session() as session:
            ticket = await open_draft(session, Opening("phone", new_id(), phone, agent_id=actor.user_id))
            return await correct(session, actor, ticket.id, 1, Correction.model_validate(given))


async def sent(db: Database, office: Any, ticket: Ticket, lead: str = "cgj") -> Ticket:
    with clock.frozen(ticket.opened_at):
        async with db.session() as session:
            order = Order(lead_unit_id=office.units[lead], identity_checked=True)
            return (await dispatch(session, office.lead, ticket.id, ticket.version, order)).ticket


async def titles(db: Database, actor: Actor, **wanted: Any) -> list[str]:
    async with db.session() as session:
        return [line.title for line in (await find(session, actor, OrderFilter(**wanted))).lines]


async def test_an_order_is_found_by_what_was_last_confirmed(db: Database, office: Any) -> None:
    ticket = await make(db, office, title="小区停水", content="桃花社区从早上起停水")
    assert await titles(db, office.agent, search="停水 桃花社区") == ["小区停水"]
    async with db.session() as session:
        changed = Correction.model_validate({"title": "小区停电", "content": "不是停水，是没有电"})
        await correct(session, office.agent, ticket.id, ticket.version, changed)
    assert await titles(db, office.agent, search="桃花社区") == []
    assert await titles(db, office.agent, search="停水") == ["小区停电"]
    assert await titles(db, office.agent, search="停电 没有") == ["小区停电"]


async def test_what_is_rolled_back_is_not_found(db: Database, office: Any) -> None:
    ticket = await make(db, office, title="小区停水")
    with pytest.raises(RuntimeError):
        async with db.session() as session:
            changed = Correction.model_validate({"title": "路灯不亮"})
            await correct(session, office.agent, ticket.id, ticket.version, changed)
            raise RuntimeError
    assert await titles(db, office.agent, search="路灯") == []
    assert await titles(db, office.agent, search="停水") == ["小区停水"]


async def test_what_only_a_machine_heard_is_in_no_index(db: Database, office: Any) -> None:
    async with db.session() as session:
        ticket = await open_draft(session, Opening("phone", new_id(), MOBILE, agent_id=office.agent.user_id))
        heard = {"value": "举报某局乱收费", "label": "", "sources": [], "confidence": 0.5, "reason": ""}
        await propose(session, ticket, {"title": heard})
    assert await titles(db, office.lead, search="乱收费") == []
    async with db.session() as session:
        await void(session, office.agent, ticket.id, 1, "拨错号码")
    assert await titles(db, office.lead, search="乱收费") == ["举报某局乱收费"]


async def test_titles_come_first_and_then_the_newest(db: Database, office: Any) -> None:
    for n, (title, content) in enumerate(
        [("噪音扰民", "夜里有声音"), ("停水", "施工噪音"), ("噪音", "很吵"), ("路灯", "灯不亮，没有噪音")]
    ):
        await make(db, office, title=title, content=content, at=START + timedelta(days=n))
    assert await titles(db, office.agent, search="噪音") == ["噪音", "噪音扰民", "路灯", "停水"]
    assert await titles(db, office.agent, search="噪音", sort=Sort.NEWEST) == ["路灯", "噪音", "停水", "噪音扰民"]
    assert await titles(db, office.agent, search="噪音", sort=Sort.OLDEST) == ["噪音扰民", "停水", "噪音", "路灯"]


async def test_by_number_phone_unit_state_category_area_and_day(db: Database, office: Any) -> None:
    first = await make(db, office, title="甲", area="taoyuan", at=START)
    second = await make(db, office, title="乙", phone="+8613911115678", category="help", at=START + timedelta(days=1))
    await sent(db, office, second, "mzj")
    third = await make(db, office, title="丙", phone="+8613922225678", category="help", at=START + timedelta(days=2))
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"search": first.number}, ["甲"]),
        ({"search": first.number.lower()[:8]}, ["丙", "乙", "甲"]),
        ({"search": third.number[2:10]}, ["丙"]),
        ({"search": "138 0000 1234"}, ["甲"]),
        ({"search": "5678"}, ["丙", "乙"]),
        ({"search": "5678 占道", "unit": office.units["mzj"]}, ["乙"]),
        ({"unit": office.units["cgj"]}, []),
        ({"state": {"dispatched"}}, ["乙"]),
        ({"state": {"dispatched", "draft"}, "category": "help"}, ["丙", "乙"]),
        ({"area": "taoyuan", "search": "占道"}, ["甲"]),
        ({"first": "2026-11-03", "last": "2026-11-03"}, ["乙"]),
        ({"first": "2026-11-03", "search": "占道", "sort": "newest"}, ["丙", "乙"]),
        ({"last": "2026-11-03", "search": "占道", "sort": "oldest"}, ["甲", "乙"]),
        ({"sort": "due"}, ["乙", "丙", "甲"]),
        ({"sort": "state"}, ["丙", "甲", "乙"]),
        ({"search": "。"}, []),
    ]
    for wanted, expected in cases:
        assert await titles(db, office.agent, **wanted) == expected, wanted
        async with db.session() as session:
            page = await find(session, office.agent, OrderFilter(**wanted), limit=1, most=MOST_COUNTED)
            assert page.total == len(expected), wanted


@pytest.mark.proves("F22-3", "A22-3")
async def test_no_search_tells_who_made_a_report(db: Database, office: Any) -> None:
    """Not by its row, its count, or a page that ends earlier or later: without the permission it is not there."""
    report = await make(db, office, title="举报乱罚款", category="report", by="lead")
    await sent(db, office, report)
    same_caller = await sent(db, office, await make(db, office, title="小区停水"))
    confidential = await sent(db, office, await make(db, office, title="要求保密", confidential=True))
    shown = {
        "agent": {"小区停水", "要求保密"},
        "lead": {"小区停水", "要求保密", "举报乱罚款"},
        "archivist": {"小区停水", "要求保密"},
        "clerk": {"小区停水"},
    }
    for login, expected in shown.items():
        actor = office.actors[login]
        for search in ("1234", "138 0000 1234"):
            async with db.session() as session:
                if search != "1234" and login in ("archivist", "clerk"):
                    with pytest.raises(Denied):
                        await find(session, actor, OrderFilter(search=search))
                    with pytest.raises(Denied):
                        await find(session, actor, OrderFilter(search=search), most=MOST_COUNTED)
                    continue
                for sort in Sort:
                    wanted = OrderFilter(search=search, sort=sort)
                    page = await find(session, actor, wanted)
                    assert {line.title for line in page.lines} == expected
                    exact = await find(session, actor, wanted, limit=len(expected))
                    assert exact.next == ""
                    counted = await find(session, actor, wanted, limit=1, most=MOST_COUNTED)
                    assert counted.total == len(expected)
    async with db.session() as session:
        clerk, lead = office.clerk, office.lead
        assert {one.title for one in await earlier_of(session, lead, same_caller)} == {"举报乱罚款", "要求保密"}
        assert await earlier_of(session, clerk, same_caller) == []
        for hidden in (report, confidential):
            assert await earlier_of(session, clerk, await session.get_one(Ticket, hidden.id)) == []
        assert {line.title for line in (await find(session, clerk, OrderFilter())).lines} == {
            "小区停水",
            "要求保密",
            "举报乱罚款",
        }


async def test_the_index_of_a_report_names_nobody(db: Database, office: Any) -> None:
    told = {"content": "我是张建国，电话13800001234，举报某局乱罚款", "caller_name": "张建国"}
    report = await make(db, office, title="张建国举报", category="report", by="lead", **told)
    async with db.session() as session:
        kept = await session.scalar(select(func.tsvector_to_array(TicketWords.words)))
    assert kept is not None
    assert not {one for one in kept if "建国" in one or "张建" in one or "1380000" in one}
    assert {"罚款", "t/举报", "某局"} <= set(kept)
    async with db.session() as session:
        await session.execute(update(Ticket).where(Ticket.id == report.id).values(sealed=False))
    assert await reindex(db) == 1  # what went past the session is found out
    assert await titles(db, office.lead, search="张建国") == ["张建国举报"]


async def test_reindex_mends_and_then_finds_nothing_to_do(db: Database, office: Any) -> None:
    for n in range(5):
        await sent(db, office, await make(db, office, title=f"第{n}张"))
    assert await reindex(db) == 0
    async with db.session() as session:
        await session.execute(delete(TicketWords))
    assert await titles(db, office.agent, search="占道") == []
    assert await reindex(db) == 5
    assert len(await titles(db, office.clerk, search="占道")) == 5
    assert await reindex(db) == 0


@pytest.mark.parametrize("role", [Role.AGENT, Role.SHIFT_LEAD, Role.UNIT_CLERK, Role.SUPERVISOR, Role.AUDIT_ADMIN])
async def test_sql_and_python_agree_on_whose_identity_is_shown(db: Database, office: Any, role: Role) -> None:
    actor = Actor(office.agent.user_id, "某人", frozenset({role}), office.units["cgj"])
    for sealed, confidential, by in product((False, True), (False, True), ("agent", "lead")):
        category = "report" if sealed else "help"
        await make(db, office, category=category, confidential=confidential, by=by)
    async with db.session() as session:
        shown = set(await session.scalars(select(Ticket.id).where(identity_shown_to(actor))))
        tickets = list(await session.scalars(select(Ticket)))
    assert len(tickets) == 8
    assert shown == {ticket.id for ticket in tickets if sees_identity(actor, ticket)}


@pytest.mark.parametrize("wanted", [{}, {"search": "占道"}, {"search": "占道", "sort": "newest"}, {"search": "1234"}])
@pytest.mark.parametrize("sort", [*Sort])
async def test_pages_neither_lose_nor_repeat_while_orders_come_in(
    db: Database, office: Any, wanted: dict[str, Any], sort: Sort
) -> None:
    made = []
    for n in range(9):  # pairs at one instant: the id decides
        ticket = await make(db, office, title="占道" if n % 3 else "别的", at=START + timedelta(days=40 * (n // 2)))
        made.append(await sent(db, office, ticket) if n % 4 == 1 else ticket)
    for actor in (office.agent, office.clerk):
        asked = OrderFilter.model_validate({"sort": sort, **wanted})
        async with db.session() as session:
            whole = [line.id for line in (await find(session, actor, asked)).lines]
        assert set(whole) == {one.id for one in made if actor is office.agent or one.state == "dispatched"}
        seen, after = [], ""
        for newcomer in range(10):
            async with db.session() as session:
                page = await find(session, actor, asked, after=after, limit=2)
            seen += [line.id for line in page.lines]
            if not (after := page.next):
                break
            await make(
                db, office, at=START + timedelta(days=400 + newcomer), phone=None, title="新来", content="后来的"
            )
        kept = [id for id in seen if id in set(whole)]
        assert kept == whole
        assert len(set(seen)) == len(seen)
        async with db.session() as session:
            await session.execute(delete(TicketWords).where(TicketWords.ticket_id.not_in([one.id for one in made])))


async def test_a_frequent_word_is_read_in_windows(db: Database, office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many days lie between them, and however few orders a window holds, the list is whole and in order."""
    monkeypatch.setattr("crm.search.windows.FIRST_LOOK", 2)
    monkeypatch.setattr("crm.search.windows.MOST_DAYS", 30)
    for n in range(12):
        words = "占道 摆摊" if n % 4 == 0 else "占道"
        await make(db, office, title=f"{n}", content=words, at=START + timedelta(days=n * n))
    for search, step in (("占道", 1), ("摆摊", 4)):
        for limit in (1, 3, 50):
            for sort in (Sort.NEWEST, Sort.OLDEST, Sort.RELEVANCE):
                seen, after = [], ""
                while True:
                    async with db.session() as session:
                        wanted = OrderFilter(search=search, sort=sort)
                        page = await find(session, office.agent, wanted, after=after, limit=limit)
                    seen += [int(line.title) for line in page.lines]
                    if not (after := page.next):
                        break
                expected = list(range(0, 12, step))
                assert seen == (expected if sort is Sort.OLDEST else expected[::-1])


@pytest.mark.parametrize("few", [2, 10])
async def test_a_state_or_days_leave_less_to_search(
    db: Database, office: Any, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """The list is whole and in order; of other days than the filter's the index is not asked, and how deep one looks
    first is asked once."""
    monkeypatch.setattr("crm.search.windows.FIRST_LOOK", 2)
    monkeypatch.setattr("crm.search.windows.MOST_DAYS", 60)
    monkeypatch.setattr("crm.search.walk.FEW", few)
    made = []
    for n in range(12):
        title = f"{n}占道" if n % 2 else f"{n}"
        made.append(await make(db, office, title=title, content="占道摆摊", at=START + timedelta(days=n * n)))
    async with db.session() as session:
        handled = [one.id for one in (made[2], *made[9:])]
        await session.execute(update(Ticket).where(Ticket.id.in_(handled)).values(state=State.HANDLING))
    days: list[str] = []
    looks: list[bool] = []

    def note(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
        days.extend(values.get("inside", ()))
        looks.append("OFFSET" in statement and "TSQUERY" not in statement)

    handling, both = frozenset({State.HANDLING}), frozenset({State.HANDLING, State.RETURNING})
    event.listen(db.engine.sync_engine, "before_cursor_execute", note)
    try:
        for asks, found in (
            ({"state": handling, "sort": Sort.NEWEST}, [11, 10, 9, 2]),
            ({"state": handling, "sort": Sort.OLDEST}, [2, 9, 10, 11]),
            ({"state": handling}, [11, 9, 10, 2]),
            ({"state": frozenset({State.RETURNING})}, []),
            ({"state": both, "sort": Sort.STATE}, [11, 10, 9, 2]),
            ({"first": day(made[9]), "sort": Sort.NEWEST}, [11, 10, 9]),
            ({"first": day(made[7]), "last": day(made[8]), "sort": Sort.OLDEST}, [7, 8]),
            ({"first": day(made[7]), "last": day(made[9]), "state": handling}, [9]),
            ({"first": day(made[11]) + timedelta(days=1), "sort": Sort.NEWEST}, []),
        ):
            wanted = OrderFilter.model_validate({"search": "占道", **asks})
            for limit in (1, 2, 50):
                seen, after = [], ""
                while True:
                    days.clear(), looks.clear()
                    async with db.session() as session:
                        page = await find(session, office.agent, wanted, after=after, limit=limit)
                    named = all("'b/" in one or "'d/" in one for one in days)
                    assert (named and (days or not found)) or not wanted.first or wanted.state, days
                    assert after or sum(looks) <= 1, "how deep to look first is asked once"
                    seen += [int(line.title.removesuffix("占道")) for line in page.lines]
                    if not (after := page.next):
                        break
                assert seen == found, (wanted, limit)
    finally:
        event.remove(db.engine.sync_engine, "before_cursor_execute", note)


def day(ticket: Ticket) -> date:
    """On which it came in."""
    return local(ticket.opened_at).date()


@pytest.mark.proves("A10-4")
async def test_a_repeat_shows_the_closed_order_of_the_same_matter_first(db: Database, office: Any) -> None:
    closed = await make(db, office, title="去年同一件事", matter="CX01", at=START)
    async with db.session() as session:
        await void(session, office.agent, closed.id, closed.version, "重复登记")
    for n in range(3):
        await make(db, office, title=f"别的事{n}", matter="GY01", at=START + timedelta(days=n + 1))
    repeat = await make(db, office, matter="CX01", at=START + timedelta(days=9))
    async with db.session() as session:
        shown = [one.title for one in await earlier_of(session, office.agent, repeat)]
    assert shown == ["去年同一件事", "别的事2", "别的事1", "别的事0"]


async def test_a_unit_reads_its_work_by_its_own_due(db: Database, office: Any) -> None:
    for n, category in enumerate(["complaint", "help", "complaint", "help"]):
        await sent(db, office, await make(db, office, title=f"{n}", category=category, at=START + timedelta(days=n)))
    async with db.session() as session:
        lines = (await find(session, office.clerk, OrderFilter(sort=Sort.DUE))).lines
    assert {line.title for line in lines} == {"0", "1", "2", "3"}
    assert all(before.due_at and after.due_at and before.due_at <= after.due_at for before, after in pairwise(lines))
    assert await titles(db, office.stranger, sort=Sort.DUE) == []
