"""Random histories leave no invariant broken; two people at once never both win; nor do a hundred."""

import asyncio
import contextlib
import os
import random
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from crm_desk import Desk, at
from crm_histories import World, later, wander
from crm_invariants import broken

from core import clock
from core.db import Database
from core.errors import HotlineError
from crm.tickets.states import Act

SOAK = "HOTLINE_SOAK_SEED"
"""Set by `make soak`: other dice, and ten times as many steps."""
STEPS = 1_500
CLIENTS, ORDERS, EACH = 100, 50, 10


async def test_random_histories_break_no_invariant(db: Database, office: Any) -> None:
    seed, turns = int(os.environ.get(SOAK, "20230605")), 10 if SOAK in os.environ else 1
    world = World(db, office, random.Random(seed))
    moment = at("2026-02-10 09:00")

    @contextlib.contextmanager
    def advance() -> Iterator[None]:
        nonlocal moment
        moment = later(world.dice, moment)
        if moment.year > 2027:
            moment = at("2026-02-10 09:00")
        with clock.frozen(moment):
            yield

    for _ in range(turns):
        with clock.frozen(moment):
            await world.open(30)
        await wander(world, STEPS, advance)
        async with db.session() as session:
            assert await broken(session) == [], f"seed {seed}"
    done = {act for act in Act if world.tally[act]}
    print(f"seed {seed}: {dict(world.tally)}")
    assert len(done) >= 30, f"hardly anything happened: {world.tally}"


async def test_a_hundred_clients_on_fifty_orders(database_url: str, db: Database, office: Any) -> None:
    crowd = Database(database_url, pool_size=20)
    try:
        world = World(crowd, office, random.Random(51))
        await world.open(ORDERS)

        async def client(n: int) -> None:
            mine = World(crowd, office, random.Random(n), world.orders, world.tally)
            await wander(mine, EACH, contextlib.nullcontext)

        async with asyncio.TaskGroup() as group:
            for n in range(CLIENTS):
                group.create_task(client(n))
        async with crowd.session() as session:
            assert await broken(session) == []
        acts = sum(count for act, count in world.tally.items() if act in set(Act))
        print(dict(world.tally))
        assert acts > CLIENTS
        assert world.tally["order-changed"], "nobody ever met anybody"
    finally:
        await crowd.close()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("dispatcher", Act.ACCEPT_RETURN, {"reason": "同意退回"}), ("lead", Act.REFUSE_RETURN, {"reason": "不同意"})),
        (("dispatcher", Act.ACCEPT_RETURN, {"reason": "同意退回"}), ("bureau", Act.DISPUTE, {"reason": "推诿扯皮"})),
    ],
)
async def test_of_two_decisions_at_once_one_wins(db: Database, office: Any, first: Any, second: Any) -> None:
    desk = await Desk(db, office).open()
    await desk.dispatch()
    await desk.act(office.clerk, Act.SIGN)
    await desk.act(office.clerk, Act.RETURN, ground="not-ours", basis="不属于本部门职责")
    version = (await desk.ticket()).version

    async def one(who: str, act: Act, given: dict[str, Any]) -> str:
        try:
            await desk.act(office.actors[who], act, version=version, **given)
            return "done"
        except HotlineError as error:
            return error.id

    assert sorted(await asyncio.gather(one(*first), one(*second))) == ["done", "order-changed"]
    async with db.session() as session:
        assert await broken(session) == []


def test_the_dice_move_on() -> None:
    start: datetime = at("2026-02-10 09:00")
    assert later(random.Random(1), start) > start
