"""The telephone in the page: a real Chromium at a whole instance, real SIP over wss, real sound both ways."""

import audioop
from datetime import timedelta

import aftermath
import aiohttp
import pytest
from desk_page import Desk, desk, sign_in, window
from instance import Instance
from playwright.async_api import Locator
from ringing import WAITS, ended, energy, samples, until
from sqlalchemy import select

from callflow.callbacks.models import CallbackTask
from callflow.models import Call
from callflow.phones import sound
from callflow.phones.calls_out import REFUSED
from callflow.phones.models import CallSound
from callflow.rules import Outcome
from callflow.speak import speak
from core.actor import SYSTEM, Actor
from core.clock import now
from core.db import new_id
from core.errors import Unavailable
from core.identity import service as identity
from core.ledger.models import LedgerEntry
from hotline.softphone import On, Softphone
from web import phone_wire

pytestmark = [pytest.mark.line, pytest.mark.browser, pytest.mark.xdist_group("telephones")]
AUDIBLE = 300
QUIET = 20
RATE = 8000
WORDS = "我要投诉小区门口占道经营每天晚上都很吵"
ASKED = """
fetch("/phone/password", {
  method: "POST", headers: {"X-CSRF-Token": document.querySelector("meta[name=csrf]").content},
}).then((answer) => answer.json())
"""
"""The page asks for its telephone's password."""


class Ear:
    """What a telephone hears while its call goes on."""

    def __init__(self, phone: Softphone) -> None:
        self._phone = phone

    def _sound(self) -> bytes:
        files = self._phone.heard()
        return samples(files[-1]).astype("<i2").tobytes() if files else b""

    def mark(self) -> int:
        """A moment from which on everything is surely new."""
        return len(self._sound()) + RATE

    def since(self, mark: int) -> int:
        """Loudness of the last second, once a second has been heard after `mark`; -1 before."""
        sound = self._sound()
        return audioop.rms(sound[-2 * RATE :], 2) if len(sound) >= mark + 2 * RATE else -1


async def owed(instance: Instance, number: str, actor: Actor) -> CallbackTask:
    """A call-back that this agent has taken."""
    async with instance.db.session() as session:
        call = Call(id=new_id(), node="node1", linkedid=f"past.{number}", caller=f"+86{number}", dialled="12345")
        call.arrived_at = call.answered_at = now() - timedelta(hours=1)
        call.ended_at, call.outcome = now() - timedelta(minutes=59), Outcome.ABANDONED
        session.add(call)
        await session.flush()
        task = CallbackTask(call_id=call.id, phone=call.caller, reason="abandoned", call_ended_at=call.ended_at)
        task.claimed_by, task.claimed_at = actor.user_id, now()
        session.add(task)
    return task


async def called_out(instance: Instance, number: str) -> Call:
    """The finished call out to this number."""

    async def known() -> Call | None:
        async with instance.db.session() as session:
            found: Call | None = await session.scalar(
                select(Call).where(Call.caller.matches(f"+86{number}"), Call.direction == "outbound")
            )
        return found if found and found.ended_at else None

    found = await until(known, f"the call out to {number}")
    assert isinstance(found, Call)
    return found


async def test_the_page_rings_is_answered_by_key_and_both_sides_hear_each_other(instance: Instance) -> None:
    async with desk(instance) as agent:
        await agent.takes_calls()
        citizen = await instance.rings("13812346001", saying=WORDS)
        await agent.state("来电")
        await until(lambda: reads(agent.phone.locator(".phone-who"), "138****6001"), "who calls, masked")
        await agent.picture("phone-rings")
        await agent.page.keyboard.press("F2")
        await agent.state("通话中")
        await agent.hears()
        await until(lambda: instance.talks("13812346001"), "they talk")
        await instance.says(citizen, WORDS)
        await agent.page.keyboard.press("F9")
        assert energy(await ended(citizen)) > AUDIBLE
        await agent.state("话机就绪")
        call = await instance.call("13812346001", "ended_at", "connected_at")
        assert (call.outcome, call.ended_by, call.agent_extension) == (Outcome.ANSWERED, "agent", agent.extension)


async def talking(instance: Instance, agent: Desk, number: str) -> Softphone:
    """A citizen in talk with the page."""
    await agent.takes_calls()
    citizen = await instance.rings(number, saying=WORDS)
    await agent.state("来电")
    await agent.phone.get_by_role("button", name="接听").click()
    await agent.state("通话中")
    await until(lambda: instance.talks(number), "they talk")
    return citizen


