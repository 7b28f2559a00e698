"""Keep my place: callers hang up, their places wait, an agent is there first, and each citizen is called once."""

import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import pytest_asyncio
from aftermath import callback, recording
from desk_page import Desk, desk
from instance import Instance
from ringing import Line, arrives, hears, sip_port, until
from sqlalchemy import select
from test_page_phone import AUDIBLE, QUIET, Ear
from test_passing_on import passes

from callflow.agents import service as agents
from callflow.models import Call
from callflow.places.models import Place
from callflow.rules import Outcome
from core.errors import Conflict
from hotline.softphone import On, Softphone

pytestmark = [
    pytest.mark.line,
    pytest.mark.xdist_group("telephones"),
    pytest.mark.asyncio(loop_scope="module"),
]
CITIZEN_SAYS, AGENT_SAYS = "喂您好我想问一下公租房怎么申请", "您好这里是政务服务热线给您回电"
AFTER_S = 2
RING_S = 6
NUMBERS = [f"138000060{n:02}" for n in range(1, 10)]


class Centre:
    """An instance where a place may be kept after two seconds, and the telephone at which citizens are called back."""

    def __init__(self, instance: Instance, outside: Softphone) -> None:
        self.instance, self.outside = instance, outside
        self.line = Line(instance.node, instance.home / "clips")

    async def waiting(self) -> list[str]:
        """Who waits in the queue, in order: a citizen's number, or the call whose place is kept."""
        rows = [one.split("!") for one in (await self.line.node.cli("core show channels concise")).splitlines()]
        named = {row[0]: row[7] for row in rows if len(row) > 12}
        shown = (await self.line.node.cli("queue show hotline")).partition("Callers:")[2]
        return [named.get(line.split()[1], "") for line in shown.splitlines() if line.strip()[:1].isdigit()]

    async def waits(self, number: str) -> Softphone:
        """A citizen who waits in the queue and has heard that the place can be kept."""
        citizen = await self.instance.rings(number)
        await until(lambda: self.instance.waits(number), f"{number} waits")
        await until(lambda: self.line.times(citizen.heard()[-1], "hotline/keep-offer"), "the offer")
        return citizen

    async def keeps(self, number: str) -> str:
        """Such a citizen presses the key and is let go; the call's linkedid."""
        citizen = await self.waits(number)
        await citizen.send_digits("1")
        await citizen.wait_for(On.CLOSED)
        assert self.line.times(citizen.heard()[-1], "hotline/kept") == 1
        return self.line.events(number)[0][2]

    async def answers(self, number: str, within_s: float = 60) -> None:
        """The citizen who is called back has answered, and speaks."""
        await self.outside.wait_for(On.ESTABLISHED, within_s)
        await self.outside.command("uafind", f"sip:{number}@{self.outside.server}")
        await self.outside.say(self.line.clip(CITIZEN_SAYS))

    async def reaches(self, number: str, agent: Desk) -> str:
        """The agent has taken the call in the page, and then the citizen whose place was kept; the call's linkedid."""
        await agent.takes_calls()
        await self.instance.rests(agent.actor, agent.extension)
        linkedid = await self.keeps(number)
        await self.instance.resumes(agent.actor)
        await agent.state("来电")
        await agent.page.keyboard.press("F2")
        await agent.state("通话中")
        await self.answers(number)
        await self.instance.call(number, "connected_at")
        return linkedid

    async def lost(self) -> bool:
        """Whether a citizen whose place was kept hears music because the agent's page was lost."""
        rows = (await self.line.node.cli("core show channels concise")).splitlines()
        return any(one.startswith("Local/wait@hotline-place-") and "!hotline-agent-lost!" in one for one in rows)

    async def hear_each_other(self, one: Softphone) -> None:
        """The citizen and this telephone hear what the other says."""
        for ear, mouth, said in ((one, self.outside, CITIZEN_SAYS), (self.outside, one, AGENT_SAYS)):
            await arrives(self.line.clip(said), mouth, ear)

    async def calls_back(self, linkedid: str) -> int:
        """How often the citizen of this call was called."""
        journal = (self.line.node.folders.log / "cel-custom" / "events.csv").read_text()
        return sum("HotlinePlaceCalled" in row and f'"{linkedid}~' in row for row in journal.splitlines())

    async def place(self, linkedid: str) -> Place:
        async with self.instance.db.session() as session:
            found: Place = (await session.scalars(select(Place).where(Place.linkedid == linkedid))).one()
        return found

    async def over(self, number: str, by: str = "") -> Call:
        """The citizen's one call, at its end, with its place closed; ended by this side."""
        call = await self.instance.call(number, "ended_at", "outcome", within_s=90)
        if by:  # the citizen's telephone and the place end at once, and either may be told of first

            async def told() -> bool:
                return (await self.instance.call(number)).ended_by == by

            await until(told, f"ended by the {by}")
        assert (await self.place(call.linkedid)).closed_at
        assert await self.calls_back(call.linkedid) == 1
        return call


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def centre(rendered_home: Path) -> AsyncIterator[Centre]:
    """One instance for all tests here; the outside telephone answers and speaks."""
    with TemporaryDirectory(prefix="hl-p-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        one = Instance.prepare(Path(folder) / "h", rendered_home / "asterisk" / "data" / "sounds", keep_after_s=AFTER_S)
        outside = await one.phone("13900008888", auto_answer=True)
        for number in NUMBERS:  # the public network has one telephone here, which is everybody's
            account = f"<sip:{number}@{outside.server};transport=udp>;audio_codecs=PCMA;answermode=auto;regint=0"
            await outside.command("uanew", account)
        section = json.loads(one.env["HOTLINE_LINE"]) | {"trunk_to": f"127.0.0.1:{sip_port(outside)}"}
        section["waits"] |= {"place_ring": RING_S}
        one.env["HOTLINE_LINE"] = json.dumps(section)
        try:
            await one.enter()
            yield Centre(one, outside)
        finally:
            await one.close()


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def nobody_stays(centre: Centre) -> AsyncIterator[None]:
    """The agents are gone, and so are all telephones but the one outside, before the next test."""
    yield
    async with centre.instance.db.session() as session:
        for actor in centre.instance.desks:
            assert actor.user_id
            with suppress(Conflict):
                await agents.log_out(session, actor, actor.user_id)
    for phone in centre.instance.phones[1:]:
        await phone.stop()
    centre.instance.desks, centre.instance.phones[1:] = [], []


async def test_given_a_place_is_kept_then_its_citizen_comes_before_who_came_later_and_both_talk(centre: Centre) -> None:
    actor = await centre.instance.desk(greeting="您好这里是政务服务热线请讲")
    mine = centre.instance.phones[-1]
    await centre.instance.rests(actor)
    first = await centre.keeps("13800006001")
    later = await centre.waits("13800006002")
    assert await centre.waiting() == ["13800006001", "13800006002"]
    kept = await centre.instance.call("13800006001", "queued_at")
    assert (kept.outcome, kept.ended_at, kept.outcome_label) == (None, None, "保留排队")

    await centre.instance.resumes(actor)
    await centre.answers("13800006001")
    await until(lambda: hears(mine, centre.line.clip(CITIZEN_SAYS)), "the agent hears the citizen")
    await mine.say(centre.line.clip(AGENT_SAYS))
    await until(lambda: hears(centre.outside, centre.line.clip(AGENT_SAYS)), "the citizen hears the agent")
    assert await centre.instance.waits("13800006002"), "who came later waits on"
    talking = await centre.instance.call("13800006001", "connected_at")
    assert talking.ended_at is None
    assert talking.agent_id == actor.user_id
    await centre.outside.hang_up()

    call = await centre.over("13800006001", by="citizen")
    assert call.linkedid == first
    assert (call.outcome, call.direction) == (Outcome.ANSWERED, "inbound")
    assert (await recording(centre.instance, call.id)).channels == 2
    await until(lambda: centre.instance.talks("13800006002"), "then who came later")
    await later.hang_up()


async def test_given_asterisk_is_killed_then_places_enter_again_in_their_order_and_each_is_called_once(
    centre: Centre,
) -> None:
    actor = await centre.instance.desk(greeting="您好这里是政务服务热线请讲")
    await centre.instance.rests(actor)
    calls = [await centre.keeps(number) for number in ("13800006003", "13800006004")]
    assert centre.line.node.pid
    os.kill(centre.line.node.pid, signal.SIGKILL)

    async def back() -> bool:
        return [(await centre.place(one)).entries for one in calls] == [2, 2] and await centre.waiting() == [
            "13800006003", "13800006004"
        ]  # fmt: skip

    async def patient() -> bool:
        try:
            return await back()
        except Exception:  # noqa: BLE001 - Asterisk may just be starting
            return False

    await until(patient, "both places are in the queue again", 90)
    await centre.instance.resumes(actor)
    for number in ("13800006003", "13800006004"):
        await centre.answers(number, 120)
        await centre.instance.call(number, "connected_at")
        await centre.outside.hang_up()
        assert (await centre.over(number)).outcome == Outcome.ANSWERED


@pytest.mark.browser
async def test_given_the_agent_holds_asks_and_leaves_the_citizen_with_a_colleague_then_it_is_one_call(
    centre: Centre,
) -> None:
    number = "13800006006"
    colleague = await centre.instance.desk("agent2", greeting="")
    phone = centre.instance.phones[-1]
    await centre.instance.rests(colleague, "1002")
    async with desk(centre.instance) as agent:
        first = await centre.reaches(number, agent)
        await agent.hears()
        await agent.page.keyboard.press("F8")
        await agent.state("保持中")
        ear = Ear(centre.outside)
        held = ear.mark()
        await until(lambda: ear.since(held) > AUDIBLE, "music")
        await agent.page.keyboard.press("F4")  # muted, so that whatever is heard afterwards is no voice
        await agent.page.keyboard.press("F8")
        await agent.state("已静音")
        muted = ear.mark()
        await until(lambda: 0 <= ear.since(muted) < QUIET, "the music ends with the hold")
        await agent.page.keyboard.press("F4")
        await agent.state("通话中")
        back = ear.mark()
        await until(lambda: ear.since(back) > AUDIBLE, "the citizen hears the agent")

        await passes(agent, "seat:1002", ask=True)
        await agent.state("咨询中")
        await agent.phone.get_by_role("button", name="三方").wait_for()
        await agent.page.keyboard.press("F6")
        await agent.state("三方通话")
        await agent.page.keyboard.press("F4")
        await centre.hear_each_other(phone)
        await agent.page.keyboard.press("F9")
        await agent.state("话机就绪")
        await centre.hear_each_other(phone)
        await phone.hang_up()
        call = await centre.over(number, by="agent")
        assert (call.linkedid, call.outcome, call.agent_id) == (first, Outcome.ANSWERED, colleague.user_id)
        assert (await recording(centre.instance, call.id)).channels == 2


@pytest.mark.browser
async def test_given_nobody_takes_whom_the_agent_passes_on_then_the_citizen_comes_back_and_goes_elsewhere(
    centre: Centre,
) -> None:
    number = "13800006007"
    colleague = await centre.instance.desk("agent2", greeting="", auto_answer=False)
    phone = centre.instance.phones[-1]
    await centre.instance.rests(colleague, "1002")
    async with desk(centre.instance) as agent:
        await centre.reaches(number, agent)
        await passes(agent, "seat:1002", ask=False)
        await agent.state("话机就绪")
        ear = Ear(centre.outside)
        music = ear.mark()
        await until(lambda: ear.since(music) > AUDIBLE, "music")
        await agent.state("转接无人接听，请接回")
        await agent.page.keyboard.press("F2")
        await agent.state("通话中")
        again = ear.mark()
        await until(lambda: ear.since(again) > AUDIBLE, "the citizen hears the agent again")
        await passes(agent, "seat:1002", ask=True)
        await phone.wait_for(On.INCOMING)
        await phone.wait_for(On.INCOMING)
        await phone.answer()
        await agent.state("咨询中")
        await agent.phone.get_by_role("button", name="转交").wait_for()
        await agent.page.keyboard.press("F7")
        await agent.state("话机就绪")
        await centre.hear_each_other(phone)
        await centre.outside.hang_up()
        call = await centre.over(number, by="citizen")
        assert (call.outcome, call.agent_extension) == (Outcome.ANSWERED, "1002")


@pytest.mark.browser
async def test_given_the_page_is_lost_then_the_citizen_is_first_in_the_queue_and_still_one_call(
    centre: Centre,
) -> None:
    number = "13800006008"
    colleague = await centre.instance.desk("agent2", greeting="")
    phone = centre.instance.phones[-1]
    await centre.instance.rests(colleague, "1002")
    async with desk(centre.instance) as agent:
        await centre.reaches(number, agent)
        await agent.page.context.browser.close()  # type: ignore[union-attr]
        await until(centre.lost, "the loss is noticed")
    await centre.instance.resumes(colleague)
    await phone.wait_for(On.ESTABLISHED)
    await centre.hear_each_other(phone)
    await phone.hang_up()
    call = await centre.over(number, by="agent")
    assert (call.outcome, call.agent_id) == (Outcome.ANSWERED, colleague.user_id)
    assert (await recording(centre.instance, call.id)).channels == 2


async def test_given_the_citizen_does_not_answer_then_somebody_owes_a_call_back(centre: Centre) -> None:
    actor = await centre.instance.desk("agent2", greeting="")
    await centre.instance.rests(actor, "1002")
    await centre.keeps("13800006005")
    await centre.outside.stop()
    await centre.instance.resumes(actor)
    call = await centre.over("13800006005")
    assert (call.outcome, call.connected_at, call.agent_id) == (Outcome.KEPT, None, actor.user_id)
    assert (await callback(centre.instance, call.id)).reason == "kept"
