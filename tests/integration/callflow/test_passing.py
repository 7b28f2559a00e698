"""Who may get a citizen's call, what is kept of it, and what smells of a stolen telephone."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from callflow.agents import service as agents
from callflow.incidents.models import Incident
from callflow.models import Call
from callflow.phones import calls_out, fraud, passing
from callflow.phones.rules import Became, Way
from callflow.rules import Direction, Outcome
from core.actor import SYSTEM, Actor
from core.clock import frozen, now
from core.db import Database
from core.errors import Denied, HotlineError
from core.identity.models import Unit, User
from core.ledger.models import LedgerEntry
from core.permissions import Role

ALLOWED = ("1[3-9]XXXXXXXXX", "0[3-9]XXXXXXXXX")


@pytest.fixture
def actor(agent: UUID) -> Actor:
    return Actor(agent, "李雯", frozenset({Role.AGENT}))


@pytest.fixture
async def colleague(db: Database, agent: UUID) -> None:
    async with db.session() as session:
        user = User(login="agent2", name="王丽", roles=["agent"], password_hash="-")
        session.add(user)
        await session.flush()
        await agents.enrol(session, SYSTEM, user.id, "1002", "王丽", {"hotline": 0})


async def call(db: Database, linkedid: str, **more: object) -> UUID:
    async with db.session() as session:
        one = Call(node="n", linkedid=linkedid, direction="inbound", caller="+8613812345678", arrived_at=now())
        one.evidence = {}
        for name, value in more.items():
            setattr(one, name, value)
        session.add(one)
        await session.flush()
        return one.id


@pytest.mark.usefixtures("colleague")
async def test_a_citizen_goes_to_a_colleague_a_queue_a_unit_or_a_number(db: Database, actor: Actor) -> None:
    async with db.session() as session:
        unit = Unit(code="water", name="县水务公司", kind="enterprise", version=1, duty_phone="+867935901234")
        session.add(unit)
        await session.flush()
        found = [
            await passing.whom(session, actor, to, number)
            for to, number in (("seat:1002", ""), ("queue:hotline", ""), (f"unit:{unit.id}", ""), ("", "13912345678"))
        ]
    assert [(one.how, one.dial, one.shown) for one in found] == [
        ("seat", "1002", "王丽（1002）"),
        ("queue", "hotline", "综合坐席"),
        ("outside", "07935901234", "县水务公司"),
        ("outside", "13912345678", "139****5678"),
    ]
    assert [one.outside is not None for one in found] == [False, False, True, True]


@pytest.mark.parametrize(
    ("to", "number", "error"),
    [
        ("seat:1001", "", "own-seat"),
        ("seat:1009", "", "no-agent"),
        ("queue:nobody", "", "no-queue"),
        ("unit:00000000-0000-0000-0000-000000000000", "", "no-such-unit"),
        ("", "", "bad-phone"),
        ("", "13912345678;1", "bad-phone"),
    ],
)
async def test_nobody_else_is_reached(db: Database, actor: Actor, to: str, number: str, error: str) -> None:
    async with db.session() as session:
        with pytest.raises(HotlineError) as refused:
            await passing.whom(session, actor, to, number)
    assert refused.value.id == error


async def test_what_is_kept_of_it(db: Database, actor: Actor) -> None:
    call_id = await call(db, "1.1")
    async with db.session() as session:
        to = await passing.whom(session, actor, "", "13912345678")
        await passing.keep(session, actor, Way.CONSULT, "n", "1.1", to, "1.2")
    asked_id = await call(db, "1.2", direction="outbound")
    async with db.session() as session:
        await passing.settle(session, actor, "n", "1.1", Became.DROPPED)
    with frozen(now() + timedelta(seconds=1)):
        async with db.session() as session:
            await passing.keep(session, actor, Way.TRANSFER, "n", "1.1", to)
        async with db.session() as session:
            await passing.came_back(session, "n", ["1.1", "9.9"])
    async with db.session() as session:
        kept = await passing.of_call(session, await session.get_one(Call, call_id))
        assert [(leg.said, leg.shown, asked and asked.id) for leg, asked in kept] == [
            ("咨询，已结束", "139****5678", asked_id),
            ("转接，无人接听，已退回", "139****5678", None),
        ]
        assert await passing.same_talk(session, "n", ["1.1"]) == {"1.2"}
        assert await passing.same_talk(session, "n", ["1.2", "7.7"]) == {"1.1"}
        rows = (await session.scalars(select(LedgerEntry).where(LedgerEntry.subject_id == str(call_id)))).all()
    assert {row.action for row in rows} == {"line.consult", "line.dropped", "line.transfer"}
    assert "13912345678" not in str([row.detail for row in rows])


async def test_it_is_kept_what_kind_of_place_it_was_and_since_when_all_three_talk(db: Database, actor: Actor) -> None:
    call_id, at = await call(db, "1.1"), now()
    async with db.session() as session:
        to = await passing.whom(session, actor, "", "13912345678")
        await passing.keep(session, actor, Way.CONSULT, "n", "1.1", to, "1.2")
    for second, became in ((1, Became.JOINED), (9, Became.DROPPED)):
        with frozen(at + timedelta(seconds=second)):
            async with db.session() as session:
                await passing.settle(session, actor, "n", "1.1", became)
    async with db.session() as session:
        [(leg, _)] = await passing.of_call(session, await session.get_one(Call, call_id))
    assert (leg.how, leg.joined_at, leg.done_at) == ("outside", at + timedelta(seconds=1), at + timedelta(seconds=9))


async def refused(db: Database, actor: Actor, times: int) -> None:
    """This agent asks for a number abroad."""
    for _ in range(times):
        async with db.session() as session:
            wanted = await calls_out.target(session, actor, callback=None, unit=None, typed="0018005550")
        with pytest.raises(Denied, match="number-not-allowed"):
            await calls_out.require_allowed(db, actor, wanted, ALLOWED)


async def incident(db: Database) -> Incident | None:
    """The clock's minute."""
    async with db.session() as session:
        return await fraud.watch(session, now())


@pytest.mark.parametrize("dialled", [0, 1, 3])
async def test_three_refused_numbers_in_ten_minutes_are_an_incident(db: Database, actor: Actor, dialled: int) -> None:
    """Asked for in the page, or dialled at a telephone past it: both count."""
    await refused(db, actor, 2 - min(dialled, 2))
    for n in range(dialled):
        await call(db, f"2.{n}", direction=Direction.OUTBOUND, outcome=Outcome.REFUSED)
    if dialled < 3:
        assert await incident(db) is None, "two may be slips"
        await refused(db, actor, 1)
    opened = await incident(db)
    assert opened is not None
    assert (opened.kind, opened.closed_at) == (fraud.KIND, None)
    with frozen(now() + fraud.SPAN + timedelta(minutes=1)):
        await incident(db)
    async with db.session() as session:
        [kept] = (await session.scalars(select(Incident).where(Incident.kind == fraud.KIND))).all()
        assert kept.closed_at is not None, "over when nothing more was tried"
        assert await session.scalar(select(func.count()).select_from(Incident)) == 1


async def test_refused_callers_are_no_fraud(db: Database, actor: Actor) -> None:
    for n in range(5):
        await call(db, f"3.{n}", outcome=Outcome.REFUSED)
    assert await incident(db) is None