async def test_mute_hold_and_keys(instance: Instance) -> None:
    async with desk(instance) as agent:
        citizen = await talking(instance, agent, "13812346002")
        hears = Ear(citizen)
        await until(lambda: hears.since(0) > AUDIBLE, "the citizen hears the agent")
        await agent.page.keyboard.press("F4")
        await agent.state("已静音")
        muted = hears.mark()
        await until(lambda: 0 <= hears.since(muted) < QUIET, "the citizen hears nothing of a muted agent")
        await agent.page.keyboard.press("F8")
        await agent.state("保持中")
        held = hears.mark()
        await until(lambda: hears.since(held) > AUDIBLE, "a muted agent holds: what is heard is the music")
        await agent.page.keyboard.press("F4")
        await agent.page.keyboard.press("F8")
        await agent.state("通话中")
        before = await agent.heard()
        await citizen.say(speak(WORDS, instance.home / "clips"))
        await agent.hears(before)
        await agent.phone.get_by_role("button", name="按键").click()
        await agent.phone.get_by_role("button", name="5", exact=True).click()
        await agent.page.keyboard.press("8")
        await until(lambda: citizen.keys() == "58", "keys at the citizen's")
        await agent.page.keyboard.press("Escape")
        await agent.page.keyboard.press("F9")
        await ended(citizen)


async def test_the_sound_is_measured_shown_and_kept(instance: Instance) -> None:
    async with desk(instance) as agent:
        citizen = await talking(instance, agent, "13812346003")
        shown = agent.phone.locator(".phone-sound")
        await until(shown.is_visible, "the quality")
        assert "音质好" in await shown.inner_text()
        await agent.picture("phone-talks")
        assert "丢包 0.0%" in str(await shown.get_attribute("title"))
        await instance.says(citizen, WORDS)
        await agent.page.keyboard.press("F9")
        await ended(citizen)
        call = await instance.call("13812346003", "ended_at")

        async def kept() -> CallSound | None:
            async with instance.db.session() as session:
                stretches = await sound.of_call(session, call)
            return stretches[0] if stretches and stretches[0].received > 100 else None

        [one] = [await until(kept, "the measured sound beside the call")]
        assert isinstance(one, CallSound)
        assert one.loss < 0.01
        assert one.worst_jitter_ms >= one.jitter_ms
        await agent.page.goto(f"{instance.site}/calls/{call.id}")
        await until(agent.page.get_by_text("音质").is_visible, "the sound on the call's page")


async def test_headset_and_microphone_are_tried_before_work(instance: Instance) -> None:
    began = now()
    async with desk(instance) as agent:
        await agent.page.locator("#rail").get_by_role("link", name="耳机与麦克风").click()
        meter = agent.page.locator("meter")

        async def loud() -> bool:
            return float(await meter.evaluate("one => one.value")) > 0.05

        await until(loud, "the level of the microphone")
        microphones = agent.page.get_by_label("麦克风")
        assert await microphones.locator("option").count() > 1
        await microphones.select_option(index=1)
        chosen = await agent.page.evaluate("localStorage.getItem('hotline-microphone')")
        assert chosen
        await agent.page.get_by_role("button", name="开始回声测试").click()
        await agent.state("回声测试")
        await agent.picture("headset")
        await agent.hears(0.01)
        await agent.page.get_by_role("button", name="结束回声测试").click()
        await agent.state("话机就绪")
        async with instance.db.session() as session:
            outbound = select(Call).where(Call.direction == "outbound", Call.arrived_at > began)
            assert (await session.scalars(outbound)).all() == []


async def test_a_callback_is_dialled_with_the_hotlines_number_and_recorded(instance: Instance) -> None:
    number = "13812346004"
    async with desk(instance) as agent:
        outside = await instance.trunk(number, saying=WORDS)
        task = await owed(instance, number, agent.actor)
        await agent.page.goto(f"{instance.site}/callbacks?sort=newest")
        await agent.state("话机就绪")
        await agent.page.get_by_role("button", name="回拨").click()
        incoming = await outside.wait_for(On.INCOMING)
        assert "12345@" in incoming.peer
        await outside.answer()
        await agent.state("通话中")
        await agent.hears()
        await until(lambda: Ear(outside).since(0) > AUDIBLE, "the citizen hears the agent")
        await agent.page.keyboard.press("F9")
        await ended(outside)
        await agent.state("话机就绪")
        call = await called_out(instance, number)
        assert (call.direction, call.outcome, call.agent_extension, call.ended_by) == (
            "outbound", Outcome.ANSWERED, agent.extension, "agent",
        )  # fmt: skip
        assert (await aftermath.recording(instance, call.id)).channels == 2
        assert task.phone == call.caller


