"""One real call, one complete record: whoever dies meanwhile."""

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from by_hand import AS_OWNER
from ringing import WAITS, until
from ringing import Line as Telephones
from sqlalchemy import delete, select

from callflow import current
from callflow.agents import service as agents
from callflow.agents.models import Agent, Presence
from callflow.asterisk import AsteriskNode
from callflow.callbacks.models import CallbackTask
from callflow.intake import Intake
from callflow.line import Line
from callflow.models import Call, JournalPosition
from callflow.numbers import service as numbers
from callflow.policy import LinePolicy
from callflow.reconcile import Reconciler
from callflow.settings import LineSettings
from core.actor import SYSTEM, Actor
from core.db import Database
from core.identity.models import User
from core.permissions import Role
from hotline.setup import asterisk
from hotline.softphone import On, Softphone, free_port

pytestmark = [pytest.mark.line, pytest.mark.xdist_group("asterisk")]

DECIDED = {
    "abandoned_after_s": 1,
    "callback_quiet_min": 10,
    "callback_attempts": 3,
    "callback_bands": ["09:00-12:00", "15:00-18:00", "19:00-21:00"],
    "wrap_up_s": 60,
    "calls_per_number": 100,
    "calls_window_min": 10,
    "concurrent_per_number": 10,
    "keep_place_after_s": 60,
    "probe_every_min": 0,
    "spoken_at_once": 4,
    "rate_after_call": True,
    "agent_states_years": 3,
    "duty_counts_as_staffed": False,
    "outside_number": "",
    "may_dial": ["1[3-9]XXXXXXXXX"],
}


@dataclass
class Centre:
    """An Asterisk, the line role, its database, one agent."""

    db: Database
    home: Path
    node: AsteriskNode
    telephones: Telephones
    line: Line
    agent: Actor

    @property
    def agent_id(self) -> UUID:
        assert self.agent.user_id
        return self.agent.user_id

    async def desk(self, *, auto_answer: bool = True) -> Softphone:
        """The agent's telephone, registered, logged in and known to the queue."""
        async with self.db.session() as session:
            row = await session.get_one(Agent, self.agent_id)
            row.webrtc = False
        await until(self._plain_phone, "the agent's telephone in Asterisk's files")
        phone = await self.telephones.phone("1001", password=row.sip_secret, auto_answer=auto_answer)
        async with self.db.session() as session:
            await agents.log_in(session, self.agent, self.agent_id)
        await until(lambda: self.device("idle"), "the agent in the queue")
        return phone

    async def _plain_phone(self) -> bool:
        self.line._files.wake()
        written = (self.node.folders.etc / "pjsip_agents.conf").read_text(encoding="utf-8")
        return "[1001](agent-phone)" in written and "Unable" not in await self.node.cli("pjsip show endpoint 1001")

    async def device(self, wanted: str, *, paused: bool = False) -> bool:
        async with self.db.session() as session:
            seen = await session.scalar(select(Presence).where(Presence.extension == "1001"))
        return bool(seen and seen.device == wanted and seen.paused == paused)

    async def rings(self) -> Softphone:
        phone = await self.telephones.phone()
        await phone.dial("12345")
        await phone.wait_for(On.ESTABLISHED)
        return phone

    async def record(self, citizen: Softphone) -> Call | None:
        async with self.db.session() as session:
            found: Call | None = await session.scalar(select(Call).where(Call.caller.matches(f"+86{citizen.user}")))
            return found

    async def having(self, citizen: Softphone, *fields: str) -> Call:
        """The citizen's call, once these fields are known."""

        async def complete() -> Call | None:
            call = await self.record(citizen)
            return call if call and all(getattr(call, name) is not None for name in fields) else None

        found = await until(complete, f"a call with {fields}")
        assert isinstance(found, Call)
        return found

    async def reads_everything_again(self) -> int:
        """The journals from their beginning, by a reader who remembers nothing; how many facts."""
        async with self.db.session() as session:
            await session.execute(AS_OWNER)
            await session.execute(delete(JournalPosition))
        reader = Reconciler(self.db, Intake(self.db, self.home / "aside.txt"), "node1", self.node.folders.log)
        return await reader.read_journals()

    async def callbacks(self) -> list[CallbackTask]:
        async with self.db.session() as session:
            return list(await session.scalars(select(CallbackTask)))

    async def calls(self) -> int:
        async with self.db.session() as session:
            return len(list(await session.scalars(select(Call))))


