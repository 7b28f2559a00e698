"""A link tells each message once what is certain: never sent, sent, or unknown."""

import asyncio
import time

import pytest

from crm.sms.link import Backoff, Link
from crm.sms.linked import LinkedGateway
from crm.sms.port import NotSent, Uncertain

SOON_S, LATE_S = 0.05, 20.0


def link() -> Link[str]:
    made: Link[str] = Link("test", "127.0.0.1:1")
    made.up()
    return made


def hold_the_loop(seconds: float) -> None:
    time.sleep(seconds)


async def test_without_a_link_nothing_is_queued() -> None:
    away: Link[str] = Link("test", "127.0.0.1:1")
    with pytest.raises(NotSent):
        await away.submit("a", "text", LATE_S)
    assert not away.withdraw("a")


async def test_what_nobody_took_in_time_is_withdrawn() -> None:
    one = link()
    with pytest.raises(NotSent):
        await one.submit("a", "text", SOON_S)
    assert not one.withdraw("a")


@pytest.mark.parametrize("written", [False, True])
async def test_what_was_taken_and_not_answered_is_unknown(written: bool) -> None:
    one = link()
    waiting = asyncio.create_task(one.submit("a", "text", SOON_S))
    assert await one.take() == ("a", "text")
    if written:
        one.writing("a")
    with pytest.raises(Uncertain):
        await waiting


async def test_a_lost_link_settles_each_by_how_far_it_came() -> None:
    one = link()
    tasks = {key: asyncio.create_task(one.submit(key, key, LATE_S)) for key in ("written", "taken", "queued")}
    await one.take()
    one.writing("written")
    await one.take()
    one.down()
    outcomes = dict(zip(tasks, await asyncio.gather(*tasks.values(), return_exceptions=True), strict=True))
    assert {key: type(outcome) for key, outcome in outcomes.items()} == {
        "written": Uncertain,
        "taken": NotSent,
        "queued": NotSent,
    }
    assert not one.ready


async def test_only_the_first_outcome_counts_and_later_ones_hurt_nobody() -> None:
    one = link()
    waiting = asyncio.create_task(one.submit("a", "text", LATE_S))
    await one.take()
    one.settle("a", "id-1")
    one.settle("a", NotSent("too late"))
    assert await waiting == "id-1"
    one.settle("a", "id-2")
    assert not one.expects("a")


@pytest.mark.parametrize(("settled", "told"), [("lost", NotSent), ("answered", "id-1")])
async def test_an_outcome_of_the_moment_in_which_patience_ends_is_told(settled: str, told: object) -> None:
    one = link()
    waiting = asyncio.create_task(one.submit("a", "text", SOON_S))
    await asyncio.sleep(0)
    if settled == "lost":
        asyncio.get_running_loop().call_soon(one.down)
    else:
        await one.take()
        asyncio.get_running_loop().call_soon(one.settle, "a", "id-1")
    hold_the_loop(2 * SOON_S)  # both are due when it looks again
    [outcome] = await asyncio.gather(waiting, return_exceptions=True)
    assert told in (outcome, type(outcome))


async def test_a_job_that_is_cancelled_takes_its_message_back() -> None:
    one = link()
    waiting = asyncio.create_task(one.submit("a", "text", LATE_S))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert not one.withdraw("a")


def test_waits_grow_to_a_cap_and_never_come_in_step() -> None:
    backoff = Backoff()
    waits = [backoff.next() for _ in range(20)]
    assert waits[0] <= Backoff.FIRST_S * 1.25
    assert max(waits) <= Backoff.LONGEST_S * 1.25
    assert min(waits[-10:]) >= Backoff.LONGEST_S * 0.75
    assert len(set(waits[-10:])) == 10
    backoff.reset()
    assert backoff.next() <= Backoff.FIRST_S * 1.25


class _Deaf(LinkedGateway[str]):
    """Loses the first cancellation, as `asyncio.wait_for` of Python 3.11 does where the answer comes at that moment."""

    name = "deaf"
    lost = False

    async def _serve(self) -> None:
        while not self.lost:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.lost = True
        await asyncio.Event().wait()


async def test_a_gateway_that_lost_the_cancellation_is_left_all_the_same() -> None:
    gateway = _Deaf("127.0.0.1:1")
    await gateway.start()
    await asyncio.sleep(0)
    async with asyncio.timeout(LATE_S) as limit:
        await gateway.stop()
    assert gateway.lost and not limit.expired()
