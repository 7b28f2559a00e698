"""Which calls belong to an order: asked from the order, from the call, and as a condition, with one answer."""

from typing import Any

import pytest
from calls_room import Telephoned
from crm_desk import Desk
from dossier_room import DossierRoom
from sqlalchemy import select, update

from callflow.callbacks import service as callbacks
from callflow.callbacks.models import CallbackCall, CallbackTask
from callflow.models import Call
from core.db import Database, among
from crm.retention.holds import Scope, covers, place
from crm.retention.objects import RECORDINGS
from crm.retention.rules import Reason
from crm.tickets.belonging import How, calls_of, of_order, orders_of
from crm.tickets.models import Ticket
from recordings.models import Recording

HOWS = {
    "own": How.OWN,
    "110": How.ASKED,
    "answer": How.ANSWER,
    "follow-up": How.FOLLOW_UP,
    "callback": How.CALLBACK,
    "colleague": How.ASKED,
    "merged": How.MERGED,
}


@pytest.fixture
def room(db: Database, office: Any, home: Any) -> DossierRoom:
    return DossierRoom(db, office, home)


@pytest.mark.proves("F12.9-1")
async def test_every_way_to_belong_is_found_from_both_ends(room: DossierRoom) -> None:
    await room.order()
    calls = await Telephoned(room.db, room.desk, room.office).all()
    stranger = await Desk(room.db, room.office).open()
    async with room.db.session() as session:
        found = {one.call.id: one.how for one in await of_order(session, room.desk.id)}
        assert found == {calls[name]: how for name, how in HOWS.items()}
        assert set(await session.scalars(calls_of(Ticket.id == room.desk.id))) == set(calls.values())
        back = await orders_of(session, set(calls.values()))
        assert {call for call, orders in back.items() if room.desk.id in orders} == set(calls.values())
        assert all(stranger.id not in orders for orders in back.values())
        alone = await orders_of(session, set(calls.values()), Ticket.id == stranger.id)
        assert alone == {} and await orders_of(session, ()) == {}


async def test_a_split_order_has_the_call_in_which_its_matter_was_told(db: Database, office: Any) -> None:
    first, second = await Desk(db, office).open(), await Desk(db, office).open()
    telephoned = Telephoned(db, first, office)
    own = await telephoned.own()
    await telephoned.linked()
    async with db.session() as session:
        await session.execute(update(Ticket).where(Ticket.id == second.id).values(split_from=first.id, call_id=None))
        hows = {one.call.id: one.how for one in await of_order(session, second.id)}
    assert hows == {own: How.SPLIT, telephoned.calls["110"]: How.ASKED}


async def test_a_call_back_belongs_to_all_tasks_of_the_number_that_were_taken_with_it(
    db: Database, office: Any
) -> None:
    desks = [await Desk(db, office).open() for _ in range(3)]
    async with db.session() as session:
        for n, desk in enumerate(desks):
            ticket = await session.get_one(Ticket, desk.id)
            assert ticket.call_id is not None
            call = Call(id=ticket.call_id, node="node1", linkedid=f"call.{n}", arrived_at=desk.now)
            task = CallbackTask(call_id=call.id, phone=ticket.caller_phone, reason="message", call_ended_at=desk.now)
            task.claimed_by = (office.agent if n < 2 else office.lead).user_id
            session.add(call)
            await session.flush()
            session.add(task)
        await session.flush()
        task_id = await session.scalar(select(CallbackTask.id).where(CallbackTask.claimed_by == office.agent.user_id))
        assert task_id
        await callbacks.called(session, office.agent, task_id, "node1", "back.1")
        back = Call(node="node1", linkedid="back.1", arrived_at=desks[0].now, direction="outbound")
        session.add(back)
        await session.flush()
        assert len((await session.scalars(select(CallbackCall))).all()) == 2, "another has the third task"
        assert (await orders_of(session, [back.id]))[back.id] == {desk.id for desk in desks[:2]}


async def test_a_hold_of_an_order_covers_every_call_of_it(room: DossierRoom) -> None:
    await room.order()
    telephoned = Telephoned(room.db, room.desk, room.office)
    calls = await telephoned.all()
    kept = {name: await room.record(id, room.desk.now, part=n) for n, (name, id) in enumerate(calls.items(), 2)}
    other = await Desk(room.db, room.office).open()
    foreign = await room.record(await Telephoned(room.db, other, room.office).own(), room.desk.now, part=50)
    number = (await room.desk.ticket()).number
    async with room.db.session() as session:
        hold, count = await place(
            session, room.office.archivist, Reason.LITIGATION, "弋法传〔2026〕1号", "县司法局", Scope(number=number)
        )
        covered = set(await session.scalars(select(Recording.id).where(covers(hold, RECORDINGS), RECORDINGS.living())))
    assert {one.id for one in kept.values()} <= covered and foreign.id not in covered
    assert count == len(kept) + 2, "the first recording of the order's own call, and the file put to it"
    async with room.db.session() as session:
        held = await session.scalars(
            select(Recording.id).where(covers(hold, RECORDINGS), among(Recording.id, [foreign.id]))
        )
        assert held.all() == []
