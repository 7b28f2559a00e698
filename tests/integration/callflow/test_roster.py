"""The roster on a real database: a gap refuses its publication, versions follow one another, plans are not doubled."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from callflow import current
from callflow.agents import service as agents
from callflow.current import line_policy
from callflow.numbers import service as numbers
from callflow.roster import service as roster
from callflow.roster.models import PublishedShift, RosterShift, RosterVersion
from core.actor import SYSTEM, Actor
from core.clock import frozen
from core.db import Database
from core.errors import Conflict, Denied, Invalid
from core.identity.models import User
from core.ledger.models import LedgerEntry
from core.permissions import Role

NOW = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)  # midnight in Shanghai, 1 December
LEAD = Actor(None, "李建国", frozenset({Role.SHIFT_LEAD}))
HOUR = timedelta(hours=1)


async def second(db: Database) -> UUID:
    async with db.session() as session:
        user = User(login="agent2", name="张强", roles=["agent"], password_hash="-")
        session.add(user)
        await session.flush()
        await agents.enrol(session, SYSTEM, user.id, "1002", "张强", {"hotline": 0})
        return user.id


async def plan(db: Database, first: UUID, other: UUID, days: int = 15) -> None:
    """Two people in turns of twelve hours."""
    async with db.session() as session:
        await roster.add_shift(session, LEAD, first, NOW, NOW + 12 * HOUR, days=days)
        await roster.add_shift(session, LEAD, other, NOW + 12 * HOUR, NOW + 24 * HOUR, days=days)


async def publish(db: Database, note: str = "") -> RosterVersion:
    async with db.session() as session:
        return await roster.publish(session, LEAD, await roster.seen(session), note)


@pytest.mark.proves("A02-1", "F02-1")
async def test_a_single_minute_without_anybody_refuses_the_publication(db: Database, agent: UUID) -> None:
    other = await second(db)
    with frozen(NOW):
        await plan(db, agent, other, days=14)
        async with db.session() as session:
            last = await session.scalar(select(RosterShift).order_by(RosterShift.starts_at.desc()).limit(1))
            assert last
            last.ends_at -= timedelta(minutes=1)
        with pytest.raises(Invalid, match="roster-gaps") as refused:
            await publish(db)
        assert "12月14日 23:59 至 24:00" in refused.value.message and "1 段" in refused.value.message
        async with db.session() as session:
            assert await session.scalar(select(func.count()).select_from(RosterVersion)) == 0
            row = await session.get_one(RosterShift, last.id)
            row.ends_at += timedelta(minutes=1)
        version = await publish(db, "十二月")
        assert (version.number, version.covered_until) == (1, NOW + timedelta(days=14))
        async with db.session() as session:
            assert {*await roster.on_shift(session, NOW + HOUR)} == {agent}
            assert {*await roster.on_shift(session, NOW + 13 * HOUR)} == {other}
            said = await session.scalar(select(LedgerEntry).where(LedgerEntry.action == "roster.publish"))
            assert said and said.detail["number"] == 1


async def test_the_fourteen_days_move_on_with_the_clock(db: Database, agent: UUID) -> None:
    with frozen(NOW):
        await plan(db, agent, await second(db), days=14)
        await publish(db)
    with frozen(NOW + timedelta(minutes=1)), pytest.raises(Invalid, match="12月15日 00:00 至 00:01"):
        await publish(db)


async def test_whoever_cannot_sit_there_covers_nothing(db: Database, agent: UUID) -> None:
    other = await second(db)
    with frozen(NOW):
        await plan(db, agent, other)
        async with db.session() as session:
            (await session.get_one(User, other)).active = False
        with pytest.raises(Invalid, match="14 段") as refused:
            await publish(db)
        assert "张强账号已停用或没有坐席" in refused.value.message


async def test_a_duty_mobile_covers_where_the_bureau_reads_it_so(db: Database, agent: UUID) -> None:
    with frozen(NOW):
        async with db.session() as session:
            await roster.add_shift(session, LEAD, agent, NOW + 8 * HOUR, NOW + 18 * HOUR, days=15)
            await numbers.set_duty_mobile(session, SYSTEM, "夜班", "13812345678", 1, time(18), time(8))
        with pytest.raises(Invalid, match="roster-gaps"):
            await publish(db)
        async with db.session() as session:
            assert len((await roster.coverage(session)).by_duty) == 15
        current.use(line_policy().model_copy(update={"duty_counts_as_staffed": True}))
        assert (await publish(db)).number == 1


async def test_versions_follow_one_another_and_old_ones_stand(db: Database, agent: UUID) -> None:
    other = await second(db)
    with frozen(NOW):
        await plan(db, agent, other, days=15)
        await publish(db)
        with pytest.raises(Conflict, match="roster-published"):
            await publish(db)
        async with db.session() as session:
            shown = await roster.seen(session)
            wanted = select(RosterShift).where(RosterShift.user_id == other).order_by(RosterShift.starts_at.desc())
            row = await session.scalar(wanted.limit(1))
            assert row
            await roster.remove_shift(session, LEAD, row.id)
            found = await roster.difference(session)
            assert (len(found.added), [one.name for one in found.removed]) == (0, ["张强"])
        async with db.session() as session:
            with pytest.raises(Conflict, match="changed-meanwhile"):
                await roster.publish(session, LEAD, shown)
        assert (await publish(db, "张强请假")).number == 2
        async with db.session() as session:
            one, two = (await roster.versions(session))[::-1]
            counts = [
                await session.scalar(
                    select(func.count()).select_from(PublishedShift).where(PublishedShift.version_id == v.id)
                )
                for v in (one, two)
            ]
            assert counts == [30, 29]


async def test_two_leads_publish_at_once_and_one_version_stands(db: Database, agent: UUID) -> None:
    with frozen(NOW):
        await plan(db, agent, await second(db))
        done = await asyncio.gather(publish(db), publish(db), return_exceptions=True)
        assert {type(one) for one in done} == {RosterVersion, Conflict}
        async with db.session() as session:
            assert await session.scalar(select(func.count()).select_from(RosterVersion)) == 1


async def test_days_are_copied_where_nobody_sits_yet(db: Database, agent: UUID) -> None:
    other = await second(db)
    with frozen(NOW):
        await plan(db, agent, other, days=7)
        async with db.session() as session:
            await roster.add_shift(session, LEAD, other, NOW + timedelta(days=7), NOW + timedelta(days=7) + 13 * HOUR)
            made = await roster.copy_days(session, LEAD, date(2026, 12, 1), date(2026, 12, 8))
            assert made == (13, 1), "who already has a shift then gets no second one"
            with pytest.raises(Invalid, match="bad-shift"):
                await roster.copy_days(session, LEAD, date(2026, 12, 1), date(2026, 12, 3))


async def test_a_shift_of_several_days_is_planned_whole_or_not_at_all(db: Database, agent: UUID) -> None:
    with frozen(NOW):
        async with db.session() as session:
            await roster.add_shift(session, LEAD, agent, NOW + timedelta(days=2), NOW + timedelta(days=2) + HOUR)
        with pytest.raises(Invalid, match="12月3日"):
            async with db.session() as session:
                await roster.add_shift(session, LEAD, agent, NOW, NOW + 8 * HOUR, days=5)
        async with db.session() as session:
            assert await session.scalar(select(func.count()).select_from(RosterShift)) == 1
            with pytest.raises(Denied):
                await roster.add_shift(session, Actor(agent, "李雯", frozenset({Role.AGENT})), agent, NOW, NOW + HOUR)