async def test_only_numbers_that_the_bureau_allows_are_dialled(instance: Instance) -> None:
    began = now()
    async with desk(instance) as agent:
        await agent.page.locator("#rail").get_by_role("link", name="外呼").click()
        for number in ("0018005550100", "0085221234567"):
            await agent.page.get_by_label("号码").fill(number)
            await agent.page.get_by_label("号码").press("Enter")
            said = agent.page.locator("form .dial-said")
            await until(lambda s=said: reads(s, "不在允许外呼的范围内"), "refused")
        await agent.state("话机就绪")
        await agent.picture("dial")
        async with instance.db.session() as session:
            said = select(LedgerEntry).where(LedgerEntry.action == REFUSED, LedgerEntry.at > began)
            rows = (await session.scalars(said)).all()
        assert [row.actor_id for row in rows] == [agent.actor.user_id] * 2
        assert "85221234567" not in str([(row.subject_id, row.detail) for row in rows])


async def reads(place: Locator, words: str) -> bool:
    return words in await place.inner_text()


async def test_the_password_serves_one_sign_in_and_ends_with_it(instance: Instance) -> None:
    async with desk(instance) as agent:
        given = await agent.page.evaluate(ASKED)
        assert given["extension"] == agent.extension
        assert (await agent.page.evaluate(ASKED))["secret"] == given["secret"], "the same for the same sign-in"
        cookies = "; ".join(f"{one['name']}={one['value']}" for one in await agent.page.context.cookies())  # type: ignore[typeddict-item]
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as outside:
            assert await refused(instance, outside, {}) == 401, "nobody is signed in"
            assert await refused(instance, outside, {"Cookie": cookies, "Origin": "https://evil.example"}) == 403
            async with outside.ws_connect(wire(instance), headers={"Cookie": cookies}, protocols=("sip",)) as socket:
                await socket.send_str(register("1002"))
                await socket.receive()
                assert socket.close_code == phone_wire.FORGED, "another agent's extension"
            with pytest.raises(Unavailable, match="拒绝"):
                await instance.phone(agent.extension, password="forged-0123456789")
            async with outside.ws_connect(wire(instance), headers={"Cookie": cookies}, protocols=("sip",)) as socket:
                await agent.page.get_by_role("button", name="退出").click()
                await socket.receive()
                assert socket.close_code == phone_wire.SIGNED_OUT, "the line ends with the sign-in"
            assert await refused(instance, outside, {"Cookie": cookies}) == 401

        await until(lambda: worthless(instance, agent, given["secret"]), "the password is refused")
        await sign_in(agent.page, instance, "agent1")
        await agent.state("话机就绪")
        assert (await agent.page.evaluate(ASKED))["secret"] != given["secret"]
        async with instance.db.session() as session:
            await identity.revoke_all(session, agent.actor.user_id)
        await until(agent.page.get_by_label("登录名").is_visible, "a revoked sign-in leads to the door")


async def worthless(instance: Instance, agent: Desk, secret: str) -> bool:
    """Whether a telephone with this password is refused."""
    try:
        await (await instance.phone(agent.extension, password=secret)).stop()
    except Unavailable:
        return True
    return False


async def test_another_sign_in_takes_the_telephone_and_a_closed_account_has_none(instance: Instance) -> None:
    async with desk(instance) as agent:
        first = (await agent.page.evaluate(ASKED))["secret"]
        assert agent.page.context.browser
        elsewhere = Desk(instance, await window(agent.page.context.browser), agent.actor, agent.extension)
        await sign_in(elsewhere.page, instance, "agent1")
        await elsewhere.state("话机就绪")
        await agent.state("话机已在另一处登录")
        await until(lambda: worthless(instance, agent, first), "the former password is refused")
        await elsewhere.state("话机就绪")

        second = (await elsewhere.page.evaluate(ASKED))["secret"]
        assert second != first
        async with instance.db.session() as session:
            await identity.set_active(session, SYSTEM, agent.actor.user_id, False)
        try:
            await until(elsewhere.page.get_by_label("登录名").is_visible, "whose account is closed is at the door")
            await until(lambda: worthless(instance, agent, second), "the password is refused")
        finally:
            async with instance.db.session() as session:
                await identity.set_active(session, SYSTEM, agent.actor.user_id, True)


def wire(instance: Instance) -> str:
    return f"{instance.site}/phone".replace("https", "wss")


async def refused(instance: Instance, session: aiohttp.ClientSession, headers: dict[str, str]) -> int:
    """The status with which the wire is refused; 101 where it is not."""
    try:
        async with session.ws_connect(wire(instance), headers=headers, protocols=("sip",)):
            return 101
    except aiohttp.WSServerHandshakeError as error:
        return error.status


def register(extension: str) -> str:
    """A registration in the name of this extension."""
    lines = [
        "REGISTER sip:127.0.0.1 SIP/2.0",
        "Via: SIP/2.0/WS forged.invalid;branch=z9hG4bK1",
        f"From: <sip:{extension}@127.0.0.1>;tag=1",
        f"To: <sip:{extension}@127.0.0.1>",
        "Call-ID: forged",
        "CSeq: 1 REGISTER",
        "Content-Length: 0",
    ]
    return "\r\n".join(lines) + "\r\n\r\n"


