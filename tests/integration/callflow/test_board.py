"""The board on a real database: both measures of the service level, notes, requests for help, queues moved."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from callflow.agents import service as agents
from callflow.agents.models import AgentQueue
from callflow.board import service as board
from callflow.models import Call
from callflow.numbers import service as numbers
from core.actor import SYSTEM, Actor
from core.clock import frozen
from core.db import Database
from core.errors import Conflict, Denied, Invalid, NotFound
from core.identity.models import User
from core.ledger.models import LedgerEntry
from core.permissions import Role

NOW = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)


async def lead(db: Database) -> Actor:
    async with db.session() as session:
        user = User(login="lead1", name="李建国", roles=["shift-lead"], password_hash="-")
        session.add(user)
        await session.flush()
        return Actor(user.id, "李建国", frozenset({Role.SHIFT_LEAD}))


def call(n: int, queued: float | None, connected: float | None, outcome: str | None, **more: Any) -> Call:
    """A call that arrived at NOW; seconds from there."""
    one = Call(node="n", linkedid=f"1.{n}", direction="inbound", caller="+8613812345678", arrived_at=NOW, evidence={})
    one.queued_at = NOW + timedelta(seconds=queued) if queued is not None else None
    one.connected_at = NOW + timedelta(seconds=connected) if connected is not None else None
    one.ended_at = NOW + timedelta(seconds=300) if outcome else None
    one.outcome = outcome
    for name, value in more.items():
        setattr(one, name, value)
    return one


@pytest.mark.proves("F02-2")
async def test_both_measures_of_the_service_level(db: Database) -> None:
    async with db.session() as session:
        session.add_all(
            [
                call(1, 4, 15, "answered"),  # within 15 s by both
                call(2, 8, 20, "answered"),  # within by the queue, not from the INVITE
                call(3, 8, 24, None),  # talking still, late by both
                call(4, 8, None, "abandoned"),
                call(5, None, None, "abandoned"),  # gave up during the greeting: in the first measure alone
                call(6, 8, 60, "outside"),  # a duty mobile is a person
                call(7, 8, None, "message"),
                call(8, None, None, "refused"),
                call(9, None, None, "self-service"),
                call(10, 8, None, None),  # waits: in neither
                call(11, 1, 2, "answered", direction="outbound"),
                call(12, 1, 2, "answered", arrived_at=NOW - timedelta(days=1)),
            ]
        )
        await session.flush()
        found = await board.service_level(session, NOW - timedelta(hours=1), NOW + timedelta(hours=1))
    invite, queue = found.by_invite, found.by_queue
    assert (invite.asked, invite.connected, invite.within) == (7, 4, 1)
    assert (queue.asked, queue.connected, queue.within) == (6, 4, 2)
    assert (invite.connected_rate, queue.within_rate, invite.met) == ("57.1%", "33.3%", False)
    assert (found.average_s, found.average_queue_s) == ((15 + 20 + 24 + 60) / 4, (11 + 12 + 16 + 52) / 4)
    assert (found.limited, found.self_served) == (1, 1)


async def test_a_note_stands_until_it_is_read_withdrawn_or_over(db: Database, agent: UUID) -> None:
    boss, me = await lead(db), Actor(agent, "李雯", frozenset({Role.AGENT}))
    with frozen(NOW):
        async with db.session() as session:
            await agents.log_in(session, me, agent)
            note = await board.send_note(session, boss, "停水来电较多，统一口径：预计18时恢复", 8)
            other = await board.send_note(session, boss, "另一条", 8)
            assert [one.id for one in await board.unread_notes(session, agent)] == [note.id, other.id]
            assert boss.user_id and not await board.unread_notes(session, boss.user_id), "one's own is read"
            for _ in range(2):
                await board.read_note(session, me, note.id)
            await board.withdraw_note(session, boss, other.id)
            with pytest.raises(Conflict, match="note-withdrawn"):
                await board.withdraw_note(session, boss, other.id)
            assert not await board.unread_notes(session, agent)
            shown = {one.text: (read, unread) for one, read, unread in await board.notes(session, 10)}
            assert shown[note.text] == (1, []) and shown["另一条"] == (0, [])
            third = await board.send_note(session, boss, "第三条", 1)
            assert next(unread for one, _, unread in await board.notes(session, 10) if one.id == third.id) == ["李雯"]
            with pytest.raises(Denied):
                await board.send_note(session, me, "我也通知", 8)
            with pytest.raises(Invalid, match="bad-note"):
                await board.send_note(session, boss, "x", 8)
    with frozen(NOW + timedelta(hours=1)):
        async with db.session() as session:
            assert not await board.unread_notes(session, agent)


async def test_help_is_asked_by_the_calls_agent_and_closed_once(db: Database, agent: UUID) -> None:
    boss, me = await lead(db), Actor(agent, "李雯", frozenset({Role.AGENT}))
    async with db.session() as session:
        one, foreign = call(1, 4, 15, None, agent_id=agent), call(2, 4, 15, None)
        session.add_all([one, foreign])
        await session.flush()
        with pytest.raises(Denied, match="not-your-call"):
            await board.ask_help(session, me, foreign.id)
        with pytest.raises(NotFound, match="no-call"):
            await board.ask_help(session, me, UUID(int=9))
        first = await board.ask_help(session, me, one.id, "市民情绪激动")
        again = await board.ask_help(session, me, one.id, "市民扬言上访")
        assert first.id == again.id
        [(open_, its_call)] = await board.open_help(session)
        assert (open_.text, its_call.id) == ("市民扬言上访", one.id)
        with pytest.raises(Denied):
            await board.close_help(session, me, first.id)
        await board.close_help(session, boss, first.id, "已转班长接听")
        with pytest.raises(Conflict, match="李建国已处理"):
            await board.close_help(session, boss, first.id)
        assert not await board.open_help(session)
        shown = await board.help_of(session, one.id)
        assert shown and shown.answer == "已转班长接听"
        second = await board.ask_help(session, me, one.id)
        assert second.id != first.id, "a call may need help twice"


async def test_the_lead_moves_an_agent_between_queues(db: Database, agent: UUID) -> None:
    boss, me = await lead(db), Actor(agent, "李雯", frozenset({Role.AGENT}))
    async with db.session() as session:
        await numbers.set_queue(session, SYSTEM, "dialect", "方言")
        row = await agents.log_in(session, me, agent)
        with pytest.raises(Denied):
            await agents.serve(session, me, agent, {"dialect": 0})
        for wrong in ({}, {"none": 0}):
            with pytest.raises(Invalid, match="no-queue"):
                await agents.serve(session, boss, agent, wrong)
        seen = row.version
        await agents.serve(session, boss, agent, {"dialect": 0, "hotline": 5}, seen)
        with pytest.raises(Conflict, match="agent-changed"):
            await agents.serve(session, boss, agent, {"dialect": 0}, seen)
        meant = await agents.intents(session)
        assert {place: intent.penalty for place, intent in meant.items()} == {
            ("dialect", "1001"): 0,
            ("hotline", "1001"): 5,
        }
        told = await session.scalar(select(LedgerEntry).where(LedgerEntry.action == "agent.queues"))
        assert told and told.detail["changes"] == {"queues": [["hotline"], ["dialect", "hotline:5"]]}
        assert len((await session.scalars(select(AgentQueue))).all()) == 2
