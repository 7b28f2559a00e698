"""Asterisk is killed under a call: the call is interrupted, owed a call-back, heard to the cut; the line is back."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime

import numpy as np
import pytest
import soundfile
from aftermath import callback, recording, sound
from instance import Instance
from ringing import until

from callflow.rules import Outcome
from hotline.softphone import On, Softphone
from recordings.archive.rules import RATE
from recordings.models import RecordingState

pytestmark = [pytest.mark.line, pytest.mark.xdist_group("instance")]

CUT, LATER = "13800002001", "13800002002"
LONG_TALK = "我要投诉小区门口占道经营，每天早上从六点开始就有人摆摊，一直到晚上十点才收摊，影响居民休息。" * 4
"""Half a minute without a pause: whatever is missing at the end of a recording is missing speech."""
MISSING_S = 3.0
BACK_S = 5.0
RETRY_S = 0.25
AUDIBLE = 300
"""Root mean square of a second of speech."""


async def test_given_asterisk_is_killed_under_a_call_then_the_call_is_interrupted_and_the_line_is_back(
    instance: Instance,
) -> None:
    await instance.desk(greeting=LONG_TALK)
    citizen = await instance.rings(CUT, saying=LONG_TALK)
    later = await instance.phone(LATER)
    connected = await instance.call(CUT, "connected_at")
    await until(lambda: instance.recorded(CUT) > 8 * 2 * RATE, "eight seconds of speech")
    assert instance.node.pid
    killed_at, killed = datetime.now(UTC), time.monotonic()
    os.kill(instance.node.pid, signal.SIGKILL)

    await answered(later)
    back_s = time.monotonic() - killed
    assert back_s <= BACK_S, f"a new call was answered {back_s:.1f} s after the kill"
    await later.hang_up()

    cut = await instance.call(CUT, "ended_at", "outcome")
    assert cut.outcome == Outcome.INTERRUPTED
    assert cut.ended_by == "system"
    assert (await callback(instance, cut.id)).reason == "interrupted"
    kept = await recording(instance, cut.id)
    assert kept.state == RecordingState.STORED
    assert connected.connected_at
    talked_s = (killed_at - connected.connected_at).total_seconds()
    assert talked_s - MISSING_S <= kept.seconds <= talked_s + 1
    samples, _ = soundfile.read(await sound(instance, kept), dtype="int16")
    last = samples[-RATE:].astype(np.float64)
    assert np.sqrt((last**2).mean(axis=0)).min() > AUDIBLE, "both sides are heard to the end"
    await citizen.stop()
    print(f"missing {talked_s - kept.seconds:.2f} s, back after {back_s:.2f} s")


async def answered(phone: Softphone) -> None:
    """Ring again and again, as a telephone's owner would, until somebody answers."""
    async with asyncio.timeout(40):
        while True:
            await phone.dial("12345")
            with suppress(TimeoutError):
                await phone.wait_for(On.ESTABLISHED, timeout=RETRY_S)
                return
            await phone.hang_up()
