"""No call is lost, whatever is killed: a whole instance, real calls, SIGKILL.

The promises (第二条, 7×24小时): callers in Asterisk reach an agent or the message box; afterwards each call has
exactly one complete record, each connected call its recording and its draft.
"""

import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from instance import Instance
from ringing import until
from sqlalchemy import select

from callflow.callbacks.models import CallbackTask
from callflow.rules import Outcome
from crm.tickets.models import Ticket
from hotline.softphone import On
from recordings.models import Recording

pytestmark = [pytest.mark.line, pytest.mark.timeout(300), pytest.mark.xdist_group("instance")]

STILL_S = float(os.environ.get("HOTLINE_SOAK_STILL_S", "0"))
"""How long PostgreSQL stands still at least; `make soak` says thirty seconds."""
WORDS = "我要投诉小区门口占道经营"


@pytest.fixture
async def instance(rendered_home: Path) -> AsyncIterator[Instance]:
    """An instance of this test's own, started, and stopped whatever happens."""
    with TemporaryDirectory(prefix="hl-i-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        one = Instance.prepare(Path(folder) / "h", rendered_home / "asterisk" / "data" / "sounds")
        try:
            await one.start()
            yield one
        finally:
            await one.stop()
            for pid in (one.node.pid, one.postgres.pid()):
                with suppress(ProcessLookupError, TypeError):
                    os.kill(pid, signal.SIGKILL)  # type: ignore[arg-type]


async def recording(instance: Instance, call_id: object) -> Recording:
    """The call's recording, once it is archived."""

    async def archived() -> Recording | None:
        async with instance.db.session() as session:
            found: Recording | None = await session.scalar(select(Recording).where(Recording.call_id == call_id))
            return found

    found = await until(archived, "the recording in the archive", 60)
    assert isinstance(found, Recording)
    return found


async def draft(instance: Instance, call_id: object) -> Ticket:
    """The call's draft order, once its words have filled it."""

    async def filled() -> Ticket | None:
        async with instance.db.session() as session:
            found: Ticket | None = await session.scalar(select(Ticket).where(Ticket.call_id == call_id))
            return found if found and found.proposals.get("category") else None

    found = await until(filled, "the draft filled from the words", 60)
    assert isinstance(found, Ticket)
    return found


async def test_given_the_service_is_killed_at_each_stage_then_no_call_is_lost(instance: Instance) -> None:
    actor = await instance.desk()

    # during the notice: nobody answers FastAGI, the dialplan queues by itself
    await instance.kill_service()
    noticed = await instance.rings("13800001001")
    await until(lambda: instance_talks(instance), "the agent talks although the service is dead")
    await instance.says(noticed, WORDS)

    # during the talk it comes back, is killed once more, and comes back after the hang-up
    await instance.start()
    await instance.call("13800001001", "connected_at")
    await instance.kill_service()
    await noticed.hang_up()
    await instance.start()
    first = await instance.call("13800001001", "ended_at", "outcome", "connected_at", "agent_id")
    assert first.outcome == Outcome.ANSWERED
    assert first.agent_id == actor.user_id
    kept = await recording(instance, first.id)
    assert kept.seconds > 3
    proposed = await draft(instance, first.id)
    assert proposed.proposals["category"]["value"] == "complaint"

    # in the queue: the next caller waits while the service dies, and is served when the agent is back
    await instance.rests(actor)
    waiting = await instance.rings("13800001002")
    await instance.call("13800001002", "queued_at")
    await instance.kill_service()
    await instance.start()
    await instance.resumes(actor)
    await instance.call("13800001002", "connected_at")
    await instance.says(waiting, WORDS)
    await waiting.hang_up()
    second = await instance.call("13800001002", "ended_at", "outcome")
    assert second.outcome == Outcome.ANSWERED
    await recording(instance, second.id)
    await draft(instance, second.id)


async def instance_talks(instance: Instance) -> bool:
    """Whether a citizen and an agent are connected, as Asterisk itself sees it."""
    return "Queue" in (shown := await instance.node.cli("core show channels concise")) and shown.count("!Up!") == 2


async def test_given_asterisk_is_killed_under_a_call_then_the_call_is_interrupted_and_the_line_is_back(
    instance: Instance,
) -> None:
    await instance.desk()
    citizen = await instance.rings("13800002001")
    await instance.call("13800002001", "connected_at")
    await instance.says(citizen, WORDS)
    assert instance.node.pid
    os.kill(instance.node.pid, signal.SIGKILL)

    later = await instance.phone("13800002002")

    async def answered() -> bool:
        await later.dial("12345")
        with suppress(TimeoutError):
            await later.wait_for(On.ESTABLISHED, timeout=2)
            return True
        return False

    await until(answered, "a new call is answered", 20)
    await later.hang_up()
    cut = await instance.call("13800002001", "ended_at", "outcome")
    assert cut.outcome == Outcome.INTERRUPTED
    assert (await recording(instance, cut.id)).state in {"stored", "partial"}

    async def owed() -> list[CallbackTask]:
        async with instance.db.session() as session:
            return list(await session.scalars(select(CallbackTask).where(CallbackTask.call_id == cut.id)))

    tasks = await until(owed, "the call-back task")
    assert isinstance(tasks, list)
    assert len(tasks) == 1
    await citizen.stop()


async def test_given_postgresql_stands_still_then_callers_reach_an_agent_and_nothing_is_missing(
    instance: Instance,
) -> None:
    actor = await instance.desk()
    stopped, began = instance.database_processes(), time.monotonic()
    for one in stopped:
        os.kill(one, signal.SIGSTOP)
    try:
        citizen = await instance.rings("13800003001")
        await until(lambda: instance_talks(instance), "the agent talks although the database stands still")
        await instance.says(citizen, WORDS)
        await until(lambda: time.monotonic() - began >= STILL_S, "the time that it stands still", STILL_S + 60)
    finally:
        for one in stopped:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)
    await citizen.hang_up()
    call = await instance.call("13800003001", "ended_at", "outcome", "connected_at", within_s=60)
    assert call.outcome == Outcome.ANSWERED
    assert call.agent_id == actor.user_id
    await recording(instance, call.id)
    await draft(instance, call.id)
