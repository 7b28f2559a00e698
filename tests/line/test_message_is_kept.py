"""The service is killed while a citizen speaks to the message box: the message is kept, and becomes a draft."""

import pytest
from aftermath import WORDS, callback, draft, recording
from instance import BYTES_PER_S, Instance
from ringing import until

from callflow.rules import Outcome
from callflow.speak import speak
from hotline.softphone import On
from recordings.models import Kind

pytestmark = [pytest.mark.line, pytest.mark.xdist_group("instance")]

NUMBER = "13800006001"


async def test_given_the_service_is_killed_under_a_message_then_it_is_kept_and_becomes_a_draft(
    instance: Instance,
) -> None:
    citizen = await instance.rings(NUMBER)
    await until(lambda: instance.spooled(NUMBER, "message"), "nobody is at a desk: the message box records")
    await instance.kill_service()
    clip = speak(WORDS, instance.home / "clips")
    await citizen.say(clip)
    wanted = clip.stat().st_size
    await until(lambda: instance.spooled(NUMBER, "message") > wanted, "the message in the spool")
    assert instance.spooled(NUMBER, "message") < 20 * BYTES_PER_S
    await citizen.wait_for(On.CLOSED)
    await instance.start()

    call = await instance.call(NUMBER, "ended_at", "outcome")
    assert call.outcome == Outcome.MESSAGE
    assert call.connected_at is None
    kept = await recording(instance, call.id)
    assert kept.kind == Kind.MESSAGE
    assert kept.seconds > 3
    await draft(instance, call.id)
    assert (await callback(instance, call.id)).reason == "message"
