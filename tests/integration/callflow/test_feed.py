"""The live reader against a manager that says what Asterisk says: calls of an earlier run end where that run did."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from line_facts import CALLER, answered, the_call
from test_ami import GENEROUS_S, Peer, event, until

from callflow import feed as feeding
from callflow.agents.drive import Driver
from callflow.ami import AmiClient, State
from callflow.feed import LineFeed
from callflow.intake import Intake
from callflow.limits import CallerLimits, Limits
from callflow.models import Call, JournalPosition, Node
from callflow.settings import LineSettings
from callflow.variables import Refusal
from core.db import Database
from core.errors import Unavailable

LAST_SIGN = timedelta(seconds=20)
"""Of the earlier run, after the call had arrived."""


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    """An Asterisk without a channel that has not yet said since when it runs."""
    made = Peer()
    made.answer = lambda action: b"Response: Success\r\nEventList: Complete\r\n"
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def feed(db: Database, agent: UUID, intake: Intake, home: Path, peer: Peer) -> AsyncIterator[LineFeed]:
    """A reader that finds one talk of an earlier run open."""
    talk = answered()[:4]
    await intake.save(talk)
    async with db.session() as session:
        arrived = talk[0].at
        session.add(Node(node="node1", booted_at=arrived - timedelta(days=1), seen_at=arrived + LAST_SIGN))
    (home / "log").mkdir()
    made = LineFeed(db, intake, LineSettings(ami_port=peer.port), lambda: "right", home / "log", CallerLimits())
    await made.start()
    yield made
    await made.stop()


async def cut_off(db: Database) -> Call:
    """The call, once it is over."""
    async with asyncio.timeout(GENEROUS_S):
        while (call := await the_call(db)).ended_at is None:  # noqa: ASYNC110 - another task writes it
            await asyncio.sleep(0.02)
    return call


async def test_the_last_sign_of_life_stays_until_asterisk_says_since_when_it_runs(
    db: Database, feed: LineFeed, peer: Peer
) -> None:
    await until(lambda: feed.ami.state is State.UP)
    await feed._reconcile()
    await peer.send(event("FullyBooted", Uptime="1"))
    call = await cut_off(db)
    assert (call.outcome, call.ended_at) == ("interrupted", call.arrived_at + LAST_SIGN)


async def test_a_gap_that_the_database_could_not_close_is_closed_when_it_is_back(
    db: Database, feed: LineFeed, peer: Peer
) -> None:
    await until(lambda: feed.ami.state is State.UP)
    away = feed.reconciler._db = Database("postgresql://nobody@127.0.0.1:1/none")
    await peer.send(event("FullyBooted", Uptime="1"))
    async with asyncio.timeout(GENEROUS_S):
        while (await feed._round.health()).ok:  # noqa: ASYNC110 - a loop of its own has to fail
            await asyncio.sleep(0.02)
    feed.reconciler._db = db
    feed._round.wake()
    assert (await cut_off(db)).outcome == "interrupted"
    await away.close()


async def test_a_comparison_that_failed_is_made_at_the_next_step(db: Database, agent: UUID, peer: Peer) -> None:
    def looks() -> int:
        return sum(1 for action in peer.told if action["Action"] == "QueueStatus")

    client = AmiClient("127.0.0.1", peer.port, "line", lambda: "right")
    driver, running = Driver(db, client, "node1"), asyncio.create_task(client.run())
    try:
        await until(lambda: client.state is State.UP)
        answer = peer.answer
        peer.answer = lambda action: None
        step = asyncio.create_task(driver.step())
        await until(lambda: looks() == 1)
        peer.cut()
        with pytest.raises(Unavailable):
            await step
        peer.answer = answer
        await until(lambda: client.state is State.UP)
        await driver.step()
        assert looks() == 2
        await driver.step()
        assert looks() == 2, "nothing changed"
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_connection_lost_again_while_its_gap_is_closed_leaves_a_gap(
    feed: LineFeed, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    close, closed = feed.reconciler.booted, 0

    async def booted(*known: Any) -> int:
        nonlocal closed
        if closed == 0:
            peer.cut()
            await until(lambda: feed.ami.state is not State.UP)
        found = await close(*known)
        closed += 1
        return found

    monkeypatch.setattr(feed.reconciler, "booted", booted)
    for times in (1, 2):
        await until(lambda times=times: peer.sessions == times and feed.ami.state is State.UP)
        await peer.send(event("FullyBooted", Uptime="1"))
        await until(lambda times=times: closed == times)


def append(home: Path, kind: str, at: float) -> None:
    journal = home / "log" / "cel-custom" / "events.csv"
    journal.parent.mkdir(exist_ok=True)
    with journal.open("a") as file:
        file.write(f'"{kind}","{at}","n.1","n.1","PJSIP/trunk-00000002","{CALLER}","12345","citizen","","","","",""\n')


async def test_a_call_is_on_record_as_its_journal_grows_whatever_the_manager_says(
    db: Database, feed: LineFeed, peer: Peer, home: Path
) -> None:
    await peer.stop()
    append(home, "CHAN_START", 1795427034.1)
    await until(lambda: feed._journal._stored.offset > 0)
    assert (await the_call(db, "n.1")).ended_at is None
    append(home, "HANGUP", 1795427060.2)
    async with asyncio.timeout(GENEROUS_S):
        while (await the_call(db, "n.1")).ended_at is None:  # noqa: ASYNC110 - another task writes it
            await asyncio.sleep(0.02)


async def test_a_number_may_call_again_once_its_call_is_over_also_without_a_database(
    db: Database, feed: LineFeed, intake: Intake, home: Path
) -> None:
    one_at_a_time, arrived = Limits(concurrent=1), datetime.fromtimestamp(1795427034.1, UTC)
    assert feed._limits.admit(CALLER, "n.1", arrived, one_at_a_time) is None
    append(home, "CHAN_START", 1795427034.1)
    await until(lambda: feed._journal._stored.offset > 0)
    away = intake._db = Database("postgresql://nobody@127.0.0.1:1/none")
    assert feed._limits.admit(CALLER, "n.2", arrived, one_at_a_time) is Refusal.CONCURRENT
    append(home, "HANGUP", 1795427060.2)
    await until(lambda: feed._limits.admit(CALLER, "n.2", arrived, one_at_a_time) is None)
    await until(lambda: feed._postponed)
    intake._db = db
    async with asyncio.timeout(GENEROUS_S):
        while (await the_call(db, "n.1")).ended_at is None:  # noqa: ASYNC110 - another task writes it
            await asyncio.sleep(0.02)
    await away.close()


async def test_what_a_failed_reading_of_all_journals_left_is_stored_without_another_line(
    db: Database, feed: LineFeed, intake: Intake, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(home, "CHAN_START", 1795427034.1)
    await until(lambda: feed._journal._stored.offset > 0)
    away = intake._db = Database("postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setattr(feed._journal, "grown", lambda: False)  # the reading of all journals comes first
    append(home, "HANGUP", 1795427060.2)
    with pytest.raises(Unavailable):
        await feed._read_journals()
    await until(lambda: feed._postponed)
    intake._db = db
    async with asyncio.timeout(GENEROUS_S):
        while (await the_call(db, "n.1")).ended_at is None:  # noqa: ASYNC110 - another task writes it
            await asyncio.sleep(0.02)
    await away.close()


async def test_an_orderly_end_notes_how_far_everything_is_stored(
    db: Database, feed: LineFeed, peer: Peer, home: Path
) -> None:
    append(home, "CHAN_START", 1795427034.1)
    await until(lambda: feed._journal._stored.offset > 0)
    append(home, "HANGUP", 1795427060.2)
    size = (home / "log" / "cel-custom" / "events.csv").stat().st_size
    await until(lambda: feed._journal._read is not None and feed._journal._read.offset == size)
    await feed.stop()
    async with db.session() as session:
        at = await session.get_one(JournalPosition, ("node1", "cel"))
    assert at.offset == size
    assert (await the_call(db, "n.1")).ended_at


async def test_while_little_comes_nothing_waits_for_what_comes_next(
    feed: LineFeed, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REST_S", "PACE_S"):
        monkeypatch.setattr(feeding, name, 3600.0)
    for n, kind in enumerate(("CHAN_START", "ANSWER", "HANGUP")):
        append(home, kind, 1795427034.1 + n)
        size = (home / "log" / "cel-custom" / "events.csv").stat().st_size
        await until(lambda size=size: feed._journal._stored.offset == size)
