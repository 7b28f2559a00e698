"""Call-backs that reach nobody: tried at another time of the day, by anybody, and not for ever."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from line_facts import abandoned

from callflow.callbacks import service
from callflow.callbacks.models import CallbackTask
from callflow.store import save
from core.actor import Actor
from core.clock import frozen
from core.db import Database
from core.errors import Conflict
from core.permissions import Role

TEN = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
"""In the morning, in Shanghai."""


@pytest.fixture
def actor(agent: UUID) -> Actor:
    return Actor(agent, "李雯", frozenset({Role.AGENT}))


async def waiting(db: Database, actor: Actor, hours: float) -> list[str | None]:
    """Who is to be called, in the list's order, so long after ten."""
    with frozen(TEN + timedelta(hours=hours)):
        async with db.session() as session:
            return [task.phone for task in await service.tasks(session, actor, service.Wanted(), limit=9)]


async def tried(db: Database, actor: Actor, task_id: UUID, hours: float) -> CallbackTask:
    """Taken, called, not reached."""
    with frozen(TEN + timedelta(hours=hours)):
        async with db.session() as session:
            task = await session.get_one(CallbackTask, task_id)
            await service.claim(session, actor, task_id, task.version)
            return (await service.not_reached(session, actor, task_id, task.version))[0]


@pytest.mark.proves("F02-3")
async def test_who_is_not_reached_is_called_again_at_another_time_and_at_most_three_times(
    db: Database, actor: Actor
) -> None:
    first, second = "+8613800000001", "+8613900000009"
    with frozen(TEN):
        for call in (abandoned("1.0", 0), abandoned("2.0", 1, caller="13900000009")):
            async with db.session() as session:
                await save(session, call)
    assert await waiting(db, actor, 0) == [first, second]
    async with db.session() as session:
        task_id = (await service.tasks(session, actor, service.Wanted(), limit=1))[0].id
        with pytest.raises(Conflict, match="callback-claimed"):
            await service.not_reached(session, actor, task_id, 1)

    task = await tried(db, actor, task_id, 0)
    assert (task.attempts, task.claimed_by, task.done_at) == (1, None, None)
    assert task.not_before == TEN + timedelta(hours=5), "at three in the afternoon"
    assert await waiting(db, actor, 4.9) == [second, first], "its time comes later"
    assert await waiting(db, actor, 5) == [first, second], "its time has come"
    assert (await tried(db, actor, task_id, 5)).not_before == TEN + timedelta(hours=9)
    last = await tried(db, actor, task_id, 9)
    assert (last.attempts, last.result, last.done_by) == (3, "回拨3次未接通", actor.user_id)
    assert await waiting(db, actor, 9) == [second]


async def test_a_number_is_called_by_one_person_once_however_often_it_called(db: Database, actor: Actor) -> None:
    async with db.session() as session:
        await save(session, abandoned("1.0", 0))
    async with db.session() as session:
        await save(session, abandoned("2.0", 1, caller="13900000009"))
    async with db.session() as session:
        await save(session, abandoned("3.0", 900))
    with frozen(TEN):
        async with db.session() as session:
            first, other, again = await service.tasks(session, actor, service.Wanted(), limit=9)
            taken = await service.claim(session, actor, first.id, first.version)
            assert [task.id for task in taken] == [first.id, again.id]
            assert other.claimed_by is None
        somebody = Actor(None, "王敏", frozenset({Role.AGENT}))
        async with db.session() as session:
            with pytest.raises(Conflict, match="callback-claimed"):
                await service.claim(session, somebody, again.id, again.version)
        async with db.session() as session:
            done = await service.finish(session, actor, again.id, again.version, "已接通，登记工单")
        assert {task.id for task in done} == {first.id, again.id}
        assert await waiting(db, actor, 0) == [other.phone]
