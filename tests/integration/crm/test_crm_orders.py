"""Orders in a real database: one draft per call, one winner per act, dispatch as one transaction."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from crm_desk import ELEMENTS
from sqlalchemy import func, select, text

from core import clock
from core.actor import Actor
from core.calendar import official
from core.db import Database, new_id
from core.errors import Conflict, Denied, HotlineError, Invalid, NotFound
from crm.county.categories import Category
from crm.queries.orders import order_page
from crm.queries.people import reveal, unmasked
from crm.search.filter import OrderFilter
from crm.search.service import find
from crm.sms.models import Sms
from crm.tickets.dispatch import Dispatched, Order, dispatch
from crm.tickets.input import Correction
from crm.tickets.models import Assignment, Round, Ticket, TicketEvent
from crm.tickets.service import Opening, confirm, correct, open_draft, propose, spoken_state, void
from crm.tickets.states import State
from crm.tickets.wrong_codes import WrongCodes

MOBILE = "+8613800001234"
MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


async def draft(db: Database, agent: Actor, *, phone: str | None = MOBILE, **fields: Any) -> Ticket:
    given = {"category": "complaint", "matter": "CX01", "title": "路边摊占道", "content": "每天傍晚占道经营"} | ELEMENTS
    given |= fields
    async with db.session() as session:
        ticket = await open_draft(session, Opening("phone", new_id(), phone, agent_id=agent.user_id))
        return await correct(session, agent, ticket.id, 1, Correction.model_validate(given))


async def send(db: Database, office: Any, ticket: Ticket, lead: str = "cgj", *assist: str, **more: Any) -> Dispatched:
    assists = tuple(office.units[code] for code in assist)
    more = ({"basis": "由中心决定（第十九条）"} if assists else {}) | more
    order = Order(lead_unit_id=office.units[lead], assist_unit_ids=assists, **more)
    async with db.session() as session:
        return await dispatch(session, office.agent, ticket.id, ticket.version, order)


async def test_one_call_makes_one_draft_however_often_its_event_comes(db: Database, office: Any) -> None:
    call = new_id()

    async def once() -> UUID:
        async with db.session() as session:
            return (await open_draft(session, Opening("phone", call, MOBILE))).id

    assert len(set(await asyncio.gather(*(once() for _ in range(8))))) == 1
    async with db.session() as session:
        assert await session.scalar(select(func.count()).select_from(Ticket)) == 1
        assert await session.scalar(select(func.count()).select_from(TicketEvent)) == 1


async def test_numbers_of_a_day_have_no_gaps_and_no_doubles(db: Database, office: Any) -> None:
    async def one() -> str:
        async with db.session() as session:
            return (await open_draft(session, Opening("phone", new_id(), MOBILE, at=MONDAY))).number

    numbers = await asyncio.gather(*(one() for _ in range(10)))
    assert sorted(numbers) == [f"YY20261123-{n:05d}" for n in range(1, 11)]


async def test_dispatch_writes_clock_units_history_and_sms_together(db: Database, office: Any) -> None:
    with clock.frozen(MONDAY):
        done = await send(db, office, await draft(db, office.agent), "cgj", "taoyuan")
    assert done.due.last_day.isoformat() == "2026-12-07"  # ten working days from Monday 2026-11-23
    assert done.say is None
    async with db.session() as session:
        row = (await session.scalars(select(Round))).one()
        assert (row.n, row.kind, row.limit_days, row.calendar_version) == (1, "first", 10, official().version)
        assert [day["number"] for day in row.days if day["number"]] == list(range(1, 11))
        parts = {one.role: one for one in await session.scalars(select(Assignment))}
        assert parts["lead"].due_at == done.due.at
        assert parts["assist"].due_at == done.due.at - timedelta(days=3)  # one working day less (D29): Friday
        assert "第十九条" in parts["lead"].basis
        events = list(await session.scalars(select(TicketEvent).order_by(TicketEvent.seq)))
        assert [(event.seq, event.act) for event in events] == [(1, "open"), (2, "correct"), (3, "dispatch")]
        sms = (await session.scalars(select(Sms))).one()
        assert sms.state == "queued"
        assert done.ticket.number in sms.text
        assert done.ticket.query_code in sms.text
        jobs = await session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'sms.submit'"))
        assert jobs == 1


async def test_dispatch_that_fails_leaves_nothing_behind(db: Database, office: Any) -> None:
    ticket = await draft(db, office.agent, category=None)
    with pytest.raises(Invalid) as refused:
        await send(db, office, ticket)
    assert set(refused.value.fields) == {"category"}
    async with db.session() as session:
        for table in (Round, Assignment, Sms):
            assert await session.scalar(select(func.count()).select_from(table)) == 0
        assert (await session.get_one(Ticket, ticket.id)).version == ticket.version


async def test_two_people_dispatch_at_once_and_one_gets_a_conflict(db: Database, office: Any) -> None:
    ticket = await draft(db, office.agent)

    async def act(actor: Actor) -> str:
        try:
            async with db.session() as session:
                await dispatch(session, actor, ticket.id, ticket.version, Order(lead_unit_id=office.units["cgj"]))
            return "done"
        except HotlineError as error:
            return error.id

    results = await asyncio.gather(*(act(who) for who in (office.agent, office.agent2, office.lead)))
    assert sorted(results) == ["done", "order-changed", "order-changed"]
    async with db.session() as session:
        assert await session.scalar(select(func.count()).select_from(Round)) == 1
        assert await session.scalar(select(func.count()).select_from(Sms)) == 1


@pytest.mark.parametrize("phone", [None, "+867935901234"])
async def test_landline_and_withheld_number_are_told_by_voice(db: Database, office: Any, phone: str | None) -> None:
    done = await send(db, office, await draft(db, office.agent, phone=phone))
    assert done.sms.state == "not-applicable"
    assert done.say
    assert done.ticket.number in done.say
    assert done.ticket.query_code in done.say


async def test_an_enterprise_brings_its_competent_department(db: Database, office: Any) -> None:
    ticket = await draft(db, office.agent, category="help", matter="GY01")
    await send(db, office, ticket, "gsgs")
    async with db.session() as session:
        roles = {one.role: one.unit_id for one in await session.scalars(select(Assignment))}
    assert roles == {"lead": office.units["gsgs"], "copy": office.units["zjj"]}


async def test_a_report_is_sealed_and_needs_its_text_checked(db: Database, office: Any) -> None:
    words = {"category": "report", "matter": "SC02", "title": "饭店用过期食材", "caller_name": "王小明"}
    ticket = await draft(db, office.agent, **words, content="我是王小明，电话13800001234，饭店使用过期食材")
    with pytest.raises(Invalid) as refused:
        await send(db, office, ticket, "scjgj", identity_checked=True)
    assert "王**" in refused.value.fields["content"]
    async with db.session() as session:
        ticket = await correct(
            session, office.agent, ticket.id, ticket.version, Correction(content="饭店使用过期食材，请查处")
        )
    with pytest.raises(Invalid) as refused:
        await send(db, office, ticket, "scjgj")
    assert set(refused.value.fields) == {"identity_checked"}
    done = await send(db, office, ticket, "scjgj", identity_checked=True)
    assert done.ticket.sealed
    async with db.session() as session:
        assert (await find(session, office.agent2, OrderFilter())).lines == ()
        assert len((await find(session, office.lead, OrderFilter())).lines) == 1
        assert len((await find(session, office.agent, OrderFilter())).lines) == 1
        with pytest.raises(NotFound):
            await order_page(session, office.archivist, done.ticket.id)
        number, code = done.ticket.number, done.ticket.query_code
        assert await spoken_state(session, number, code, asker=None, wrong=WrongCodes()) is None
        page = await order_page(session, office.agent, done.ticket.id)
        assert page.caller.name == "王*明"


@pytest.mark.proves("A12.2-2")
async def test_a_report_never_goes_to_the_unit_that_it_names(db: Database, office: Any) -> None:
    ticket = await draft(db, office.agent, category="report", matter="ZW02", content="城管局工作人员收受商户财物")
    with pytest.raises(Invalid) as refused:
        await send(db, office, ticket, "cgj", identity_checked=True)
    assert set(refused.value.fields) == {"lead_unit"}


async def test_a_unit_sees_its_own_orders_and_no_others(db: Database, office: Any) -> None:
    done = await send(db, office, await draft(db, office.agent, caller_name="李四海"))
    async with db.session() as session:
        assert [one.id for one in (await find(session, office.clerk, OrderFilter())).lines] == [done.ticket.id]
        assert (await find(session, office.stranger, OrderFilter())).lines == ()
        page = await order_page(session, office.clerk, done.ticket.id)
        assert (page.caller.name, page.caller.phone) == ("李*海", "138****1234")
        assert (page.history, page.messages, page.query_code) == ((), (), None)
        with pytest.raises(NotFound):
            await order_page(session, office.stranger, done.ticket.id)
        with pytest.raises(Denied):
            await reveal(session, office.checker, done.ticket.id, "想看看")
        with pytest.raises(NotFound):
            await reveal(session, office.stranger, done.ticket.id, "想看看")
        await reveal(session, office.agent, done.ticket.id, "核实地址")
        seen = await unmasked(session, office.agent, done.ticket)
        assert seen is not None and seen.caller is not None and seen.caller.phone == "13800001234"


async def test_what_a_person_decided_no_machine_changes(db: Database, office: Any) -> None:
    ticket = await draft(db, office.agent, category="help")
    proposals = {"category": {"value": "complaint"}, "area": {"value": "taoyuan"}}
    async with db.session() as session:
        row = await session.get_one(Ticket, ticket.id, with_for_update=True)
        assert await propose(session, row, proposals)
        assert not await propose(session, row, proposals)
    async with db.session() as session:
        row = await session.get_one(Ticket, ticket.id)
        assert (row.category, row.area, row.version) == ("help", "taoyuan", ticket.version)


async def test_stale_version_and_wrong_state_are_conflicts(db: Database, office: Any) -> None:
    ticket = await draft(db, office.agent)
    async with db.session() as session:
        with pytest.raises(Conflict, match="order-changed"):
            await confirm(session, office.agent, ticket.id, ticket.version - 1)
    async with db.session() as session:
        await void(session, office.agent, ticket.id, ticket.version, "拨错号码")
    async with db.session() as session:
        with pytest.raises(Conflict, match="wrong-state"):
            await confirm(session, office.agent, ticket.id, ticket.version + 1)


async def test_history_is_never_changed(db: Database, office: Any) -> None:
    await draft(db, office.agent)
    with pytest.raises(RuntimeError, match="never changed"):
        async with db.session() as session:
            event = (await session.scalars(select(TicketEvent).limit(1))).one()
            event.reason = "改写"
            await session.flush()


async def test_history_and_tables_hold_no_readable_name_or_number(db: Database, office: Any) -> None:
    await send(db, office, await draft(db, office.agent, caller_name="欧阳小明"))
    async with db.session() as session:
        for table in ("tickets", "ticket_events", "citizens", "sms", "sms_events"):
            dump = await session.scalar(text(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t"))
            assert "欧阳小明" not in dump
            assert "13800001234" not in dump


async def test_keypad_query_needs_number_and_code_and_counts_failures(db: Database, office: Any) -> None:
    wrong_codes, stranger = WrongCodes(), "+8613900000000"

    async def ask(number: str, code: str, asker: str | None = stranger) -> Any:
        async with db.session() as session:
            return await spoken_state(session, number, code, asker=asker, wrong=wrong_codes)

    with clock.frozen(MONDAY):
        done = await send(db, office, await draft(db, office.agent))
        digits, code = done.ticket.number.removeprefix("YY").replace("-", ""), done.ticket.query_code
        found = await ask(digits, code)
        assert (found.state, found.due.isoformat()) == (State.DISPATCHED, "2026-12-07")
        assert await ask(done.ticket.number, code) == found
        assert await ask("2026112399999", code) is None
        wrong = f"{(int(code) + 1) % 1_000_000:06d}"
        for _ in range(10):
            assert await ask(digits, wrong) is None
        assert await ask(digits, code) is None, "who guessed hears nothing more of it"
        assert await ask(digits, code, "203.0.113.7") == found, "and keeps nobody else from asking"
        for n in range(90):
            assert await ask(digits, wrong, f"203.0.113.{n % 9 + 1}") is None
        assert await ask(digits, code, "203.0.113.99") is None, "many askers guess no better than ten"
        assert await ask(digits, code, None) is None
        assert await ask(digits, code, done.ticket.caller_phone) == found, "its own caller is never locked out"
    with clock.frozen(MONDAY + timedelta(hours=25)):
        assert await ask(digits, code) is not None


async def test_hostile_and_long_text_is_refused_or_kept_as_it_is(db: Database, office: Any) -> None:
    harmless = '<script>alert(1)</script> =HYPERLINK("x") \'; DROP TABLE tickets; -- %s {0}'
    ticket = await draft(db, office.agent, content=harmless)
    async with db.session() as session:
        assert (await session.get_one(Ticket, ticket.id)).content == harmless.strip()
        page = await order_page(session, office.agent, ticket.id)
        assert page.ticket.content == harmless.strip()


async def test_unknown_codes_are_named(db: Database, office: Any) -> None:
    with pytest.raises(Invalid) as refused:
        await draft(db, office.agent, matter="ZZ99", area="cgj")
    assert set(refused.value.fields) == {"matter", "area"}


async def test_every_category_has_its_limit(db: Database, office: Any) -> None:
    limits = {"consultation": 2, "help": 5, "suggestion": 5, "opinion": 5, "complaint": 10, "report": 10}
    for category in Category:
        done = await send(db, office, await draft(db, office.agent, category=category.value), identity_checked=True)
        assert sum(day.number is not None for day in done.due.days) == limits[category.value]
