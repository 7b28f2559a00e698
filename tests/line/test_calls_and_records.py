"""Whole calls through a whole instance of the demo county, and what is on record afterwards."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import pytest_asyncio
from instance import Instance
from ringing import Line, energy, sip_port, until
from sqlalchemy import func, select

from callflow.agents import service as agents
from callflow.callbacks.models import CallbackTask
from callflow.models import Call
from callflow.speak import speak
from core.actor import Actor
from crm.tickets.models import Ticket
from crm.tickets.states import State
from hotline.softphone import On, Softphone
from recordings.models import Kind, Recording, TranscriptSegment

pytestmark = [
    pytest.mark.line,
    pytest.mark.xdist_group("instance"),
    pytest.mark.asyncio(loop_scope="module"),
]
COMPLAINT = "我要投诉小区门口占道经营"
AUDIBLE = 300


@dataclass
class Centre:
    """The instance, its Asterisk's ears, and the telephone at which every call to the public network rings."""

    instance: Instance
    line: Line
    outside: Softphone

    async def says(self, phone: Softphone, text: str) -> None:
        await phone.say(speak(text, self.instance.home / "clips"))

    async def tasks(self, *calls: Call) -> list[str]:
        """Why these calls' citizens are owed a call."""
        async with self.instance.db.session() as session:
            wanted = select(CallbackTask.reason).where(CallbackTask.call_id.in_([call.id for call in calls]))
            return list(await session.scalars(wanted))

    async def recording(self, call: Call, kind: Kind) -> Recording:
        """The call's one recording of this kind, once it is archived."""

        async def archived() -> list[Recording]:
            async with self.instance.db.session() as session:
                wanted = select(Recording).where(Recording.call_id == call.id, Recording.kind == kind)
                return list(await session.scalars(wanted))

        found = await until(archived, f"a {kind} recording in the archive", 60)
        assert isinstance(found, list)
        assert len(found) == 1
        row: Recording = found[0]
        return row

    async def ticket(self, call: Call, *, proposing: str = "") -> Ticket:
        """The call's draft, once something is proposed for this field."""

        async def filled() -> Ticket | None:
            async with self.instance.db.session() as session:
                found: Ticket | None = await session.scalar(select(Ticket).where(Ticket.call_id == call.id))
                return found if found and (not proposing or found.proposals.get(proposing)) else None

        found = await until(filled, f"a draft with {proposing}", 60)
        assert isinstance(found, Ticket)
        return found

    async def leaves(self, actor: Actor) -> None:
        """The agent logs out; wait until the queue is empty again."""
        assert actor.user_id
        async with self.instance.db.session() as session:
            await agents.log_out(session, actor, actor.user_id)

        async def empty() -> bool:
            return "PJSIP/" not in await self.line.node.cli("queue show hotline")

        await until(empty, "nobody in the queue")

    async def order(self, *, sealed: bool) -> Ticket:
        """An order of the demo county that is with its units, and that nobody has asked for yet."""
        async with self.instance.db.session() as session:
            wanted = select(Ticket).where(Ticket.query_failures == 0, Ticket.first_dispatched_at.is_not(None))
            if not sealed:
                wanted = wanted.where(Ticket.state.in_((State.DISPATCHED, State.HANDLING)))
            found = await session.scalars(wanted.where(Ticket.sealed.is_(sealed)).order_by(Ticket.number).limit(1))
            row: Ticket = found.one()
            return row

    def heard(self, phone: Softphone, prompt: str) -> int:
        """How often this telephone has heard a prompt so far."""
        files = phone.heard()
        return self.line.times(files[-1], f"hotline/{prompt}") if files else 0

    async def hears(self, phone: Softphone, prompt: str, count: int = 1) -> None:
        await until(lambda: self.heard(phone, prompt) >= count, f"{prompt} heard {count} times", 60)

    async def asks(self, number: str) -> Softphone:
        """A citizen who has pressed the key for the state of an order."""
        citizen = await self.instance.rings(number)
        await citizen.send_digits("2")
        return citizen

    async def types(self, citizen: Softphone, ticket_number: str, code: str, *, attempt: int = 1) -> None:
        """Both numbers, each ended by # as the prompts say."""
        await self.hears(citizen, "status-number", attempt)
        await citizen.send_digits("".join(filter(str.isdigit, ticket_number)) + "#")
        await self.hears(citizen, "status-code", attempt)
        await citizen.send_digits(code + "#")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def centre(rendered_home: Path) -> AsyncIterator[Centre]:
    """One instance for all tests here, each with callers of its own."""
    with TemporaryDirectory(prefix="hl-r-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        one = Instance.prepare(Path(folder) / "h", rendered_home / "asterisk" / "data" / "sounds")
        outside = await one.phone("13900007777")
        section = json.loads(one.env["HOTLINE_LINE"]) | {"trunk_to": f"127.0.0.1:{sip_port(outside)}"}
        one.env["HOTLINE_LINE"] = json.dumps(section)
        try:
            await one.enter()
            yield Centre(one, Line(one.node, one.home / "clips"), outside)
        finally:
            await one.close()


async def test_given_nobody_is_there_then_a_message_becomes_a_draft_and_a_call_back(centre: Centre) -> None:
    citizen = await centre.instance.rings("13800005001")
    await centre.line.happened("13800005001", "APP_START", "Record")
    await centre.says(citizen, COMPLAINT)
    await centre.line.happened("13800005001", "HotlineKept")
    call = await centre.instance.call("13800005001", "ended_at", "outcome", "message_seconds")
    assert (call.outcome, call.connected_at) == ("message", None)
    assert call.message_seconds
    assert 2 <= call.message_seconds <= 15
    kept = await centre.recording(call, Kind.MESSAGE)
    assert kept.channels == 1
    assert kept.seconds > 2
    ticket = await centre.ticket(call, proposing="category")
    assert (ticket.state, ticket.proposals["category"]["value"]) == (State.DRAFT, "complaint")
    async with centre.instance.db.session() as session:
        segments = await session.scalars(select(TranscriptSegment).where(TranscriptSegment.call_id == call.id))
        said = "".join(one.text for one in segments)
    assert "投诉" in said
    assert "占道" in said
    assert await centre.tasks(call) == ["message"]


async def test_given_empty_messages_then_the_calls_are_abandoned_and_one_call_back_covers_ten_minutes(
    centre: Centre,
) -> None:
    mine = Call.caller.matches("+8613800005002")
    for turn in (1, 2):
        citizen = await centre.instance.rings("13800005002")
        await citizen.wait_for(On.CLOSED, 90)

        async def over(turn: int = turn) -> bool:
            async with centre.instance.db.session() as session:
                wanted = select(func.count()).select_from(Call).where(mine, Call.outcome.is_not(None))
                return await session.scalar(wanted) == turn

        await until(over, "the call's record")
    async with centre.instance.db.session() as session:
        calls = list(await session.scalars(select(Call).where(mine)))
    assert [call.outcome for call in calls] == ["abandoned", "abandoned"]
    assert await centre.tasks(*calls) == ["abandoned"]


async def test_given_a_merged_number_then_its_queue_answers_and_the_old_hotline_is_on_record(centre: Centre) -> None:
    actor = await centre.instance.desk()
    citizen = await centre.instance.phone("13800005003")
    await citizen.dial("12315")
    await citizen.wait_for(On.ESTABLISHED)
    call = await centre.instance.call("13800005003", "connected_at")
    assert (call.dialled, call.queue, call.original_hotline) == ("12315", "hotline", "市场监管投诉举报热线")
    await citizen.hang_up()
    call = await centre.instance.call("13800005003", "ended_at", "outcome")
    assert (call.outcome, call.agent_id) == ("answered", actor.user_id)
    assert (await centre.ticket(call)).original_hotline == "市场监管投诉举报热线"
    await centre.leaves(actor)


async def test_given_the_agent_hangs_up_then_the_callers_key_rates_the_service_on_the_calls_record(
    centre: Centre,
) -> None:
    actor = await centre.instance.desk()
    desk = centre.instance.phones[-1]
    citizen = await centre.instance.rings("13800005004")
    await desk.wait_for(On.ESTABLISHED)
    await until(lambda: centre.instance.talks("13800005004"), "they talk")
    await desk.hang_up()
    over = await centre.instance.call("13800005004", "ended_at", "outcome")
    await centre.hears(citizen, "rate")
    await citizen.send_digits("5")
    await citizen.wait_for(On.CLOSED)
    call = await centre.instance.call("13800005004", "rating")
    assert (call.rating, call.ended_by, call.agent_id, call.ended_at) == (5, "agent", actor.user_id, over.ended_at)
    await centre.leaves(actor)


async def test_given_an_agent_calls_a_citizen_then_it_is_a_call_with_a_recording(centre: Centre) -> None:
    actor = await centre.instance.desk("agent2", greeting="", auto_answer=False)
    desk = centre.instance.phones[-1]
    await desk.dial(centre.outside.user)
    await centre.outside.wait_for(On.INCOMING)
    await centre.outside.answer()
    await centre.outside.wait_for(On.ESTABLISHED)
    await centre.says(centre.outside, COMPLAINT)
    await centre.says(desk, "您好，这里是弋阳热线，请问是您投诉的吗")
    spool = centre.line.node.folders.recordings

    def loud(side: str) -> bool:
        return any(energy(path) > AUDIBLE for path in spool.glob(f"*_talk1_{side}.sln"))

    await until(lambda: loud("in") and loud("out"), "both sides in the recording")
    await desk.hang_up()

    async def outbound() -> Call | None:
        async with centre.instance.db.session() as session:
            wanted = select(Call).where(Call.direction == "outbound", Call.outcome.is_not(None))
            found: Call | None = await session.scalar(wanted)
            return found

    call = await until(outbound, "a record of the outbound call")
    assert isinstance(call, Call)
    assert call.caller == f"+86{centre.outside.user}"
    assert (call.outcome, call.agent_id) == ("answered", actor.user_id)
    assert (await centre.recording(call, Kind.TALK)).channels == 2
    assert await centre.tasks(call) == []
    await centre.leaves(actor)


async def test_given_number_and_code_then_the_state_is_said_and_once_more_on_request(centre: Centre) -> None:
    ticket = await centre.order(sealed=False)
    citizen = await centre.asks("13800005005")
    await centre.types(citizen, ticket.number, ticket.query_code)
    await centre.hears(citizen, f"state-{ticket.state}")
    await citizen.send_digits("9")
    await centre.hears(citizen, f"state-{ticket.state}", 2)
    await citizen.hang_up()
    call = await centre.instance.call("13800005005", "ended_at", "outcome")
    assert (call.outcome, call.queued_at) == ("self-service", None)
    assert await centre.tasks(call) == []


async def test_given_three_wrong_codes_then_no_more_is_asked_in_this_call(centre: Centre) -> None:
    ticket = await centre.order(sealed=False)
    wrong = "000000" if ticket.query_code != "000000" else "111111"
    actor = await centre.instance.desk(auto_answer=False)
    await centre.instance.rests(actor)
    citizen = await centre.asks("13800005006")
    for attempt in (1, 2, 3):
        await centre.types(citizen, ticket.number, wrong, attempt=attempt)
    await centre.hears(citizen, "status-failed")
    await centre.line.happened("13800005006", "APP_START", "Queue")
    await citizen.send_digits("2")
    await centre.hears(citizen, "status-failed", 2)
    await until(lambda: centre.line.count("13800005006", "APP_START", "Queue") == 2, "back in the queue")
    assert centre.heard(citizen, "status-number") == 3
    assert [state for state in State if centre.heard(citizen, f"state-{state.value}")] == []
    await citizen.hang_up()
    await centre.instance.resumes(actor)
    await centre.leaves(actor)


async def test_given_a_report_then_nothing_is_said_of_it_although_number_and_code_are_right(centre: Centre) -> None:
    report = await centre.order(sealed=True)
    citizen = await centre.asks("13800005007")
    await centre.types(citizen, report.number, report.query_code)
    await centre.hears(citizen, "status-no-match")
    await centre.hears(citizen, "status-number", 2)
    assert [state for state in State if centre.heard(citizen, f"state-{state.value}")] == []
    await citizen.hang_up()
