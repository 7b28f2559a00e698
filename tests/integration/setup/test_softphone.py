"""The telephone that all line tests stand on: it rings, speaks, hears, presses keys, answers."""

import asyncio
from pathlib import Path

import pytest
from conftest import BarePbx

from callflow.speak import speak
from core.errors import Unavailable
from hotline.softphone import On, Softphone

WAVE_HEADER = 44


def loudest(path: Path) -> int:
    """Of the samples so far: the header is only written when the call ends."""
    data = path.read_bytes()[WAVE_HEADER:]
    return max(memoryview(data[: len(data) // 2 * 2]).cast("h"), default=0)


async def hears_something(phone: Softphone) -> None:
    async with asyncio.timeout(20):
        while not any(loudest(path) > 3000 for path in phone.heard()):  # noqa: ASYNC110  (baresip writes it)
            await asyncio.sleep(0.1)


async def test_what_is_said_comes_back_from_the_echo(pbx: BarePbx, tmp_path: Path) -> None:
    clip = speak("我要投诉小区门口占道经营", tmp_path)
    async with Softphone(tmp_path / "phone", server=f"127.0.0.1:{pbx.sip_port}", user="13800000000") as phone:
        await phone.dial("100")
        await phone.wait_for(On.ESTABLISHED)
        await phone.say(clip)
        await hears_something(phone)
        await phone.hang_up()
        await phone.wait_for(On.CLOSED)


async def test_keys_arrive_in_order(pbx: BarePbx, tmp_path: Path) -> None:
    async with Softphone(tmp_path / "phone", server=f"127.0.0.1:{pbx.sip_port}", user="13800000000") as phone:
        await phone.dial("101")
        await phone.wait_for(On.ESTABLISHED)
        await phone.send_digits("12#")
        await phone.wait_for(On.CLOSED)
    assert pbx.notes() == ["12"]


async def test_a_registered_phone_answers_by_itself_and_greets(pbx: BarePbx, tmp_path: Path) -> None:
    server = f"127.0.0.1:{pbx.sip_port}"
    greeting = speak("您好请讲", tmp_path)
    agent = Softphone(
        tmp_path / "agent", server=server, user="1001", password="not-a-secret", auto_answer=True, greeting=greeting
    )
    async with agent, Softphone(tmp_path / "citizen", server=server, user="13800000000") as citizen:
        await citizen.dial("102")
        await agent.wait_for(On.ESTABLISHED)
        await citizen.wait_for(On.ESTABLISHED)
        await hears_something(citizen)
        await citizen.hang_up()
        await agent.wait_for(On.CLOSED)


async def test_a_wrong_password_is_a_clear_error(pbx: BarePbx, tmp_path: Path) -> None:
    phone = Softphone(tmp_path / "phone", server=f"127.0.0.1:{pbx.sip_port}", user="1001", password="wrong")
    with pytest.raises(Unavailable, match="phone-refused"):
        await phone.start()
