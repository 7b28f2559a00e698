"""Facts in PostgreSQL: one row per call, each transition told once, one call-back at most."""

import asyncio
import random
from uuid import UUID

import pytest
from line_facts import CALLER, START, abandoned, answered, say, the_call
from sqlalchemy import func, select, text

from callflow import queries, store
from callflow.callbacks.models import CallbackTask
from callflow.facts import Fact, Kind, Source
from callflow.models import Call
from core import events
from core.db import Database
from core.events import Event


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the events that were published, in order (each still goes its way)."""
    names: list[str] = []
    original = events.publish

    async def publish(session, *told: Event) -> None:
        names.extend(event.name.removeprefix("callflow.") for event in told)
        await original(session, *told)

    monkeypatch.setattr(store, "publish", publish)
    return names


async def save(db: Database, *facts: Fact) -> None:
    async with db.session() as session:
        await store.save(session, facts)


async def tasks(db: Database) -> list[CallbackTask]:
    async with db.session() as session:
        return list(await session.scalars(select(CallbackTask).order_by(CallbackTask.call_ended_at)))


async def test_a_call_becomes_one_complete_row(db: Database, agent: UUID, published: list[str]) -> None:
    await save(db, *answered())
    call = await the_call(db)
    assert (call.caller, call.dialled, call.queue) == ("+8613800000001", "12345", "hotline")
    assert (call.agent_id, call.agent_name, call.agent_extension) == (agent, "李雯", "1001")
    assert (call.outcome, call.cause, call.ended_by) == ("answered", 16, "citizen")
    times = [call.arrived_at, call.answered_at, call.queued_at, call.connected_at, call.ended_at]
    assert [(at - START).total_seconds() for at in times if at] == [0, 0.1, 3, 7, 60]
    assert published == ["call-arrived", "call-connected", "call-ended"]


async def test_one_fact_at_a_time_and_all_again_tells_each_transition_once(
    db: Database, agent: UUID, published: list[str]
) -> None:
    for one in answered():
        await save(db, one)
    row = await the_call(db)
    facts = answered() * 2
    random.Random(1).shuffle(facts)
    for one in facts:
        await save(db, one)
    again = await the_call(db)
    assert published == ["call-arrived", "call-connected", "call-ended"]
    assert (again.evidence, again.changed_at) == (row.evidence, row.changed_at)


async def test_writers_at_once_write_one_row(db: Database, agent: UUID, published: list[str]) -> None:
    facts = answered() + answered("2.0", 1, "13800000002")
    await asyncio.gather(*(save(db, *random.Random(n).sample(facts, len(facts))) for n in range(8)))
    async with db.session() as session:
        assert await session.scalar(select(func.count()).select_from(Call)) == 2
    assert sorted(published) == sorted(["call-arrived", "call-connected", "call-ended"] * 2)


async def test_nobody_reads_the_caller_in_the_database(db: Database, agent: UUID) -> None:
    await save(db, *answered())
    async with db.session() as session:
        row = (await session.execute(text("SELECT calls::text FROM calls"))).scalar_one()
    assert CALLER not in row


async def test_the_first_agent_keeps_the_name_of_the_time(db: Database, agent: UUID) -> None:
    await save(db, *answered()[:4])
    async with db.session() as session:
        await session.execute(text("UPDATE line_agents SET name = '李雯雯'"))
    await save(db, answered()[4])
    assert (await the_call(db)).agent_name == "李雯"


@pytest.mark.proves("F02-3", "A02-2")
async def test_abandoned_after_five_seconds_is_called_back_once(db: Database, agent: UUID) -> None:
    await save(db, *abandoned("1.0", 0))
    await save(db, *abandoned("1.0", 0))
    [task] = await tasks(db)
    assert (task.phone, task.reason) == ("+8613800000001", "abandoned")


@pytest.mark.proves("A02-2")
async def test_who_gives_up_at_once_is_not_called_back(db: Database, agent: UUID) -> None:
    await save(db, *abandoned("1.0", 0, waits=4.9))
    assert await tasks(db) == []


@pytest.mark.proves("A02-2")
@pytest.mark.parametrize(("minutes", "count"), [(5, 1), (9.5, 1), (10.5, 2)])
async def test_within_ten_minutes_one_number_has_one_task(
    db: Database, agent: UUID, minutes: float, count: int
) -> None:
    await save(db, *abandoned("1.0", 0))
    await save(db, *abandoned("2.0", minutes * 60))
    await save(db, *abandoned("3.0", 1, caller="13900000009"))
    assert len(await tasks(db)) == count + 1


@pytest.mark.proves("A02-2")
async def test_two_calls_that_end_together_make_one_task(db: Database, agent: UUID) -> None:
    await asyncio.gather(*(save(db, *abandoned(f"{n}.0", n)) for n in range(6)))
    assert len(await tasks(db)) == 1


@pytest.mark.proves("F02-3")
async def test_reaching_an_agent_later_closes_the_task(db: Database, agent: UUID) -> None:
    await save(db, *abandoned("1.0", 0))
    await save(db, *answered("2.0", 60))
    [task] = await tasks(db)
    assert task.done_at
    assert task.done_by is None


@pytest.mark.proves("F02-3")
async def test_interrupted_calls_are_called_back_each(db: Database, agent: UUID) -> None:
    await save(db, *answered()[:4], say("1.0", Kind.INTERRUPTED, 30, Source.AMI))
    await save(db, *answered("2.0", 5)[:4], say("2.0", Kind.INTERRUPTED, 30, Source.AMI))
    assert [task.reason for task in await tasks(db)] == ["interrupted", "interrupted"]
    assert (await the_call(db)).outcome == "interrupted"


@pytest.mark.proves("F02-3")
async def test_a_message_is_told_once_and_called_back(db: Database, agent: UUID, published: list[str]) -> None:
    facts = [*abandoned("1.0", 0, 40), say("1.0", Kind.MESSAGE, 30)]
    await save(db, *facts)
    await save(db, say("1.0", Kind.MESSAGE, 40, Source.RECORDING, seconds="9"))
    assert (await the_call(db)).message_seconds == 9
    assert published == ["call-arrived", "call-ended", "message-left"]
    assert [task.reason for task in await tasks(db)] == ["message"]


async def test_pages_follow_each_other_without_gap(db: Database, agent: UUID) -> None:
    for n in range(7):
        await save(db, *answered(f"{n}.0", n // 2))
    seen: list[UUID] = []
    last = None
    async with db.session() as session:
        while page := await queries.calls(session, before=last, limit=3):
            seen += [one.id for one in page]
            last = (page[-1].arrived_at, page[-1].id)
        assert len(await queries.calls(session, caller="+8613800000001")) == 7
        assert await queries.calls(session, caller="+8613800000009") == []
    assert len(seen) == len(set(seen)) == 7


async def test_connected_calls_are_those_in_which_people_talk(db: Database, agent: UUID) -> None:
    await save(db, *answered("1.0")[:4], *answered("2.0")[:3], *answered("3.0"))
    async with db.session() as session:
        [one] = await queries.connected_calls(session)
        [queue] = await queries.queue_status(session)
    assert (one.citizen_channel, one.agent_channel) == ("PJSIP/trunk-00000001", "PJSIP/1001-00000002")
    assert (queue.waiting, queue.talking) == (1, 1)
