"""Agents' commands, the incident clock, the snapshot and the journals' positions, on a real database."""

import shutil
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from line_facts import the_call
from sqlalchemy import select, text

from callflow.agents import presence
from callflow.agents import service as agents
from callflow.agents.models import Agent
from callflow.incidents import service as incidents
from callflow.incidents.models import Incident
from callflow.intake import Intake
from callflow.models import Node
from callflow.numbers import service as numbers
from callflow.reconcile import Reconciler
from callflow.snapshot import SnapshotKeeper
from callflow.sources.ami import Device, Member
from core.actor import SYSTEM, Actor
from core.clock import frozen
from core.db import Database
from core.errors import Conflict, Denied, Invalid, NotFound, Unavailable
from core.permissions import Role

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
JOURNAL = [
    '"CHAN_START","1795427034.1","n.1","n.1","PJSIP/trunk-00000002","13800000001","12345","citizen","","","","",""',
    '"ANSWER","1795427034.2","n.1","n.1","PJSIP/trunk-00000002","13800000001","12345","citizen","","","","",""',
    '"HANGUP","1795427060.2","n.1","n.1","PJSIP/trunk-00000002","13800000001","h","citizen","","","","",""',
]


def member(device: Device = Device.IDLE, paused: bool = False) -> Member:
    return Member("hotline", "1001", device, paused, "", 0, False, 0, None, None)


def person(user_id: UUID, role: Role = Role.AGENT) -> Actor:
    return Actor(user_id, "李雯", frozenset({role}))


async def test_an_agent_logs_in_pauses_and_leaves(db: Database, agent: UUID) -> None:
    me = person(agent)
    async with db.session() as session:
        with pytest.raises(Conflict, match="not-logged-in"):
            await agents.pause(session, me, agent, "meal")
        row = await agents.log_in(session, me, agent)
        with pytest.raises(Conflict, match="already-logged-in"):
            await agents.log_in(session, me, agent)
        with pytest.raises(Conflict, match="agent-changed"):
            await agents.pause(session, me, agent, "meal", version=row.version - 1)
        for reason in ("wrap-up", "no-answer", "lunch", ""):
            with pytest.raises(Invalid, match="bad-pause-reason"):
                await agents.pause(session, me, agent, reason)
        await agents.pause(session, me, agent, "meal", version=row.version)
        [intent] = (await agents.intents(session)).values()
        assert intent.reason == "meal"
        with pytest.raises(Conflict, match="no-wrap-up"):
            await agents.finish_wrap_up(session, me, agent)
        await agents.resume(session, me, agent)
        await agents.log_out(session, me, agent)
        assert await agents.intents(session) == {}


async def test_nobody_acts_for_another_but_the_shift_lead(db: Database, agent: UUID) -> None:
    other = UUID(int=7)
    async with db.session() as session:
        with pytest.raises(Denied, match="not-permitted"):
            await agents.log_in(session, person(other), agent)
        await agents.log_in(session, person(other, Role.SHIFT_LEAD), agent)
        with pytest.raises(NotFound, match="no-agent"):
            await agents.log_in(session, person(other), other)


async def test_wrap_up_begins_with_the_end_of_a_talk_and_lifts_by_itself(db: Database, agent: UUID) -> None:
    with frozen(NOW):
        async with db.session() as session:
            await agents.log_in(session, person(agent), agent)
            await agents.completed(session, {"1001": NOW})
            assert await agents.lift_wrap_ups(session) == 0
    with frozen(NOW + timedelta(seconds=60)):
        async with db.session() as session:
            assert await agents.lift_wrap_ups(session) == 1
            assert (await session.get_one(Agent, agent)).pause_reason is None


async def test_a_pause_during_the_talk_is_no_wrap_up(db: Database, agent: UUID) -> None:
    async with db.session() as session:
        await agents.log_in(session, person(agent), agent)
        await agents.pause(session, person(agent), agent, "break")
        await agents.completed(session, {"1001": NOW})
        await agents.did_not_answer(session, ["1001"])
        assert (await session.get_one(Agent, agent)).pause_reason == "break"


async def observe(db: Database, minute: float, *, asterisk: bool = True) -> None:
    at = NOW + timedelta(minutes=minute)
    async with db.session() as session:
        if asterisk:
            await session.merge(Node(node="node1", booted_at=NOW, seen_at=at))
    async with db.session() as session:
        await incidents.observe(session, at)


async def recorded(db: Database) -> list[Incident]:
    async with db.session() as session:
        return list(await session.scalars(select(Incident).order_by(Incident.opened_at)))


async def staff(db: Database, agent: UUID, *, here: bool) -> None:
    async with db.session() as session:
        await session.execute(text("UPDATE line_agents SET logged_in_at = now()"))
        await presence.replace(session, "node1", [member(Device.IDLE if here else Device.UNAVAILABLE)])


async def test_minutes_without_a_human_are_one_incident_that_grows_and_closes(db: Database, agent: UUID) -> None:
    for minute in (0, 0.3, 0.9, 1, 1, 2.5):
        await observe(db, minute)
    [incident] = await recorded(db)
    assert (incident.opened_at, incident.minutes, incident.closed_at) == (NOW, 3, None)
    await staff(db, agent, here=True)
    await observe(db, 3)
    await observe(db, 4)
    [incident] = await recorded(db)
    assert (incident.minutes, incident.closed_at) == (3, NOW + timedelta(minutes=3))
    await staff(db, agent, here=False)
    await observe(db, 9)
    assert [one.minutes for one in await recorded(db)] == [3, 1]


