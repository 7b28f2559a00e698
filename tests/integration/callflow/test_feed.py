"""The live reader against a manager that says what Asterisk says: calls of an earlier run end where that run did."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from line_facts import answered, the_call
from test_ami import GENEROUS_S, Peer, event, until

from callflow.ami import State
from callflow.feed import LineFeed
from callflow.intake import Intake
from callflow.limits import CallerLimits
from callflow.models import Call, Node
from callflow.settings import LineSettings
from core.db import Database

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
        while (call := await the_call(db)).ended_at is None:
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
        while (await feed._round.health()).ok:
            await asyncio.sleep(0.02)
    feed.reconciler._db = db
    feed._round.wake()
    assert (await cut_off(db)).outcome == "interrupted"
    await away.close()
