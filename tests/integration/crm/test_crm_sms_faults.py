"""No SMS is lost and none is doubled, whoever dies: worker processes and operators' gateways, killed with messages on
the way."""

import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import quantiles
from typing import Any
from uuid import UUID

import pytest
from crm_peers import Peer, eventually
from sqlalchemy import select, text

from core.actor import Actor
from core.db import Database, new_id
from crm.county.categories import Category
from crm.queries.messages import Message, log, promptness
from crm.sms.jobs import UNPROVEN
from crm.sms.models import Sms
from crm.sms.rules import SmsState
from crm.sms.service import queue_receipt
from crm.tickets.dispatch import Order, dispatch
from crm.tickets.input import Correction
from crm.tickets.service import Opening, correct, open_draft

SYSTEM = Actor(None, "系统", is_system=True)
TEXT = "【弋阳12345】您的诉求已受理，工单号YY20261123-00001，查询码123456。"
SEED = int(os.environ.get("HOTLINE_SOAK_SEED", "1"))
MESSAGES, FAULTS = 60, 4
DISPATCHES, COMMITS_WITHIN_S, ACCEPTED_WITHIN_S, BUSY = 20, 0.3, 60.0, 3
"""A13-3, T19."""
PATIENCE_S = 120.0
"""A process starts, and a job's next try comes, when a busy machine lets it."""
AT_ONCE = 8
"""Jobs that one worker runs at a time: at most so many can be between submit and response."""


class SmsWorker:
    """A process with the product's worker and gateway; `kill()` is SIGKILL."""

    def __init__(self, url: str, peer: Peer) -> None:
        self._peer = peer
        self._command = [
            sys.executable,
            str(Path(__file__).with_name("crm_sms_worker.py")),
            url,
            peer.settings().model_dump_json(),
        ]
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, *, bound: bool = True) -> None:
        """Returns once it is bound to the gateway; at once for `bound=False`."""
        before = len(self._peer.happened)
        self._process = await asyncio.create_subprocess_exec(*self._command, cwd=Path(__file__).parents[3])
        if bound and self._peer.linked:
            await self._peer.event("bind", after=before, patience_s=PATIENCE_S)

    async def kill(self) -> None:
        """As a power cut would."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@pytest.fixture
async def worker(db: Database, peer: Peer) -> AsyncIterator[SmsWorker]:
    one = SmsWorker(db.url, peer)
    yield one
    await one.kill()


async def queued(db: Database, number: int = 0) -> UUID:
    async with db.session() as session:
        phone = f"+86138{number:08d}"
        return (await queue_receipt(session, ticket_id=new_id(), to=phone, anonymous=False, text=TEXT)).id


async def settled(db: Database) -> dict[UUID, str] | None:
    """Every message's state, once none is queued or being submitted."""
    async with db.session() as session:
        states = {row.id: row.state for row in await session.scalars(select(Sms))}
    return None if {SmsState.QUEUED, SmsState.SUBMITTING} & set(states.values()) else states


async def shown(db: Database, *states: SmsState) -> list[Message]:
    """What the page of the SMS log shows of these states."""
    async with db.session() as session:
        return await log(session, SYSTEM, states=frozenset(states), limit=1000)


async def test_a_worker_killed_before_the_gateway_is_there_loses_nothing(
    db: Database, peer: Peer, worker: SmsWorker
) -> None:
    await peer.stop()
    sms_id = await queued(db)
    await worker.start(bound=False)

    async def tried() -> bool:
        async with db.session() as session:
            return bool(await session.scalar(text("SELECT max(attempts) FROM procrastinate_jobs")))

    await eventually(tried, PATIENCE_S)
    await worker.kill()
    await peer.start()
    await worker.start()
    assert await eventually(lambda: settled(db), PATIENCE_S) in ({sms_id: "submitted"}, {sms_id: "delivered"})
    assert peer.count("submit") == 1


async def test_a_worker_killed_between_submit_and_response_leaves_one_unknown_that_is_shown_as_such(
    db: Database, peer: Peer, worker: SmsWorker
) -> None:
    await peer.tell(set={"response": "none", "report": None})
    sms_id, other = await queued(db, 1), None
    await worker.start()
    sent = await peer.event("submit", patience_s=PATIENCE_S)
    await worker.kill()
    await peer.tell(set={"response": "ok", "report": "DELIVRD"})
    other = await queued(db, 2)
    await worker.start()
    assert await eventually(lambda: settled(db), PATIENCE_S)
    [unknown] = await shown(db, SmsState.UNKNOWN)
    assert (unknown.id, unknown.state.label, unknown.reason) == (sms_id, "结果不明", UNPROVEN)
    assert [one.text for one in unknown.history][-1] == UNPROVEN
    assert [one.id for one in await shown(db, SmsState.SUBMITTED, SmsState.DELIVERED)] == [other]
    assert peer.count("submit") == 2

    await peer.tell(report={"id": sent["id"], "to": "13800000001", "status": "DELIVRD"})

    async def delivered() -> bool:
        return sms_id in {one.id for one in await shown(db, SmsState.DELIVERED)}

    await eventually(delivered, PATIENCE_S)
    assert await shown(db, SmsState.UNKNOWN) == []