async def test_minutes_that_nobody_watched_are_counted_as_such(db: Database, agent: UUID) -> None:
    await observe(db, 0)
    await observe(db, 10)
    [incident] = await recorded(db)
    assert (incident.minutes, incident.unobserved) == (11, 9)


async def test_without_word_from_asterisk_nothing_is_claimed(db: Database, agent: UUID) -> None:
    await observe(db, 0, asterisk=False)
    assert await recorded(db) == []


async def test_the_snapshot_outlives_the_database(db: Database, agent: UUID, home: Path) -> None:
    async with db.session() as session:
        await numbers.set_queue(session, SYSTEM, "second", "二线坐席")
        await numbers.set_queue(session, SYSTEM, "hotline", "综合坐席", overflow="second")
        await numbers.set_number(session, SYSTEM, "12319", "城建", "hotline", original_hotline="城建服务热线")
        await numbers.set_duty_mobile(session, SYSTEM, "值班长", "13000000001", 1, time(0), time(0))
    keeper = SnapshotKeeper(db, home / "snapshot")
    fresh = await keeper.refresh()
    assert (fresh.default_queue, fresh.queues["hotline"].overflow) == ("hotline", "second")
    assert [one.phone for one in fresh.duty] == ["+8613000000001"]
    assert b"13000000001" not in (home / "snapshot").read_bytes()

    away = Database("postgresql://nobody@127.0.0.1:1/none")
    later = SnapshotKeeper(away, home / "snapshot")
    assert later.current == fresh
    with pytest.raises(Unavailable):
        await later.refresh()
    assert later.current == fresh
    await away.close()
    (home / "snapshot").write_text("torn")
    assert SnapshotKeeper(db, home / "snapshot").current.default_queue == "hotline"


@pytest.mark.parametrize("name", ["general", "Hotline", "a b", "x\n[evil]", "", "1st"])
async def test_a_queue_name_that_no_file_carries_is_refused(db: Database, name: str) -> None:
    async with db.session() as session:
        with pytest.raises(Invalid, match="bad-line-value"):
            await numbers.set_queue(session, SYSTEM, name, "队列")


async def test_journals_are_read_once_across_rotation_and_bad_lines(
    db: Database, agent: UUID, intake: Intake, home: Path
) -> None:
    journal = home / "log" / "cel-custom" / "events.csv"
    journal.parent.mkdir(parents=True)
    reader = Reconciler(db, intake, "node1", home / "log")
    assert await reader.read_journals() == 0
    journal.write_text(JOURNAL[0] + "\nnonsense\n" + JOURNAL[1][:30])
    await reader.read_journals()
    assert (await the_call(db, "n.1")).answered_at is None
    with journal.open("a") as file:
        file.write(JOURNAL[1][30:] + "\n")
    shutil.move(journal, journal.with_name("events.csv.1"))
    journal.write_text(JOURNAL[2] + "\n")
    again = Reconciler(db, intake, "node1", home / "log")
    await again.read_journals()
    call = await the_call(db, "n.1")
    assert call.answered_at
    assert (call.outcome, call.ended_by) == ("interrupted", "system")
    assert await again.read_journals() == 0
    assert (home / "facts" / "aside.txt").read_text() == "cel nonsense\n"


async def test_a_call_that_no_channel_belongs_to_is_closed_when_seen_so_twice(
    db: Database, agent: UUID, intake: Intake, home: Path
) -> None:
    journal = home / "cel-custom" / "events.csv"
    journal.parent.mkdir(parents=True)
    journal.write_text(f"{JOURNAL[0]}\n{JOURNAL[1]}\n")
    reader = Reconciler(db, intake, "node1", home)
    await reader.read_journals()
    arrived = (await the_call(db, "n.1")).arrived_at
    later = arrived + timedelta(minutes=1)
    assert await reader.sweep({"n.1"}, later) == 0
    assert await reader.sweep(set(), later) == 1, "its end may still stand in a journal"
    assert (await the_call(db, "n.1")).ended_at is None
    assert await reader.sweep(set(), later) == 0
    call = await the_call(db, "n.1")
    assert (call.outcome, call.ended_at) == ("abandoned", later)


async def test_calls_of_an_earlier_boot_are_cut_off_at_the_last_sign_of_life(
    db: Database, agent: UUID, intake: Intake, home: Path
) -> None:
    journal = home / "cel-custom" / "events.csv"
    journal.parent.mkdir(parents=True)
    journal.write_text(f"{JOURNAL[0]}\n{JOURNAL[1]}\n")
    reader = Reconciler(db, intake, "node1", home)
    await reader.read_journals()
    arrived = (await the_call(db, "n.1")).arrived_at
    booted, died = arrived + timedelta(seconds=30), arrived + timedelta(seconds=20)
    assert await reader.booted(booted, died, {"n.1"}) == 0, "it still has channels"
    assert await reader.booted(arrived, None, set()) == 0, "it may be of this boot"
    assert await reader.booted(booted, died, set()) == 1
    assert await reader.booted(booted, died, set()) == 0
    call = await the_call(db, "n.1")
    assert (call.outcome, call.ended_at) == ("interrupted", died)
