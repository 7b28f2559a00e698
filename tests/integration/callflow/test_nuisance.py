"""Nuisance callers: two people, a limit that still takes a call, a day of review, and the line that follows."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from callflow import snapshot
from callflow.limits import CallerLimits, Limits
from callflow.models import Call
from callflow.nuisance import service as nuisance
from callflow.nuisance.models import Ground, NuisanceCaller
from callflow.variables import Refusal
from core.actor import Actor
from core.clock import frozen
from core.db import Database
from core.errors import Conflict, Denied, HotlineError, Invalid
from core.identity.models import User
from core.permissions import Role

NOW = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)
NUMBER = "+8613812345678"


async def people(db: Database) -> tuple[Actor, Actor, Actor]:
    """An agent and two leads."""
    found = []
    for login, name, role in (
        ("a1", "王丽", Role.AGENT),
        ("l1", "李建国", Role.SHIFT_LEAD),
        ("l2", "周安", Role.SHIFT_LEAD),
    ):
        async with db.session() as session:
            user = User(login=login, name=name, roles=[role.value], password_hash="-")
            session.add(user)
            await session.flush()
            found.append(Actor(user.id, name, frozenset({role})))
    return found[0], found[1], found[2]


async def a_call(db: Database, caller: str | None = NUMBER) -> UUID:
    async with db.session() as session:
        made = Call(node="n", linkedid=str(caller), direction="inbound", caller=caller, arrived_at=NOW, evidence={})
        session.add(made)
        await session.flush()
        return made.id


async def propose(db: Database, who: Actor, call_id: UUID, **changes: object) -> NuisanceCaller:
    given = {"calls": 1, "window_min": 60, "review_on": date(2026, 12, 31)} | changes
    async with db.session() as session:
        return await nuisance.propose(session, who, call_id, Ground.ABUSIVE, "多次辱骂话务员", **given)  # type: ignore[arg-type]


async def limited(db: Database) -> dict[str, Limits]:
    async with db.session() as session:
        return (await snapshot.load(session)).limited


async def test_two_people_limit_a_caller_until_the_day_of_review(db: Database, agent: UUID) -> None:
    me, one, other = await people(db)
    call_id = await a_call(db)
    with frozen(NOW):
        row = await propose(db, one, call_id)
        assert await limited(db) == {}, "a proposal changes nothing"
        for who, error in ((one, Conflict), (me, Denied)):
            with pytest.raises(error):
                async with db.session() as session:
                    await nuisance.confirm(session, who, row.id)
        async with db.session() as session:
            await nuisance.confirm(session, other, row.id)
        assert await limited(db) == {NUMBER: Limits(1, 60, 1)}
        with pytest.raises(Conflict, match="already-registered"):
            await propose(db, me, call_id)
        async with db.session() as session:
            shown = await nuisance.of_caller(session, NUMBER)
            assert shown and shown.id == row.id
            assert await nuisance.of_caller(session, "+8613900000000") is None
            assert NUMBER not in repr(await snapshot.load(session))
    with frozen(datetime(2026, 12, 31, 15, 59, tzinfo=UTC)):
        assert await limited(db) != {}
    with frozen(datetime(2026, 12, 31, 16, 0, tzinfo=UTC)):  # midnight in Shanghai
        assert await limited(db) == {}
        renewed = await propose(db, me, call_id, review_on=date(2027, 1, 31))
        assert renewed.id != row.id
        async with db.session() as session:
            before = await session.get_one(NuisanceCaller, row.id)
            assert before.ended_reason == "复核日期已过，自动解除"
            await nuisance.confirm(session, one, renewed.id)
            await nuisance.end(session, one, renewed.id, "本人致歉")
            with pytest.raises(Conflict, match="nuisance-ended"):
                await nuisance.end(session, one, renewed.id, "再次")
        assert await limited(db) == {}


async def test_a_caller_is_never_blocked_altogether(db: Database, agent: UUID) -> None:
    me, _, _ = await people(db)
    call_id = await a_call(db)
    with frozen(NOW):
        for wrong in (
            {"calls": 0},
            {"calls": 21},
            {"window_min": 9},
            {"window_min": 1441},
            {"review_on": date(2026, 12, 1)},
            {"review_on": date(2027, 3, 2)},
        ):
            with pytest.raises(Invalid, match="bad-limit"):
                await propose(db, me, call_id, **wrong)
        with pytest.raises(Invalid, match="no-number"):
            await propose(db, me, await a_call(db, None))
        done = await asyncio.gather(*(propose(db, me, call_id) for _ in range(2)), return_exceptions=True)
        assert sorted(isinstance(one, HotlineError) for one in done) == [False, True]
        async with db.session() as session:
            assert len((await session.scalars(select(NuisanceCaller))).all()) == 1


def test_the_limit_takes_one_call_in_each_window_and_others_keep_theirs() -> None:
    line = snapshot.Snapshot(limits=Limits(3, 10, 2), limited={NUMBER: Limits(1, 60, 1)})
    counted = CallerLimits()

    def call(caller: str, n: int, minute: int) -> Refusal | None:
        at = NOW + timedelta(minutes=minute)
        counted.tidy(at, line.limits_of)
        refused = counted.admit(caller, f"{caller}.{n}", at, line.limits_of(caller))
        counted.ended(f"{caller}.{n}")
        return refused

    assert [call(NUMBER, n, minute) for n, minute in enumerate((0, 15, 59, 60, 90, 121))] == [
        None,
        Refusal.CALLS,
        Refusal.CALLS,
        None,
        Refusal.CALLS,
        None,
    ]
    assert [call("+8613900000000", n, 0) for n in range(4)] == [None, None, None, Refusal.CALLS]
