"""Kept places in the database and in the queue: promised, entered again in order, called once, given up."""

from datetime import timedelta
from typing import Any

import pytest
from line_facts import say
from sqlalchemy import select

from callflow import store
from callflow.callbacks.models import CallbackTask
from callflow.facts import Kind, Source, fact
from callflow.models import Call
from callflow.places.keeper import PlaceKeeper
from callflow.places.models import Place
from core.clock import frozen, now
from core.db import Database
from core.errors import Unavailable

PHONES = ("+8613800000001", "+8613800000002")


class Manager:
    """Asterisk's manager as far as places need it: what it was asked, and the channels that this made."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.refuses = False

    async def action(self, name: str, /, **headers: str) -> dict[str, str]:
        self.asked.append((name, headers))
        return {"Response": "Error" if self.refuses else "Success"}

    def entered(self) -> list[tuple[str, str]]:
        """Ids of the channels that were asked for, with their positions."""
        found = [one for name, one in self.asked if name == "Originate"]
        return [(one["ChannelId"], one["Variable"].split("HOTLINE_PLACE=")[1].split(",")[0]) for one in found]


def channels(*ids: str, state: str = "Ring") -> list[dict[str, str]]:
    """CoreShowChannels: both ends of each of these places."""
    local = "Local/wait@hotline-place-0000000"
    ends = [
        {"Channel": f"{local}{n};1", "Linkedid": one, "Uniqueid": one, "ChannelStateDesc": state}
        for n, one in enumerate(ids)
    ]
    return ends + [one | {"Channel": one["Channel"][:-1] + "2", "Uniqueid": one["Linkedid"] + "b"} for one in ends]


@pytest.fixture
def manager() -> Manager:
    return Manager()


@pytest.fixture
def keeper(db: Database, manager: Manager) -> PlaceKeeper:
    ami: Any = manager
    return PlaceKeeper(db, ami, "node1", 3600)


async def waits(db: Database, keeper: PlaceKeeper, *calls: str) -> None:
    """These callers kept their places; the first has waited longest and pressed last."""
    begun = now() - timedelta(minutes=5)
    for n, call in reversed(list(enumerate(calls))):
        async with db.session() as session:
            await store.save(session, [say(call, Kind.ARRIVED, 0, caller=PHONES[n])])
        await keeper.keep(call, PHONES[n], "first", begun + timedelta(seconds=n), n + 1)
        async with db.session() as session:
            await store.save(session, [say(call, Kind.ENDED, 70, cause="16", by="dialplan")])


async def rows(db: Database) -> dict[str, tuple[int, bool]]:
    async with db.session() as session:
        return {p.linkedid: (p.entries, p.closed_at is not None) for p in await session.scalars(select(Place))}


async def calls(db: Database) -> dict[str, str | None]:
    async with db.session() as session:
        return {c.linkedid: c.outcome for c in await session.scalars(select(Call))}


async def test_after_a_restart_places_enter_again_in_the_order_of_arrival(
    db: Database, keeper: PlaceKeeper, manager: Manager
) -> None:
    await waits(db, keeper, "1.1", "1.2")
    assert manager.entered() == [("1.2~1", "2"), ("1.1~1", "1")]
    assert await calls(db) == {"1.1": None, "1.2": None}
    assert await keeper.step(channels("1.1~1", "1.2~1"), now(), now() - timedelta(days=1)) == 0
    booted = now()
    assert await keeper.step([], now(), booted) == 2
    assert manager.entered()[2:] == [("1.1~2", "1"), ("1.2~2", "2")]
    assert await keeper.step(channels("1.1~2", "1.2~2"), now(), booted) == 0
    assert await rows(db) == {"1.1": (2, False), "1.2": (2, False)}


async def test_without_a_restart_a_channel_must_be_missed_twice(
    db: Database, keeper: PlaceKeeper, manager: Manager
) -> None:
    await waits(db, keeper, "1.1")
    booted = now() - timedelta(days=1)
    assert await keeper.step([], now(), booted) == 0
    assert await keeper.step([], now(), booted) == 1


async def test_who_was_called_is_never_called_again(db: Database, keeper: PlaceKeeper, manager: Manager) -> None:
    await waits(db, keeper, "1.1")
    async with db.session() as session:
        await store.save(session, [say("1.1", Kind.TAKEN, 90, agent="1001"), say("1.1", Kind.CALLED, 91)])
    for _ in range(3):
        assert await keeper.step([], now(), now()) == 0
    async with db.session() as session:
        await store.save(session, [say("1.1", Kind.OVER, 140)])
        owed = (await session.scalars(select(CallbackTask.reason))).all()
    assert await calls(db) == {"1.1": "kept"}
    assert await rows(db) == {"1.1": (1, True)}
    assert owed == ["kept"]


async def test_a_place_that_cannot_be_kept_is_not_promised(db: Database, keeper: PlaceKeeper, manager: Manager) -> None:
    manager.refuses = True
    with pytest.raises(Unavailable):
        await waits(db, keeper, "1.1")
    assert await rows(db) == {"1.1": (1, True)}
    manager.refuses = False
    await keeper.step(channels("1.1~1"), now(), None)
    assert manager.asked[-1][0] == "Hangup", "what came all the same waits for nobody"
    assert len(manager.asked) == 2, "one end hangs up both"


async def test_who_is_still_on_the_line_after_a_minute_waits_there_alone(
    db: Database, keeper: PlaceKeeper, manager: Manager
) -> None:
    await waits(db, keeper, "1.1")
    on_the_line = {"Channel": "PJSIP/trunk-1", "Linkedid": "1.1", "Uniqueid": "1.1", "ChannelStateDesc": "Up"}
    with frozen(now() + timedelta(minutes=2)):
        await keeper.step([on_the_line, *channels("1.1~1")], now(), None)
    assert manager.asked[-1] == ("Hangup", {"Channel": "Local/wait@hotline-place-00000000;1"})
    assert await rows(db) == {"1.1": (1, True)}


async def test_whoever_called_again_and_reached_somebody_is_not_called_back(
    db: Database, keeper: PlaceKeeper, manager: Manager
) -> None:
    await waits(db, keeper, "1.1")
    async with db.session() as session:
        again = fact("node1", "1.9", Source.CEL, Kind.ARRIVED, now(), direction="inbound", caller=PHONES[0])
        await store.save(session, [again, fact("node1", "1.9", Source.CEL, Kind.CONNECTED, now(), agent="1001")])
    await keeper.step(channels("1.1~1"), now(), None)
    assert manager.asked[-1][0] == "Hangup"
    assert await calls(db) == {"1.1": "kept", "1.9": None}
    async with db.session() as session:
        assert (await session.scalars(select(CallbackTask))).all() == []


async def test_an_agents_talk_with_a_closed_place_goes_on(db: Database, keeper: PlaceKeeper, manager: Manager) -> None:
    await keeper.step(channels("9.9~1", state="Up"), now(), None)
    assert manager.asked == []