async def test_worker_and_gateway_killed_again_and_again_under_a_burst_double_nothing_and_lose_nothing(
    db: Database, peer: Peer, worker: SmsWorker
) -> None:
    dice = random.Random(SEED)
    numbers = {await queued(db, number): f"138{number:08d}" for number in range(MESSAGES)}
    await worker.start()
    for fault in range(FAULTS):
        wanted = (fault + 1) * MESSAGES // (FAULTS + 2) + dice.randrange(4)

        async def progressed(wanted: int = wanted) -> bool:
            return peer.count("submit") >= wanted or await settled(db) is not None

        await eventually(progressed, PATIENCE_S)
        await asyncio.sleep(dice.random() / 50)  # anywhere between two steps of a submission
        if dice.random() < 0.5:
            await worker.kill()
            await worker.start()
        else:
            await peer.stop()
            await peer.start()
    states = await eventually(lambda: settled(db), PATIENCE_S)
    taken = Counter(one["to"] for one in peer.happened if one["event"] == "submit")
    assert max(taken.values()) == 1, "nothing is sent twice"
    assert set(states.values()) <= {"submitted", "delivered", "unknown"}
    unknown = {sms_id for sms_id, state in states.items() if state == "unknown"}
    assert {one.id for one in await shown(db, SmsState.UNKNOWN)} == unknown
    assert all(taken[number] == 1 for sms_id, number in numbers.items() if sms_id not in unknown)
    assert len(unknown) <= FAULTS * AT_ONCE
    sent = sum(taken[numbers[sms_id]] for sms_id in unknown)
    print(f"seed {SEED}: {MESSAGES} messages, {FAULTS} faults, {len(unknown)} unknown, of which {sent} were taken")


async def dispatched(db: Database, office: Any, n: int) -> float:
    """Seconds that one dispatch took to commit, its message made in the same transaction."""
    async with db.session() as session:
        opening = Opening("phone", new_id(), f"+8613800{n:06d}", agent_id=office.agent.user_id)
        ticket = await open_draft(session, opening)
        told = {"address": "胜利路", "demand": "请尽快修好"}
        given = Correction(category=Category.HELP, matter="CX04", title="路灯不亮", content="路灯连续几天不亮", **told)
        ticket = await correct(session, office.agent, ticket.id, ticket.version, given)
    began = time.perf_counter()
    async with db.session() as session:
        order = Order(lead_unit_id=office.units["cgj"])
        done = await dispatch(session, office.agent, ticket.id, ticket.version, order)
    assert done.sms is not None and done.sms.state == SmsState.QUEUED
    return time.perf_counter() - began


@pytest.mark.proves("A13-3", "T19", "D31")
@pytest.mark.parametrize("peer", ["smpp"], indirect=True)
async def test_dispatch_does_not_wait_for_a_gateway_that_is_down_and_messages_go_out_when_it_is_back(
    db: Database, peer: Peer, worker: SmsWorker, office: Any
) -> None:
    alone = [await dispatched(db, office, n) for n in range(DISPATCHES)]
    await peer.stop()
    await worker.start(bound=False)
    down = [await dispatched(db, office, DISPATCHES + n) for n in range(DISPATCHES)]
    before, during = (quantiles(took, n=20)[-1] for took in (alone, down))
    assert during <= max(COMMITS_WITHIN_S, BUSY * before), "a machine that is busy with others is so in both arms"

    await peer.start()
    back = time.monotonic()
    states = await eventually(lambda: settled(db), PATIENCE_S)
    assert set(states.values()) <= {SmsState.SUBMITTED, SmsState.DELIVERED}
    assert time.monotonic() - back <= ACCEPTED_WITHIN_S, "the gateway's absence is over: nobody waits for a long retry"
    assert peer.count("submit") == 2 * DISPATCHES
    async with db.session() as session:
        prompt = await promptness(session)
    assert (prompt.made, prompt.in_time + prompt.late) == (2 * DISPATCHES, 2 * DISPATCHES)
    assert prompt.p95_s is not None


@pytest.mark.proves("T19")
@pytest.mark.parametrize("peer", ["smpp"], indirect=True)
async def test_a_receipt_is_with_the_gateway_within_a_minute_of_the_dispatch(
    db: Database, peer: Peer, worker: SmsWorker
) -> None:
    await worker.start()
    for number in range(10):
        await queued(db, number)
    await eventually(lambda: settled(db), PATIENCE_S)
    async with db.session() as session:
        prompt = await promptness(session)
    assert (prompt.made, prompt.in_time, prompt.late) == (10, 10, 0)
    assert prompt.p95_s is not None and prompt.p95_s < ACCEPTED_WITHIN_S
