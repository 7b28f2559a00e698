"""Jobs exist exactly if the change does, survive killed workers, and are tried again only when that can help."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from core import clock, events, jobs, live
from core.actor import Actor
from core.db import Database, new_id
from core.errors import Conflict, Denied, Invalid, Unavailable
from core.jobs import JobContext, Retry, defer, job, run_pending
from core.ledger.models import LedgerEntry
from core.permissions import Role
from core.replay import count_failed, failed_jobs, replay

ran: list[Any] = []
BAD = 13
ADMINISTRATOR = Actor(None, "吴系", frozenset({Role.SYSTEM_ADMIN}))


@job("test.note")
async def note(ctx: JobContext, value: int) -> None:
    ran.append(value)


@job("test.shaky", retry=Retry(attempts=3, base_s=0, cap_s=0))
async def shaky(ctx: JobContext, value: int) -> None:
    ran.append(value)
    if len(ran) < value:
        raise Unavailable("shaky", "稍后再试。")


@job("test.wrong")
async def wrong(ctx: JobContext) -> None:
    ran.append("wrong")
    raise Invalid("wrong", "不行。")


class Happened(events.Event):
    """Something of this test."""

    name: ClassVar[str] = "test.happened"
    value: int


@events.subscriber(Happened, "test.first")
async def first(session: Any, told: Sequence[Happened]) -> None:
    ran.extend(("first", event.value) for event in told)


@events.subscriber(Happened, "test.second")
async def second(session: Any, told: Sequence[Happened]) -> None:
    ran.append(("second", [event.value for event in told]))
    if any(event.value == BAD for event in told):
        raise Invalid("bad", "不行。")


class Rang(events.Event):
    """A call did something."""

    name: ClassVar[str] = "test.rang"
    call_id: UUID


@events.subscriber(Rang, "test.rang")
async def rang(session: Any, told: Sequence[Rang]) -> None:
    ran.append(structlog.contextvars.get_contextvars().get("call"))


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    ran.clear()


async def test_a_job_runs_when_its_transaction_commits(db: Database) -> None:
    async with db.session() as session:
        await defer(session, note, value=1)
    await run_pending(db)
    assert ran == [1]


async def test_a_job_is_gone_with_its_transaction(db: Database) -> None:
    with pytest.raises(RuntimeError, match="undone"):
        async with db.session() as session:
            await defer(session, note, value=1)
            raise RuntimeError("undone")
    await run_pending(db)
    assert ran == []


async def test_a_waiting_queueing_lock_thins_out_and_spoils_nothing(db: Database) -> None:
    async with db.session() as session:
        assert await defer(session, note, queueing_lock="only", value=1) is not None
        assert await defer(session, note, queueing_lock="only", value=2) is None
        await defer(session, note, value=3)
    await run_pending(db)
    assert sorted(ran) == [1, 3]


async def test_unavailable_is_tried_again_until_it_works(db: Database) -> None:
    async with db.session() as session:
        await defer(session, shaky, value=3)
    for _ in range(3):
        await run_pending(db)
    assert ran == [3, 3, 3]


async def test_an_error_fails_the_job_once_and_a_person_replays_it(db: Database) -> None:
    async with db.session() as session:
        await defer(session, wrong)
    await run_pending(db)
    await run_pending(db)
    assert ran == ["wrong"]
    async with db.session() as session:
        (failed,) = await failed_jobs(session)
        assert failed.name == "test.wrong"
        assert await count_failed(session) == 1
        await replay(session, ADMINISTRATOR, failed.id, "已恢复")
    with pytest.raises(Conflict):
        async with db.session() as session:
            await replay(session, ADMINISTRATOR, failed.id, "再试一次")
    await run_pending(db)
    assert ran == ["wrong", "wrong"]
    async with db.session() as session:
        (entry,) = await session.scalars(select(LedgerEntry))
        with pytest.raises(Denied):
            await replay(session, Actor(None, "王丽", frozenset({Role.AGENT})), failed.id, "试试")
    assert (entry.action, entry.reason, entry.detail) == ("job.replay", "已恢复", {"name": "test.wrong"})


async def test_every_subscriber_hears_an_event(db: Database) -> None:
    async with db.session() as session:
        await events.publish(session, Happened(value=7))
    await run_pending(db)
    assert sorted(ran) == [("first", 7), ("second", [7])]


async def test_events_of_one_transaction_are_told_together(db: Database) -> None:
    async with db.session() as session:
        await events.publish(session, Happened(value=1), Happened(value=2))
    await run_pending(db)
    assert sorted(ran) == [("first", 1), ("first", 2), ("second", [1, 2])]


async def test_log_lines_of_a_job_about_one_call_name_it(db: Database) -> None:
    one, other = new_id(), new_id()
    for told in ((one,), (one, one), (one, other)):
        async with db.session() as session:
            await events.publish(session, *(Rang(call_id=call) for call in told))
        await run_pending(db)
    assert ran == [str(one), str(one), None]


async def test_one_that_fails_costs_its_companions_nothing(db: Database) -> None:
    async with db.session() as session:
        await events.publish(session, Happened(value=1), Happened(value=BAD), Happened(value=3))
    await run_pending(db)
    await run_pending(db)
    assert next(told for name, told in ran if name == "second") == [1, BAD, 3]
    assert sorted(told for name, told in ran if name == "second" and len(told) == 1) == [[1], [3], [BAD]]
    async with db.session() as session:
        (failed,) = await failed_jobs(session)
    assert [one["value"] for one in failed.args["events"]] == [BAD]


async def test_hints_are_told_once_when_the_transaction_commits(db: Database) -> None:
    heard: list[live.Hint] = []

    async def listen() -> None:
        async for hint in live.listen(db.dsn, ["never", "thing", "last"]):
            heard.append(hint)
            if hint.topic == "last":
                return

    listening = asyncio.create_task(listen())
    while not listening.done():
        with pytest.raises(RuntimeError, match="undone"):
            async with db.session() as session:
                live.hint(session, "never")
                raise RuntimeError("undone")
        async with db.session() as session:
            for _ in range(3):
                live.hint(session, "thing", 7)
            live.hint(session, "last")
        await asyncio.wait([listening], timeout=0.2)
    await listening
    assert heard == [live.Hint("thing", "7"), live.Hint("last")]


async def test_a_job_waits_for_its_time(db: Database) -> None:
    async with db.session() as session:
        await defer(session, note, at=clock.now() + timedelta(hours=1), value=1)
    await run_pending(db)
    assert ran == []


async def test_a_killed_workers_job_is_revived(db: Database) -> None:
    async with db.session() as session:
        number = await defer(session, note, value=1)
        await session.execute(
            text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')")
        )
        await session.execute(
            text(
                "UPDATE procrastinate_jobs SET status = 'doing',"
                " worker_id = (SELECT max(id) FROM procrastinate_workers) WHERE id = :id"
            ),
            {"id": number},
        )
    await jobs.revive_stalled(db)
    await run_pending(db)
    assert ran == [1]


@given(st.integers(0, 200), st.floats(0, 1))
def test_back_off_is_capped(attempt: int, spread: float) -> None:
    retry = Retry(base_s=1, cap_s=60)
    assert 0.75 <= retry.delay(attempt, spread) <= 75
