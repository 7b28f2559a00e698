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
from crm_histories import World, acts, later, wander
from crm_invariants import broken
from crm_peers import eventually
from sqlalchemy import select, text

from core import clock
from core.db import Database
from core.errors import HotlineError
from crm.tickets.access import several
from crm.tickets.models import Ticket, TicketEvent
from crm.tickets.states import Act
from crm.timers.scan import scan

SOAK = "HOTLINE_SOAK_SEED"
"""Set by `make soak`: other dice, and ten times as many steps."""
TURNS = 10 if SOAK in os.environ else 1
STEPS = 2_700 * TURNS
LEAST = 2_000 * TURNS
"""So many acts are really done of that many steps; the others are refused, as they must be."""
TOGETHER = 30
"""Orders that are in work at any time."""
SCANNED = 25
"""After so many steps the timers look for what is ripe."""
NEVER = {
    Act.RECOUNT: "a new calendar has its own tests",
    Act.FILE_MINUTES: "needs a scan, and files have their own tests",
    Act.EMERGENCY: "stands in events of many orders, which have their own tests",
    Act.CITY_CHANGED: "comes in the city's files, which have their own tests",
}
CLIENTS, ORDERS, EACH = 100, 50, 10
CONNECTIONS = 20
"""So many of the clients are served at the same moment; the others wait for their turn."""
LEAST_OF_CROWD = 400


@pytest.mark.timeout(600 * TURNS)
async def test_random_histories_break_no_invariant(db: Database, office: Any) -> None:
    seed = int(os.environ.get(SOAK, "20230605"))
    world = World(db, office, random.Random(seed))
    moment = at("2026-02-10 09:00")

    @contextlib.contextmanager
    def advance() -> Iterator[None]:
        nonlocal moment
        moment = later(world.dice, moment)
        with clock.frozen(moment):
            yield

    with advance():
        await world.begin(TOGETHER)
    for _ in range(STEPS // SCANNED):
        await wander(world, SCANNED, advance)
        with advance():
            await scan(db)
    async with db.session() as session:
        found = await broken(session)
        done = set(await session.scalars(select(TicketEvent.act).distinct()))
    print(f"seed {seed}: until {moment:%F}, {acts(world.tally)} acts: {dict(world.tally.most_common())}")
    assert found == [], f"seed {seed}"
    never = sorted(set(Act) - done)
    assert never == sorted(NEVER), f"seed {seed}: never done: {never}"
    assert acts(world.tally) >= LEAST, f"hardly anything happened: {world.tally}"


async def test_a_hundred_clients_on_fifty_orders(database_url: str, db: Database, office: Any) -> None:
    crowd, connections = Database(database_url, pool_size=CONNECTIONS), asyncio.Semaphore(CONNECTIONS)
    try:
        world = World(crowd, office, random.Random(51))
        await world.begin(ORDERS)

        async def client(n: int) -> None:
            mine = World(crowd, office, random.Random(n), world.orders, world.tally, world.limits)
            for _ in range(EACH):
                async with connections:
                    await mine.step()

        async with asyncio.TaskGroup() as group:
            for n in range(CLIENTS):
                group.create_task(client(n))
        async with crowd.session() as session:
            assert await broken(session) == []
        print(f"{acts(world.tally)} acts: {dict(world.tally.most_common())}")
        assert acts(world.tally) > LEAST_OF_CROWD
        assert world.tally["order-changed"], "nobody ever met anybody"
        assert not world.tally["database-unavailable"]
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


async def test_orders_are_locked_in_the_order_of_their_ids(db: Database, office: Any) -> None:
    master, joining = await Desk(db, office).open(), await Desk(db, office).open()
    assert master.id < joining.id
    await master.dispatch()
    async with db.session() as holder:
        await several(holder, office.agent, [master.id], lock=True)
        merging = asyncio.create_task(joining.act(office.agent, Act.MERGE, master_id=master.id, reason="同一事项"))

        async def waits() -> Any:
            async with db.session() as session:
                return await session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))

        await eventually(waits)
        async with db.session() as another:  # who waits for the first of them holds none of the others
            free = select(Ticket.id).where(Ticket.id == joining.id).with_for_update(nowait=True)
            assert await another.scalar(free) == joining.id
    assert (await merging).changed


async def test_what_refers_to_a_locked_order_is_written_meanwhile(db: Database, office: Any) -> None:
    desk = await Desk(db, office).open()
    async with db.session() as holder, db.session() as another:
        await several(holder, office.agent, [desk.id], lock=True)
        referred = select(Ticket.id).where(Ticket.id == desk.id).with_for_update(read=True, key_share=True, nowait=True)
        assert await another.scalar(referred) == desk.id


def test_the_dice_move_on() -> None:
    start: datetime = at("2026-02-10 09:00")
    assert later(random.Random(1), start) > start
