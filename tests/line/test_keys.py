"""Keys on the way to an agent, on a line without Python: what they do, what they do not, and what is heard."""

import pytest
from ringing import Line, ended, peaks, rings, samples, until

from hotline.softphone import Softphone

pytestmark = [pytest.mark.line, pytest.mark.xdist_group("asterisk")]
NOTICE, WRONG, KEYS = "hotline/notice", "hotline/wrong-key", "hotline/queue-keys"


async def waits(line: Line, citizen: Softphone) -> float:
    """When the citizen came into the queue."""
    return await line.happened(citizen.user, "APP_START", "Queue")


@pytest.fixture
async def busy(line: Line) -> None:
    """The queue `place` has an agent who takes no call: callers wait."""
    await line.agent("1004", "place")
    await line.node.cli("queue pause member PJSIP/1004 queue place")


async def presses(line: Line, keys: str) -> Softphone:
    """A citizen who has pressed `keys` as soon as the notice began."""
    citizen = await rings(line, "12303")
    for key in keys:
        await until(
            lambda: citizen.heard() and citizen.heard()[-1].stat().st_size > 4000, "the beginning of the notice"
        )
        await citizen.send_digits(key)
    return citizen


@pytest.mark.proves("F02-4")
@pytest.mark.usefixtures("busy")
async def test_the_key_for_an_agent_ends_the_greeting_at_once(line: Line) -> None:
    patient, hasty = await rings(line, "12303"), await presses(line, "0")
    answered = {one: await line.happened(one.user, "ANSWER") for one in (patient, hasty)}
    took = {one: await waits(line, one) - answered[one] for one in (patient, hasty)}
    assert took[hasty] < took[patient] - 1
    await hasty.hang_up()
    assert line.times(await ended(hasty), WRONG) == 0
    await patient.hang_up()
    assert line.times(await ended(patient), NOTICE) == 1, "who is silent hears it once and goes on"


@pytest.mark.usefixtures("busy")
async def test_the_key_to_hear_again_says_notice_and_greeting_again(line: Line) -> None:
    citizen = await rings(line, "12303")
    await until(lambda: citizen.heard() and citizen.heard()[-1].stat().st_size > 16_000 * 2, "most of the notice")
    await citizen.send_digits("9")
    await waits(line, citizen)
    await citizen.hang_up()
    assert line.times(await ended(citizen), NOTICE) == 2


@pytest.mark.usefixtures("busy")
async def test_wrong_keys_are_answered_patiently_and_lead_to_an_agent(line: Line) -> None:
    citizen = await presses(line, "5")
    await waits(line, citizen)
    await citizen.hang_up()
    assert line.times(await ended(citizen), WRONG) == 1
    hammering = await presses(line, "###777***")
    await waits(line, hammering)
    await hammering.hang_up()
    await ended(hammering)


@pytest.mark.usefixtures("busy")
async def test_who_waits_hears_music_and_the_place_in_the_queue(line: Line) -> None:
    await line.rostered(waits={"first_queue": 60, "position": 6})
    first = await rings(line, "12303")
    await waits(line, first)
    second = await rings(line, "12303")
    await waits(line, second)
    await until(lambda: line.times(second.heard()[-1], "queue-callswaiting"), "the place is said")
    music = samples(line.node.folders.data / "moh" / "waiting.wav")[8000:16000]
    for one in (first, second):
        await until(lambda p=one: peaks(samples(p.heard()[-1]), music), "music")
    await second.hang_up()
    heard = await ended(second)
    said = [line.times(heard, prompt) for prompt in ("queue-thereare", "digits/2", "queue-callswaiting")]
    assert min(said) >= 1, "second in the queue"  # and the next announcement may have been cut off
    await first.hang_up()


@pytest.mark.usefixtures("busy")
async def test_the_key_to_hear_again_works_while_waiting_and_wrong_ones_cost_nothing(line: Line) -> None:
    citizen = await rings(line, "12303")
    await waits(line, citizen)
    await citizen.send_digits("5#0*7")
    await citizen.send_digits("9")
    await until(lambda: line.count(citizen.user, "APP_START", "Queue") == 2, "back in the queue")
    await citizen.hang_up()
    assert line.times(await ended(citizen), KEYS) == 1
    assert line.count(citizen.user, "APP_START", "Queue") == 2, "the wrong keys did not take the caller out"