@pytest.fixture
async def centre(db: Database, rendered_home: Path) -> AsyncIterator[Centre]:
    current.use(LinePolicy.model_validate({**DECIDED, "basis": dict.fromkeys(DECIDED, "测试")}))
    home = Path(tempfile.mkdtemp(prefix="hl-calls-", dir="/tmp"))
    (home / "asterisk" / "data").mkdir(parents=True)
    (home / "asterisk" / "data" / "sounds").symlink_to(rendered_home / "asterisk" / "data" / "sounds")
    first = 28000 + os.getpid() % 90 * 20
    settings = LineSettings(
        sip_port=free_port(), ami_port=free_port(), agi_port=free_port(), websocket_port=free_port(),
        rtp_first=first, rtp_last=first + 200, waits=WAITS,
    )  # fmt: skip
    node = AsteriskNode(home, asterisk.ensure(), settings)
    node.render()
    async with db.session() as session:
        user = User(login="agent1", name="李雯", roles=["agent"], password_hash="-")
        session.add(user)
        await session.flush()
        await numbers.set_queue(session, SYSTEM, "first", "综合坐席")
        await numbers.set_number(session, SYSTEM, "12345", "12345政务服务便民热线", "first")
        await agents.enrol(session, SYSTEM, user.id, "1001", "李雯", {"first": 0})
    await node.start()
    line = Line(db, home, settings, node)
    await line.start()
    async with AsyncExitStack() as stack:
        made = Centre(
            db,
            home,
            node,
            Telephones(node, home / "speech", stack),
            line,
            Actor(user.id, "李雯", frozenset({Role.AGENT})),
        )
        try:
            yield made
        finally:
            await stack.aclose()
            await made.line.stop()
            await node.stop()
            shutil.rmtree(home, ignore_errors=True)


def columns(call: Call) -> dict[str, Any]:
    """The whole row, with the instant of its last change."""
    return {column.name: getattr(call, column.key) for column in Call.__table__.columns}


def in_order(call: Call) -> bool:
    times = [call.arrived_at, call.answered_at, call.queued_at, call.connected_at, call.ended_at]
    known = [at for at in times if at]
    return known == sorted(known) and len(known) == 5


async def test_one_call_is_one_complete_record_and_a_wrap_up(centre: Centre) -> None:
    desk = await centre.desk()
    citizen = await centre.rings()
    call = await centre.having(citizen, "connected_at")
    assert call.outcome is None
    assert call.agent_channel
    assert call.agent_channel.startswith("PJSIP/1001-")
    await until(lambda: centre.device("talking"), "the agent's telephone talking")
    await desk.hang_up()
    call = await centre.having(citizen, "outcome", "cause")
    assert (call.outcome, call.queue, call.dialled) == ("answered", "first", "12345")
    assert (call.agent_id, call.agent_name, call.ended_by) == (centre.agent_id, "李雯", "agent")
    assert in_order(call)
    await until(lambda: centre.device("idle", paused=True), "the wrap-up pause in Asterisk")
    async with centre.db.session() as session:
        await agents.finish_wrap_up(session, centre.agent, centre.agent_id)
    await until(lambda: centre.device("idle"), "the end of the wrap-up in Asterisk")
    live = columns(await centre.having(citizen, "outcome"))
    assert await centre.reads_everything_again() > 0
    assert await centre.calls() == 1, "three CDRs, one call"
    assert columns(await centre.having(citizen, "outcome")) == live, "read again, every fact is the same one"
    assert await centre.callbacks() == []


