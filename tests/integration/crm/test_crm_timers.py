"""Timers on real orders: exact at the boundary, once, never early, and in one go after an outage."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from crm_desk import Desk, at
from sqlalchemy import select

from core import clock
from core.db import Database
from core.locks import try_hold
from crm.tickets.models import SupervisionCandidate, Ticket
from crm.tickets.states import Act
from crm.timers.models import TimerFiring
from crm.timers.scan import LOCK, scan

TICK = timedelta(microseconds=1)
DUE = at("2026-03-17 00:00")
"""投诉, dispatched 2026-03-02: the tenth working day is Monday the 16th."""
SIGN_DUE = at("2026-03-04 00:00")


async def fired(db: Database, when: datetime) -> dict[str, int]:
    with clock.frozen(when):
        found = await scan(db)
    assert found is not None
    return {timer: count for timer, count in found.items() if count}


async def firings(db: Database) -> list[str]:
    async with db.session() as session:
        return list(await session.scalars(select(TimerFiring.timer).order_by(TimerFiring.fired_at)))


@pytest.fixture
async def desk(db: Database, office: Any) -> Desk:
    made = await Desk(db, office).open()
    await made.dispatch()
    return made


async def signed(desk: Desk) -> None:
    await desk.act(desk.office.clerk, Act.SIGN)


@pytest.mark.proves("T04")
async def test_overdue_at_midnight_and_not_a_microsecond_before(db: Database, desk: Desk) -> None:
    await signed(desk)
    assert "lead-overdue" not in await fired(db, DUE - TICK)
    assert (await desk.ticket()).overdue_at is None
    assert await fired(db, DUE) == {"lead-overdue": 1}
    ticket, part = await desk.ticket(), await desk.part("cgj")
    assert (ticket.overdue_at, part.overdue_at) == (DUE, DUE)
    last = (await desk.events())[-1]
    assert (last.act, last.seq, last.actor_name, last.article) == (Act.OVERDUE, ticket.version, "系统", "第十三条")
    assert last.after["due_at"] == DUE.isoformat()
    [candidate] = await desk.rows(SupervisionCandidate)
    assert (candidate.level, candidate.ground, candidate.state) == (1, "overdue", "open")
    assert candidate.unit_id == desk.office.units["cgj"]
    assert await fired(db, DUE + timedelta(days=1)) == {}
    assert len(await desk.rows(SupervisionCandidate)) == 1


@pytest.mark.proves("T04")
async def test_each_warning_comes_once_in_its_morning(db: Database, desk: Desk) -> None:
    await signed(desk)
    seen = []
    moment = at("2026-03-04 08:00")
    while moment <= DUE:
        seen += [(timer, moment) for timer in await fired(db, moment)]
        moment += timedelta(minutes=30)
    assert seen == [
        ("lead-early-long", at("2026-03-11 09:00")),
        ("lead-last", at("2026-03-13 09:00")),
        ("lead-today", at("2026-03-16 09:00")),
        ("lead-overdue", DUE),
    ]
    assert [one.act for one in await desk.events()].count(Act.OVERDUE) == 1


@pytest.mark.proves("T04")
async def test_an_outage_is_caught_up_with_what_is_true_now(db: Database, desk: Desk) -> None:
    await signed(desk)
    assert await fired(db, at("2026-03-16 10:00")) == {"lead-today": 1}
    late = await Desk(db, desk.office, "2026-03-02 11:00").open(phone="+8613900005555")
    await late.dispatch()
    assert await fired(db, DUE + timedelta(hours=9)) == {"lead-overdue": 2, "sign-overdue": 1, "sign-escalated": 1}
    assert await fired(db, DUE + timedelta(hours=9)) == {}
    assert sorted(await firings(db)) == ["lead-overdue", "lead-overdue", "lead-today", "sign-escalated", "sign-overdue"]


@pytest.mark.proves("T01", "D7")
async def test_late_signing_is_its_own_event_and_goes_up_a_working_day_later(db: Database, desk: Desk) -> None:
    assert await fired(db, at("2026-03-03 08:59")) == {}
    assert await fired(db, at("2026-03-03 09:00")) == {"sign-today": 1}
    assert await fired(db, SIGN_DUE - timedelta(hours=2) - TICK) == {}
    assert await fired(db, SIGN_DUE - timedelta(hours=2)) == {"sign-soon": 1}
    assert await fired(db, SIGN_DUE - TICK) == {}
    assert await fired(db, SIGN_DUE) == {"sign-overdue": 1}
    assert await fired(db, SIGN_DUE + timedelta(days=1) - TICK) == {}
    assert await fired(db, SIGN_DUE + timedelta(days=1)) == {"sign-escalated": 1}
    part, made = await desk.part("cgj"), await desk.round()
    assert part.sign_overdue_at == SIGN_DUE
    assert made.due_at == DUE, "handling runs from the dispatch, not from the signature"
    assert part.signed_at is None, "nobody signs by himself"
    assert [one.act for one in await desk.events()][-2:] == [Act.SIGN_OVERDUE, Act.ESCALATE]


@pytest.mark.proves("T01")
async def test_a_signature_in_the_last_microsecond_is_in_time(db: Database, desk: Desk) -> None:
    with clock.frozen(SIGN_DUE - TICK):
        desk.now = SIGN_DUE - TICK - timedelta(minutes=1)
        await desk.act(desk.office.clerk, Act.SIGN)
    assert "sign-overdue" not in await fired(db, SIGN_DUE)


@pytest.mark.proves("D17", "T11")
async def test_an_undecided_application_holds_the_mark_back_and_a_refusal_frees_it(db: Database, desk: Desk) -> None:
    await signed(desk)
    asked = {"days": 5, "ground": "complex", "explanation": "需跨部门现场勘验，情况复杂"}
    await desk.act(desk.office.clerk, Act.EXTEND, when="2026-03-16 23:59", **asked)
    assert "lead-overdue" not in await fired(db, DUE + timedelta(hours=12))
    assert (await desk.ticket()).overdue_at is None
    assert await fired(db, at("2026-03-18 00:00")) == {"extension-undecided": 1}
    await desk.act(desk.office.dispatcher, Act.REFUSE_EXTENSION, when="2026-03-18 09:00", reason="可在原时限内办结")
    assert await fired(db, at("2026-03-18 09:00")) == {"lead-overdue": 1}
    assert (await desk.events())[-1].after["due_at"] == DUE.isoformat(), "overdue from the original due"


@pytest.mark.proves("D17")
async def test_a_due_that_moved_is_armed_again(db: Database, desk: Desk) -> None:
    await signed(desk)
    asked = {"days": 5, "ground": "complex", "explanation": "需跨部门现场勘验，情况复杂"}
    await desk.act(desk.office.clerk, Act.EXTEND, when="2026-03-16 15:00", **asked)
    assert await fired(db, at("2026-03-16 16:00")) == {"lead-today": 1}
    await desk.act(desk.office.dispatcher, Act.GRANT_EXTENSION, when="2026-03-17 09:00", reason="情况属实，同意")
    moved = at("2026-03-24 00:00")
    assert (await desk.round()).due_at == moved
    assert await fired(db, at("2026-03-23 09:00")) == {"lead-today": 1}
    assert await fired(db, moved - TICK) == {}
    assert await fired(db, moved) == {"lead-overdue": 1}
    assert (await firings(db)).count("lead-today") == 2


@pytest.mark.proves("T12")
async def test_an_answer_in_time_is_not_overdue_while_it_waits_for_its_check(db: Database, desk: Desk) -> None:
    await signed(desk)
    await desk.submit(desk.office.clerk, when="2026-03-16 20:00")
    assert await fired(db, DUE) == {}
    assert await fired(db, at("2026-03-18 00:00")) == {"reply-unchecked": 1}
    back = {"reasons": ["not-answered"], "text": "未答复诉求的第二项，请补充办理"}
    await desk.act(desk.office.checker, Act.SEND_BACK, when="2026-03-18 09:00", **back)
    assert await fired(db, at("2026-03-18 09:00")) == {"lead-overdue": 1}


@pytest.mark.proves("T13")
async def test_an_assisting_unit_is_late_by_its_own_due(db: Database, office: Any) -> None:
    desk = await Desk(db, office).open()
    await desk.dispatch("cgj", "taoyuan")
    await signed(desk)
    await desk.act(office.helper, Act.SIGN)
    due = at("2026-03-14 00:00")
    assert "assist-overdue" not in await fired(db, due - TICK)
    assert "assist-overdue" in await fired(db, due)
    assert (await desk.part("taoyuan")).overdue_at == due
    assert (await desk.ticket()).overdue_at is None


@pytest.mark.proves("T25")
async def test_dispatch_is_warned_of_at_half_and_missed_at_its_minute(db: Database, office: Any) -> None:
    desk = await Desk(db, office).open()
    await desk.act(office.agent, Act.CONFIRM, when="2026-03-02 10:00")
    assert await fired(db, at("2026-03-02 10:15") - TICK) == {}
    assert await fired(db, at("2026-03-02 10:15")) == {"dispatch-soon": 1}
    assert await fired(db, at("2026-03-02 10:30") - TICK) == {}
    assert await fired(db, at("2026-03-02 10:30")) == {"dispatch-missed": 1}
    assert (await desk.events())[-1].act == Act.ESCALATE


async def test_one_process_scans_at_a_time(db: Database, desk: Desk) -> None:
    async with try_hold(db, LOCK) as held:
        assert held is not None
        with clock.frozen(DUE):
            assert await scan(db) is None
    assert "lead-overdue" in await fired(db, DUE)


async def test_an_order_that_somebody_acts_upon_is_left_to_the_next_scan(db: Database, desk: Desk) -> None:
    await signed(desk)
    async with db.session() as session:
        await session.get_one(type(await desk.ticket()), desk.id, with_for_update=True)
        assert "lead-overdue" not in await fired(db, DUE)
    assert await fired(db, DUE) == {"lead-overdue": 1}


CONSULTATION = {"lead-last": "03-03 09:00", "lead-today": "03-04 09:00", "lead-overdue": "03-05 00:00"}
FIVE = {"lead-early-short": "03-05 09:00", "lead-last": "03-06 09:00", "lead-today": "03-09 09:00"}
FIFTEEN = {"lead-early-long": "03-18 09:00", "lead-last": "03-20 09:00", "lead-today": "03-23 09:00"}


@pytest.mark.parametrize(
    ("category", "hard", "ladder"),
    [
        pytest.param("consultation", False, CONSULTATION, marks=pytest.mark.proves("T02")),
        pytest.param("help", False, FIVE | {"lead-overdue": "03-10 00:00"}, marks=pytest.mark.proves("T03")),
        pytest.param("opinion", False, FIVE | {"lead-overdue": "03-10 00:00"}, marks=pytest.mark.proves("T03")),
        pytest.param("complaint", True, FIFTEEN | {"lead-overdue": "03-24 00:00"}, marks=pytest.mark.proves("T05")),
    ],
)
async def test_each_limit_has_its_ladder(
    db: Database, office: Any, category: str, hard: bool, ladder: dict[str, str]
) -> None:
    desk = await Desk(db, office).open(category=category)
    if hard:
        async with db.session() as session:
            (await session.get_one(Ticket, desk.id)).report_count = 3
    await desk.dispatch("cgj", hard=hard)
    await signed(desk)
    for timer, when in ladder.items():
        moment = at(f"2026-{when}")
        assert timer not in await fired(db, moment - TICK)
        assert await fired(db, moment) == {timer: 1}
    assert await fired(db, at("2026-06-01 12:00")) == {}


RETURN = {"ground": "not-ours", "basis": "三定方案规定由其他单位负责"}


@pytest.mark.proves("T08", "T09")
async def test_reviews_and_meetings_that_are_late_go_up(db: Database, desk: Desk) -> None:
    await signed(desk)
    await desk.act(desk.office.clerk, Act.RETURN, when="2026-03-02 15:00", **RETURN)
    due = at("2026-03-04 00:00")
    assert await fired(db, due - TICK) == {}
    assert await fired(db, due) == {"return-undecided": 1}
    await desk.act(desk.office.dispatcher, Act.DISPUTE, when="2026-03-04 09:00", reason="两单位意见不一，提交协调")
    due = at("2026-03-06 00:00")
    assert await fired(db, due - TICK) == {}
    assert await fired(db, due) == {"dispute-not-held": 1}
    assert [one.act for one in await desk.events()].count(Act.ESCALATE) == 2
