"""Down the ladder on a line without Python: second line, duty mobiles, outside number, message box; and its limits."""

import asyncio

import pytest
from ringing import Line, ended, energy, rings, until

from hotline.softphone import On, Softphone

pytestmark = [pytest.mark.line, pytest.mark.xdist_group("asterisk")]
AUDIBLE = 300
MESSAGE = "我要反映路灯坏了，请派人来修，已经很多天了"


async def paused(line: Line, extension: str, queue: str) -> Softphone:
    """An agent who is there and takes no call."""
    agent = await line.agent(extension, queue)
    await line.node.cli(f"queue pause member PJSIP/{extension} queue {queue}")
    return agent


async def both_are_heard(line: Line, citizen: Softphone, other: Softphone) -> None:
    """They talk, and both directions are recorded."""
    await citizen.say(line.clip("自来水停了三天，请帮忙"))
    await other.say(line.clip("好的，我们马上联系自来水公司"))
    for side in ("talk1_in", "talk1_out"):
        await until(lambda s=side: energy(line.spooled(citizen.user, s)) > AUDIBLE, side)


async def test_when_nobody_serves_the_first_queue_the_second_line_answers(line: Line) -> None:
    second = await line.agent("1002", "mute", greeting="您好，这里是二线，请讲，有什么可以帮您的吗")
    await line.rostered(second_queue="mute")
    citizen = await rings(line, "12302")
    await second.wait_for(On.ESTABLISHED)
    await both_are_heard(line, citizen, second)
    first, other = (
        line.moment(citizen.user, "HotlineRung", "first/empty"),
        line.moment(citizen.user, "HotlineRung", "second/mute"),
    )
    assert first and other and other - first < 2, "nobody there: no waiting"
    await citizen.hang_up()
    assert energy(await ended(citizen)) > AUDIBLE


async def test_who_waits_too_long_in_the_first_queue_reaches_the_second_line(line: Line) -> None:
    await paused(line, "1004", "place")
    second = await line.agent("1002", "mute")
    await line.rostered(second_queue="mute", waits={"first_queue": 4})
    citizen = await rings(line, "12303")
    await second.wait_for(On.ESTABLISHED)
    first = await line.happened(citizen.user, "HotlineRung", "first/place")
    other = await line.happened(citizen.user, "HotlineRung", "second/mute")
    assert 3 < other - first < 8
    await citizen.hang_up()


async def test_who_has_the_skill_rings_first_and_what_overflows_reaches_the_others(line: Line) -> None:
    skilled, other = await line.agent("1004", "place"), await line.agent("1005", "place")
    await line.node.cli("queue set penalty 5 on PJSIP/1005 in place")
    first = await rings(line, "12303")
    await skilled.wait_for(On.ESTABLISHED)
    overflow = await rings(line, "12303")
    await other.wait_for(On.ESTABLISHED)
    rung = await line.happened(overflow.user, "HotlineRung", "first/place")
    assert rung, "the second caller waited in the same queue and reached who serves it later"
    await first.hang_up()
    await overflow.hang_up()


@pytest.fixture
async def mobiles(line: Line) -> Softphone:
    """Two duty mobiles in one hand: a telephone with both numbers, which answers only when told to."""
    phone = await line.phone("13900000001")
    server = f"{line.settings.bind}:{line.settings.sip_port}"
    await phone.command("uanew", f"<sip:13900000002@{server};transport=udp>;audio_codecs=PCMA;regint=0")
    await line.rostered(phone, waits={"duty_ring": 4}, duty=("13900000001", "13900000002"), outside="13900000002")
    return phone


async def test_duty_mobiles_ring_one_after_the_other_and_only_a_pressed_1_takes_the_call(
    line: Line, mobiles: Softphone
) -> None:
    citizen = await rings(line, "12302")
    await mobiles.wait_for(On.INCOMING)
    await mobiles.answer()  # the first is a voicemail
    await mobiles.wait_for(On.ESTABLISHED)
    await mobiles.say(line.clip("您好，我现在不方便接听，请在滴声后留言"))
    await mobiles.wait_for(On.CLOSED)
    assert line.moment(citizen.user, "BRIDGE_ENTER") is None, "the voicemail did not get the citizen"
    await mobiles.wait_for(On.INCOMING)
    await mobiles.answer()
    await mobiles.wait_for(On.ESTABLISHED)
    await mobiles.send_digits("51")  # a slip first
    assert await line.happened(citizen.user, "HotlineAccepted", "2")
    await both_are_heard(line, citizen, mobiles)
    for which in ("duty/1", "duty/2"):
        assert line.moment(citizen.user, "HotlineRung", which)
    await citizen.hang_up()
    await ended(citizen)
    heard = mobiles.heard()
    assert line.times(heard[0], "hotline/accept") == 2, "the voicemail was asked twice"