@pytest.mark.proves("F02-3", "A02-2")
async def test_who_gives_up_waiting_is_called_back_once(centre: Centre) -> None:
    await centre.desk(auto_answer=False)
    citizen = await centre.rings()
    await centre.having(citizen, "queued_at")
    await centre.telephones.happened(citizen.user, "CHAN_START", "PJSIP/1001-")
    await citizen.hang_up()
    call = await centre.having(citizen, "outcome")
    assert (call.outcome, call.ended_by, call.connected_at) == ("abandoned", "citizen", None)
    [task] = await centre.callbacks()
    assert (task.call_id, task.reason) == (call.id, "abandoned")
    assert call.ended_at
    assert task.created_at - call.ended_at < timedelta(minutes=1)


async def test_an_agent_who_does_not_answer_is_paused_and_the_caller_stays(centre: Centre) -> None:
    await centre.desk(auto_answer=False)
    citizen = await centre.rings()
    await until(lambda: centre.device("idle", paused=True), "the pause of who did not answer")
    async with centre.db.session() as session:
        row = await session.get_one(Agent, centre.agent_id)
    assert row.pause_reason == "no-answer"
    call = await centre.having(citizen, "queued_at")
    assert call.ended_at is None
    await citizen.hang_up()
    await centre.having(citizen, "outcome")


async def test_a_call_is_complete_although_the_reader_was_cut_off_in_its_middle(centre: Centre) -> None:
    await centre.desk()
    citizen = await centre.rings()
    await centre.having(citizen, "connected_at")
    writer = centre.line.feed.ami._writer
    assert writer
    writer.transport.abort()
    await citizen.hang_up()
    call = await centre.having(citizen, "outcome", "cause")
    assert (call.outcome, call.ended_by, call.agent_name) == ("answered", "citizen", "李雯")
    assert in_order(call)


async def test_a_call_is_complete_although_the_service_was_away(centre: Centre) -> None:
    await centre.desk()
    citizen = await centre.rings()
    await centre.having(citizen, "queued_at")
    await centre.line.stop()
    other = await centre.rings()
    await centre.telephones.happened(other.user, "APP_START", "Queue")
    for one in (citizen, other):
        await one.hang_up()
        await centre.telephones.happened(one.user, "LINKEDID_END")
    assert await centre.record(other) is None
    centre.line = Line(centre.db, centre.home, centre.node.settings, centre.node)
    await centre.line.start()
    first, second = await centre.having(citizen, "outcome"), await centre.having(other, "outcome")
    assert first.outcome in ("answered", "abandoned")
    assert (second.outcome, second.queue) == ("abandoned", "first")
    assert await centre.calls() == 2


async def test_a_killed_asterisk_leaves_interrupted_calls_each_called_back(centre: Centre) -> None:
    await centre.desk()
    citizen = await centre.rings()
    await centre.having(citizen, "connected_at")
    pid = centre.node.pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not centre.node.alive(), "the end of Asterisk")
    await centre.node.start()
    call = await centre.having(citizen, "outcome")
    assert call.outcome == "interrupted"
    assert call.ended_at
    assert call.connected_at
    assert call.ended_at >= call.connected_at
    [task] = await centre.callbacks()
    assert (task.call_id, task.reason) == (call.id, "interrupted")


async def test_a_stopped_asterisk_leaves_interrupted_calls_too(centre: Centre) -> None:
    await centre.desk()
    citizen = await centre.rings()
    await centre.having(citizen, "connected_at")
    await centre.node.stop()
    await centre.node.start()
    call = await centre.having(citizen, "outcome")
    assert (call.outcome, call.ended_by) == ("interrupted", "system")
    assert [task.reason for task in await centre.callbacks()] == ["interrupted"]
