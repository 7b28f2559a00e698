"""A new calendar and the orders that are open then: later or not at all, on record, and only once (D4)."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from crm_desk import ELEMENTS
from sqlalchemy import select

from core.actor import Actor
from core.calendar.document import CalendarDocument, Year, read, write
from core.calendar.seed import seed
from core.clock import SHANGHAI, frozen
from core.db import Database, new_id
from core.errors import Unavailable
from core.jobs import run_pending
from core.permissions import Role
from core.rules import service
from core.rules.book import Rulebook
from core.rules.keeper import RulesKeeper
from core.rules.kinds import Kind
from crm import installed
from crm.rulebook import subscribers  # noqa: F401 - what the worker listens with
from crm.rulebook.recount import recount
from crm.tickets.dispatch import Order, dispatch
from crm.tickets.input import Correction
from crm.tickets.models import Assignment, DueChange, Round, SupervisionCandidate, Ticket, TicketEvent
from crm.tickets.service import Opening, correct, open_draft
from crm.tickets.states import Act
from crm.timers.scan import scan

TEXT = (Path(__file__).parents[3] / "counties" / "yiyang" / "policy.toml").read_text(encoding="utf-8")
CHRISTMAS_EVE = datetime(2026, 12, 24, 10, tzinfo=SHANGHAI)
FIRST = Actor(new_id(), "徐珍", frozenset({Role.SUPERVISOR}))
SECOND = Actor(new_id(), "何春", frozenset({Role.BUREAU_LEADER}))


def notice(rest: list[date], work: list[date]) -> str:
    """2027 with these days."""
    days = [{"day": day, "name": "元旦"} for day in rest], [{"day": day, "name": "元旦调休"} for day in work]
    known = read(seed())
    year = Year.model_validate({"notice": "2027年通知", "rest": days[0], "work": days[1]})
    return write(CalendarDocument(years=known.years | {2027: year}, closures=known.closures))


@pytest.fixture
async def keeper(db: Database, in_force: None) -> RulesKeeper:
    def apply(book: Rulebook) -> None:
        installed.use(replace(installed.installed(), rules=book))

    made = RulesKeeper(db, TEXT, apply, must_load=True)
    await made.look()
    return made


async def dispatched(db: Database, office: Any, at: datetime = CHRISTMAS_EVE) -> Ticket:
    fields = {
        "category": "complaint",
        "matter": "CX01",
        "title": "路边摊占道",
        "content": "每天傍晚占道经营",
    } | ELEMENTS
    with frozen(at):
        async with db.session() as session:
            agent = office.agent
            ticket = await open_draft(session, Opening("phone", new_id(), "+8613800001234", agent_id=agent.user_id))
            ticket = await correct(session, agent, ticket.id, 1, Correction.model_validate(fields))
            order = Order(lead_unit_id=office.units["cgj"], assist_unit_ids=(office.units["mzj"],), basis="由中心决定")
            return (await dispatch(session, agent, ticket.id, ticket.version, order)).ticket


async def publish_calendar(db: Database, text: str) -> None:
    async with db.session() as session:
        base = (await service.confirmed(session, Kind.CALENDAR))[-1].id
        row = await service.propose(session, FIRST, Kind.CALENDAR, text, based_on=base, document="通知", note="")
    async with db.session() as session:
        await service.confirm(session, SECOND, Kind.CALENDAR, row.id)


async def rows(db: Database, ticket: Ticket) -> tuple[Ticket, Round, list[Assignment]]:
    async with db.session() as session:
        parts = select(Assignment).where(Assignment.ticket_id == ticket.id).order_by(Assignment.role.desc())
        made = (await session.scalars(select(Round).where(Round.ticket_id == ticket.id))).one()
        return await session.get_one(Ticket, ticket.id), made, list(await session.scalars(parts))


def day(due_at: datetime | None) -> str:
    assert due_at is not None
    return due_at.astimezone(SHANGHAI).strftime("%m-%d %H:%M")


@pytest.mark.proves("D4")
async def test_open_orders_follow_a_notice_that_gives_more_days_off(
    db: Database, office: Any, keeper: RulesKeeper
) -> None:
    ticket = await dispatched(db, office)
    before = (await rows(db, ticket))[1]
    assert (day(before.due_at), before.provisional) == ("01-09 00:00", True)
    await publish_calendar(db, notice([date(2027, 1, 1), date(2027, 1, 4)], []))
    await keeper.look()
    await run_pending(db)  # the subscriber
    await run_pending(db)  # what it deferred
    after, made, parts = await rows(db, ticket)
    assert (day(made.due_at), made.provisional, made.calendar_version) == (
        "01-12 00:00",
        False,
        installed.installed().calendar.version,
    )
    assert after.due_at == made.due_at
    assert {part.role: day(part.due_at) for part in parts if part.due_at} == {
        "lead": "01-12 00:00",
        "assist": "01-09 00:00",
    }
    assert {"day": "2027-01-04", "number": None, "reason": "元旦"} in made.days
    async with db.session() as session:
        changes = (await session.scalars(select(DueChange).where(DueChange.assignment_id.is_(None)))).all()
        event = (await session.scalars(select(TicketEvent).where(TicketEvent.act == Act.RECOUNT))).one()
    assert [(change.cause, day(change.before), day(change.after)) for change in changes] == [
        ("calendar", "01-09 00:00", "01-12 00:00")
    ]
    assert (event.seq, event.actor_name, changes[0].seq) == (after.version, "系统", after.version)
    assert event.before["due_at"] != event.after["due_at"]
    assert (await recount(db)).looked_at == 0


@pytest.mark.proves("D4")
async def test_a_notice_with_worked_weekends_moves_nothing_earlier(
    db: Database, office: Any, keeper: RulesKeeper
) -> None:
    ticket = await dispatched(db, office)
    await publish_calendar(db, notice([date(2027, 1, 1)], [date(2027, 1, 2), date(2027, 1, 3)]))
    await keeper.look()
    done = await recount(db)
    assert (done.looked_at, done.moved) == (1, 0)
    made = (await rows(db, ticket))[1]
    assert (day(made.due_at), made.provisional) == ("01-09 00:00", False)
    assert "不提前" in made.days[-1]["reason"]
    assert (await recount(db)).looked_at == 0


async def test_more_orders_than_a_transaction_takes(
    db: Database, office: Any, keeper: RulesKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.rulebook.recount.BATCH", 2)
    for _ in range(5):
        await dispatched(db, office)
    await publish_calendar(db, notice([date(2027, 1, 1), date(2027, 1, 4)], []))
    await keeper.look()
    done = await recount(db)
    assert (done.looked_at, done.moved) == (5, 5)


async def test_what_was_accepted_is_history(db: Database, office: Any, keeper: RulesKeeper) -> None:
    ticket = await dispatched(db, office)
    async with db.session() as session:
        lead = select(Assignment).where(Assignment.ticket_id == ticket.id, Assignment.role == "lead")
        (await session.scalars(lead)).one().closed_at = CHRISTMAS_EVE
    await publish_calendar(db, notice([date(2027, 1, 1), date(2027, 1, 4)], []))
    await keeper.look()
    assert (await recount(db)).looked_at == 0
    assert day((await rows(db, ticket))[1].due_at) == "01-09 00:00"


async def test_signing_has_its_own_day(db: Database, office: Any, keeper: RulesKeeper) -> None:
    ticket = await dispatched(db, office, CHRISTMAS_EVE.replace(day=31))
    await publish_calendar(db, notice([date(2027, 1, 1), date(2027, 1, 4)], []))
    await keeper.look()
    await recount(db)
    _, _, parts = await rows(db, ticket)
    assert {day(part.sign_due_at) for part in parts if part.sign_due_at} == {"01-06 00:00"}


async def test_a_process_that_does_not_know_the_calendar_waits(db: Database, office: Any, keeper: RulesKeeper) -> None:
    await dispatched(db, office)
    await publish_calendar(db, notice([date(2027, 1, 1)], []))
    with pytest.raises(Unavailable, match="calendar-not-loaded"):
        await recount(db)


@pytest.mark.proves("D4")
async def test_marks_that_the_new_calendar_makes_untrue_are_taken_back(
    db: Database, office: Any, keeper: RulesKeeper
) -> None:
    ticket = await dispatched(db, office)
    overdue = datetime(2027, 1, 9, tzinfo=SHANGHAI)
    with frozen(overdue):
        while any((await scan(db) or {}).values()):
            pass
    marked, _, parts = await rows(db, ticket)
    assert marked.overdue_at == overdue
    assert all(part.overdue_at and part.sign_overdue_at for part in parts if part.due_at)
    await publish_calendar(db, notice([date(2027, 1, 1), date(2027, 1, 4), date(2027, 1, 5)], []))
    await keeper.look()
    with frozen(overdue):
        await recount(db)
    after, made, parts = await rows(db, ticket)
    assert (day(made.due_at), after.overdue_at) == ("01-13 00:00", None)
    assert {part.role: part.overdue_at for part in parts} == {"lead": None, "assist": None}
    assert all(part.sign_overdue_at for part in parts), "nobody signed within the day that was to be worked anyway"
    async with db.session() as session:
        [candidate] = await session.scalars(select(SupervisionCandidate))
    assert (candidate.state, candidate.reason) == ("void", "到期日已延后，不再逾期")


@pytest.mark.proves("D4")
async def test_longer_to_sign_is_on_record_and_takes_its_mark_back(
    db: Database, office: Any, keeper: RulesKeeper
) -> None:
    ticket = await dispatched(db, office, CHRISTMAS_EVE.replace(day=31))
    late = datetime(2027, 1, 5, tzinfo=SHANGHAI)
    with frozen(late):
        while any((await scan(db) or {}).values()):
            pass
    await publish_calendar(db, notice([date(2027, 1, 1), date(2027, 1, 4)], []))
    await keeper.look()
    with frozen(late):
        await recount(db)
    after, _, parts = await rows(db, ticket)
    assert [part.sign_overdue_at for part in parts] == [None, None]
    assert day(after.state_due_at) == "01-06 00:00", "what is owed next follows"
    async with db.session() as session:
        event = (await session.scalars(select(TicketEvent).where(TicketEvent.act == Act.RECOUNT))).one()
    assert event.seq == after.version