# ---------------------------------------------------------------- the page is lost in mid-call


async def test_a_page_that_is_loaded_again_has_its_call_back(instance: Instance) -> None:
    number = "13812346011"
    async with desk(instance) as agent:
        citizen = await talking(instance, agent, number)
        await agent.page.reload()
        await agent.state("通话中")
        ear = Ear(citizen)
        again = ear.mark()
        await until(lambda: ear.since(again) > AUDIBLE, "the citizen hears the agent again")
        await citizen.say(speak(WORDS, instance.home / "clips"))
        await agent.hears()
        await agent.page.keyboard.press("F9")
        await until(lambda: instance.wraps_up(agent.extension), "the talk is wrapped up like any other")
        await citizen.hang_up()
        await ended(citizen)
        call = await instance.call(number, "ended_at")
        assert (call.outcome, call.ended_by) == (Outcome.ANSWERED, "agent")


async def test_silence_of_the_page_holds_the_citizen_and_rings_the_same_agent(instance: Instance) -> None:
    number = "13812346012"
    async with desk(instance) as agent:
        citizen = await talking(instance, agent, number)
        ear = Ear(citizen)
        await agent.page.evaluate("sessionStorage.clear(); pcs.at(-1).close()")
        await until(lambda: instance.lost(number), "the silence is noticed")
        music = ear.mark()
        await until(lambda: ear.since(music) > AUDIBLE, "music for the citizen")
        await agent.state("通话曾中断，请接听")
        await agent.page.keyboard.press("F2")
        await agent.state("通话中")
        await citizen.say(speak(WORDS, instance.home / "clips"))
        await agent.hears()
        await citizen.hang_up()
        await agent.state("话机就绪")
        call = await instance.call(number, "ended_at")
        assert (call.outcome, call.ended_by) == (Outcome.ANSWERED, "citizen")


async def test_a_page_that_is_lost_while_it_holds_is_missed_as_soon_and_a_long_hold_is_no_loss(
    instance: Instance,
) -> None:
    number = "13812346016"
    await instance.rests(await instance.desk("agent2"), "1002")
    async with desk(instance) as agent:
        citizen = await talking(instance, agent, number)
        await agent.page.keyboard.press("F8")
        await agent.state("保持中")
        ear = Ear(citizen)
        start = ear.mark()
        longer = (WAITS.lost_sound + 2) * 2 * RATE
        await until(lambda: ear.since(start + longer) > AUDIBLE, "music for longer than a page may be silent")
        assert await instance.talks(number), "a page that holds is not lost"
        assert await agent.says("保持中")
        await agent.page.keyboard.press("F8")
        await agent.state("通话中")
        before = await agent.heard()
        await citizen.say(speak(WORDS, instance.home / "clips"))
        await agent.hears(before)
        await agent.page.keyboard.press("F8")
        await agent.state("保持中")
        await agent.page.context.browser.close()  # type: ignore[union-attr]
    await until(lambda: instance.lost(number), "the loss is noticed although the citizen is held")
    await until(lambda: instance.waits(number), "back in the queue")


async def test_a_lost_agent_who_stays_away_leaves_the_citizen_first_in_the_queue(instance: Instance) -> None:
    first, second = "13812346013", "13812346014"
    colleague = await instance.desk("agent2")
    await instance.rests(colleague, "1002")
    async with desk(instance) as agent:
        await talking(instance, agent, first)
        await instance.rings(second)
        await until(lambda: instance.waits(second), "another citizen waits")
        await agent.page.context.browser.close()  # type: ignore[union-attr]
    await until(lambda: instance.lost(first), "the loss is noticed")
    await until(lambda: instance.waits(first), "back in the queue")
    await instance.resumes(colleague)
    await until(lambda: instance.talks(first), "who was lost is served first")
    assert await instance.waits(second)


async def test_without_the_service_talks_go_on_and_a_lost_page_still_loses_nobody(instance: Instance) -> None:
    number = "13812346015"
    await instance.rests(await instance.desk("agent2"), "1002")
    async with desk(instance) as agent:
        citizen = await talking(instance, agent, number)
        await instance.kill_service()
        ear = Ear(citizen)
        later = ear.mark()
        await until(lambda: ear.since(later) > AUDIBLE, "the talk goes on")
        await instance.start()
        await agent.state("通话中")
        still = ear.mark()
        await until(lambda: ear.since(still) > AUDIBLE, "the talk went on")
        await instance.kill_service()
        await agent.page.context.browser.close()  # type: ignore[union-attr]
        await until(lambda: instance.lost(number), "the dialplan notices by itself")
        await until(lambda: instance.waits(number), "back in the queue")
        await instance.start()
