"""Far more calls at once than anybody can answer: in the end each is on record, once, complete, and called back."""

import asyncio
import os
from collections import Counter
from collections.abc import Sequence

import pytest
from aftermath import PATIENCE_S
from bench.line_load import Load
from instance import Instance
from ringing import until
from sqlalchemy import func, select

from callflow.callbacks.models import CallbackTask
from callflow.models import Call
from callflow.rules import Outcome
from core.clock import now
from recordings.models import Recording, RecordingState

pytestmark = [pytest.mark.line, pytest.mark.xdist_group("instance")]

CALLS, PER_S = int(os.environ.get("HOTLINE_SOAK_CALLS", "100")), 20
"""`make soak` says two hundred."""
FIRST = 13910000000


async def test_given_a_burst_of_calls_then_each_is_on_record_once_and_whoever_gave_up_is_called_back(
    instance: Instance,
) -> None:
    assert instance.node.install.sipp, "sipp is installed with the tests' system packages"
    for login in ("agent1", "agent2"):
        await instance.desk(login)
    numbers = [str(FIRST + i) for i in range(CALLS)]
    line, began = instance.settings.line, now()
    load = Load(
        instance.node.install.sipp, instance.home / f"burst-{began:%H%M%S}", f"{line.bind}:{line.sip_port}", [], 0
    )
    with load.citizens("12345", PER_S, numbers, "impatient") as citizens:
        assert await asyncio.to_thread(citizens.wait, PATIENCE_S) in (0, 1)
    assert load.result().calls == CALLS

    async def all_ended() -> Sequence[Call]:
        async with instance.db.session() as session:
            calls = (await session.scalars(select(Call).where(Call.arrived_at >= began))).all()
        return calls if len(calls) >= CALLS and all(call.ended_at and call.outcome for call in calls) else ()

    calls = await until(all_ended, f"{CALLS} calls on record and over", PATIENCE_S)
    assert isinstance(calls, Sequence)
    assert sorted(call.caller for call in calls) == [f"+86{number}" for number in numbers]
    outcomes = Counter(call.outcome for call in calls)
    assert set(outcomes) <= {Outcome.ANSWERED, Outcome.ABANDONED}
    for call in calls:
        assert call.dialled == "12345"
        assert call.answered_at
        assert call.ended_at
        assert call.arrived_at <= call.answered_at <= call.ended_at
        assert bool(call.connected_at) == bool(call.agent_id) == (call.outcome == Outcome.ANSWERED)
    answered = {call.id for call in calls if call.outcome == Outcome.ANSWERED}
    assert answered, "the agents served some meanwhile"

    async def recorded() -> bool:
        async with instance.db.session() as session:
            of_these = select(Recording).where(Recording.call_id.in_(call.id for call in calls))
            found = (await session.scalars(of_these)).all()
        heard = [one.call_id for one in found if one.state != RecordingState.EMPTY]
        assert len(heard) == len(set(heard)), "one connection is one recording"
        assert not set(heard) - answered, "nobody is recorded who was not connected"
        return set(heard) == answered

    await until(recorded, "one recording for each answered call", PATIENCE_S)
    async with instance.db.session() as session:
        owed = await session.scalar(
            select(func.count()).select_from(CallbackTask).where(CallbackTask.call_id.in_(call.id for call in calls))
        )
    assert owed == outcomes[Outcome.ABANDONED], "each waited five seconds or longer"
    print(f"{CALLS} calls in {CALLS / PER_S:.0f} s: {dict(outcomes)}, sipp failed {load.result().failed}")