async def test_when_no_duty_mobile_answers_the_outside_number_takes_the_call(line: Line, mobiles: Softphone) -> None:
    citizen = await rings(line, "12302")
    for _ in range(2):
        await mobiles.wait_for(On.INCOMING)
        await mobiles.wait_for(On.CLOSED)
    await line.happened(citizen.user, "HotlineRung", "outside")
    await mobiles.wait_for(On.INCOMING)
    await mobiles.answer()
    await mobiles.wait_for(On.ESTABLISHED)
    await both_are_heard(line, citizen, mobiles)
    assert line.moment(citizen.user, "HotlineAccepted") is None, "no key is asked for"
    await citizen.hang_up()
    assert line.times(await ended(citizen), "hotline/calling-duty") == 1


async def test_a_full_queue_sends_to_the_message_box_and_turns_nobody_away_who_comes_back(line: Line) -> None:
    await paused(line, "1004", "place")
    patience = {"first_queue": 120}
    await line.rostered(waits=patience, second_queue="mute", longest=(("place", 2),), duty=("13900000009",))
    first, second = await rings(line, "12303"), await rings(line, "12303")
    for one in (first, second):
        await line.happened(one.user, "APP_START", "Queue")
    third = await rings(line, "12303")
    await line.happened(third.user, "HotlineRefused", "queue-full")
    await line.happened(third.user, "APP_START", "Record")
    await third.say(line.clip(MESSAGE))
    await line.happened(third.user, "HotlineKept")
    assert line.moment(third.user, "HotlineRung", "second/mute"), "the second line first, which has nobody"
    assert line.moment(third.user, "HotlineRung", "duty") is None
    assert line.times(await ended(third), "hotline/queue-full") == 1
    await line.rostered(waits=patience, longest=(("place", 1),))
    await second.send_digits("9")
    await until(lambda: line.count(second.user, "APP_START", "Queue") == 2, "back in the queue")
    assert line.moment(second.user, "HotlineRefused") is None
    for one in (first, second):
        await one.hang_up()


async def test_a_message_is_on_the_disk_with_its_caller_before_it_is_called_kept(line: Line) -> None:
    citizen = await rings(line, "12302")
    await line.happened(citizen.user, "APP_START", "Record")
    await citizen.say(line.clip(MESSAGE))
    await line.happened(citizen.user, "HotlineKept")
    assert line.times(await ended(citizen), "hotline/message-kept") == 1
    assert energy(line.spooled(citizen.user, "message")) > AUDIBLE
    [noted] = line.messages(citizen.user)
    assert noted["dialled"] == "12302"
    assert 2 < float(str(noted["seconds"])) < 12


async def test_who_hangs_up_while_speaking_has_left_a_message(line: Line) -> None:
    citizen = await rings(line, "12302")
    await line.happened(citizen.user, "APP_START", "Record")
    await citizen.say(line.clip(MESSAGE))
    await until(lambda: energy(line.spooled(citizen.user, "message")) > AUDIBLE, "the first words")
    await until(lambda: line.spooled(citizen.user, "message").stat().st_size > 32_000, "two seconds of them")
    await citizen.hang_up()
    await line.happened(citizen.user, "HotlineKept")
    [noted] = line.messages(citizen.user)
    assert float(str(noted["seconds"])) >= 1


async def test_who_says_nothing_is_asked_once_more_and_told_the_truth(line: Line) -> None:
    citizen = await rings(line, "12302")
    heard = await ended(citizen)
    assert line.times(heard, "hotline/message-again") == 1
    assert line.times(heard, "hotline/message-nothing") == 1
    assert line.times(heard, "hotline/message-kept") == 0
    assert [noted["seconds"] for noted in line.messages(citizen.user)] == [0.0, 0.0]


async def test_several_callers_at_once_each_leave_a_message_of_their_own(line: Line) -> None:
    citizens = [await rings(line, "12302") for _ in range(3)]
    await asyncio.gather(*(line.happened(one.user, "APP_START", "Record") for one in citizens))
    for one in citizens:
        await one.say(line.clip(MESSAGE))
    await asyncio.gather(*(line.happened(one.user, "HotlineKept") for one in citizens))
    assert [len(line.messages(one.user)) for one in citizens] == [1, 1, 1]
