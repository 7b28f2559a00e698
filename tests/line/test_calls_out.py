"""An agent's own telephone calls out: what the bureau allows, with the hotline's number, recorded; nothing else."""

import pytest
from ringing import SECRET, Line, energy, until

from hotline.softphone import On

pytestmark = [pytest.mark.line, pytest.mark.xdist_group("asterisk")]
ALLOWED = ("1[3-9]XXXXXXXXX", "110")


async def test_an_allowed_number_is_called_with_the_hotlines_own_and_recorded(line: Line) -> None:
    outside = await line.phone("13900000071", auto_answer=True, greeting="喂，你好，哪位，请讲")
    await line.rostered(outside, allowed=ALLOWED)
    agent = await line.phone("1001", password=SECRET)
    await agent.dial("13900000071")
    talk = await outside.wait_for(On.ESTABLISHED)
    assert talk.peer.startswith(f"sip:{line.settings.caller_number}@")
    await until(lambda: energy(line.spooled("1001", "talk1_in")) > 300, "the other side on record")
    assert line.moment("1001", "HotlineDialled", "13900000071")
    await agent.hang_up()


@pytest.mark.parametrize("number", ["0018005550100", "16812345", "1390000007", "139000000711", "1202"])
async def test_whatever_is_not_allowed_is_refused_and_on_record(line: Line, number: str) -> None:
    outside = await line.phone(number, auto_answer=True)
    await line.rostered(outside, allowed=ALLOWED)
    agent = await line.phone("1002", password=SECRET)
    before = line.count("1002", "HotlineRefused", "number")
    await agent.dial(number)
    if number == "1202":
        await agent.wait_for(On.CLOSED)
        assert line.count("1002", "HotlineDialled", number) == 0, "four digits are a colleague"
        return
    await until(lambda: line.count("1002", "HotlineRefused", "number") > before, "the refusal")
    await agent.wait_for(On.CLOSED)
    assert not [one for one in outside._events if one.kind == On.ESTABLISHED]


async def test_without_any_list_nothing_goes_out(line: Line) -> None:
    outside = await line.phone("13900000072", auto_answer=True)
    await line.rostered(outside)
    agent = await line.phone("1003", password=SECRET)
    await agent.dial("13900000072")
    await line.happened("1003", "HotlineRefused", "number")
    await agent.wait_for(On.CLOSED)
