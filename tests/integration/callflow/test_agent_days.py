"""What agents do is kept as it happens: each change once, from commands and from Asterisk, and read back as a day."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from callflow import current
from callflow.agents import days, presence
from callflow.agents import service as agents
from callflow.agents.models import AgentState
from callflow.sources.ami import Device, Member
from core.actor import Actor
from core.clock import frozen
from core.db import Database
from core.permissions import Role

NOW = datetime(2026, 12, 1, 0, 0, tzinfo=UTC)


def member(device: Device, queue: str = "hotline") -> Member:
    return Member(queue, "1001", device, False, "", 0, False, 0, None, None)


async def at(db: Database, second: int, *devices: Device, queues: tuple[str, ...] = ("hotline",)) -> None:
    """Asterisk says this of the telephone, in each of its queues."""
    with frozen(NOW + timedelta(seconds=second)):
        async with db.session() as session:
            for device in devices:
                await presence.note(session, "n", [member(device, queue) for queue in queues])


async def line(db: Database, agent: UUID, until: int) -> list[tuple[str, float]]:
    async with db.session() as session:
        found = await days.spans(session, [agent], NOW, NOW + timedelta(seconds=until))
    return [(one.state, one.seconds) for one in found[agent]]


async def test_a_day_is_told_from_commands_and_from_asterisk(db: Database, agent: UUID) -> None:
    me = Actor(agent, "李雯", frozenset({Role.AGENT}))
    with frozen(NOW):
        async with db.session() as session:
            await agents.log_in(session, me, agent)
    await at(db, 0, Device.IDLE)
    await at(db, 100, Device.RINGING, queues=("hotline", "dialect"))
    await at(db, 105, Device.TALKING, queues=("hotline", "dialect"))
    await at(db, 150, Device.ON_HOLD)
    await at(db, 225, Device.IDLE)
    with frozen(NOW + timedelta(seconds=225)):
        async with db.session() as session:
            await agents.completed(session, {"1001": NOW + timedelta(seconds=225)})
    with frozen(NOW + timedelta(seconds=285)):
        async with db.session() as session:
            assert await agents.lift_wrap_ups(session) == 1
            await agents.pause(session, me, agent, "meal")
    with frozen(NOW + timedelta(seconds=400)):
        async with db.session() as session:
            await agents.log_out(session, me, agent)
            await presence.note(session, "n", [], [("hotline", "1001"), ("dialect", "1001")])
    assert await line(db, agent, 1000) == [
        ("ready", 100),
        ("ringing", 5),
        ("talking", 120),
        ("wrap-up", 60),
        ("meal", 115),
    ]
    async with db.session() as session:
        kept = await session.scalar(select(func.count()).select_from(AgentState))
        again = dict.fromkeys(["1001"], "quiet")
        await days.note_devices(session, again, NOW + timedelta(seconds=500))
        assert await session.scalar(select(func.count()).select_from(AgentState)) == kept, "no change leaves no row"
        later = await days.spans(session, [agent], NOW + timedelta(seconds=250), NOW + timedelta(seconds=300))
    assert [(one.state, one.seconds) for one in later[agent]] == [("wrap-up", 35), ("meal", 15)]


async def test_a_ring_in_vain_is_told_as_unanswered(db: Database, agent: UUID) -> None:
    me = Actor(agent, "李雯", frozenset({Role.AGENT}))
    with frozen(NOW):
        async with db.session() as session:
            await agents.log_in(session, me, agent)
    await at(db, 10, Device.RINGING)
    await at(db, 30, Device.IDLE)
    with frozen(NOW + timedelta(seconds=30)):
        async with db.session() as session:
            assert await agents.did_not_answer(session, {"1001"}) == 1
    await at(db, 50, Device.UNAVAILABLE)
    assert await line(db, agent, 60) == [("ready", 10), ("ringing", 20), ("no-answer", 30)]


async def test_what_is_older_than_the_bureau_keeps_it_is_deleted_and_the_first_day_kept_is_whole(
    db: Database, agent: UUID
) -> None:
    me = Actor(agent, "李雯", frozenset({Role.AGENT}))
    for second, device in ((0, Device.IDLE), (10, Device.TALKING), (90, Device.IDLE)):
        await at(db, second, device)
    with frozen(NOW):
        async with db.session() as session:
            await agents.log_in(session, me, agent)
    with frozen(NOW + timedelta(days=1)):
        async with db.session() as session:
            await agents.pause(session, me, agent, "meal")

    async def kept(years: int, later: timedelta) -> list[tuple[str, str]]:
        current.use(current.line_policy().model_copy(update={"agent_states_years": years}))
        with frozen(datetime(2027, 12, 1, 4, tzinfo=UTC) + later):
            await days.clean(db)
        async with db.session() as session:
            rows = await session.scalars(select(AgentState).where(AgentState.state != "out").order_by(AgentState.id))
            return [(one.side, one.state) for one in rows]

    device = [("device", "quiet"), ("device", "talking"), ("device", "quiet")]
    assert await kept(2, timedelta(0)) == [*device, ("intent", "ready"), ("intent", "meal")]
    assert await kept(1, timedelta(0)) == [*device, ("intent", "ready"), ("intent", "meal")], "the day is kept whole"
    assert await kept(1, timedelta(days=1)) == [device[-1], ("intent", "ready"), ("intent", "meal")]
    async with db.session() as session:
        next_day = NOW + timedelta(days=1)
        found = await days.spans(session, [agent], next_day - timedelta(hours=1), next_day + timedelta(hours=1))
    assert [(one.state, one.seconds) for one in found[agent]] == [("ready", 3600), ("meal", 3600)]
