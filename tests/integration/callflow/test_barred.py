"""Whoever may not sit at the line any more is out of its queues, however that came about."""

from uuid import UUID

import pytest
from sqlalchemy import select

from callflow.agents import service as agents
from callflow.agents.models import Agent, AgentState
from core.actor import SYSTEM, Actor
from core.db import Database
from core.identity import administration
from core.identity import service as identity
from core.ledger.models import LedgerEntry
from core.permissions import Role

ME = frozenset({Role.AGENT})


@pytest.mark.parametrize("how", ["switched off", "another role"])
async def test_who_is_barred_is_logged_out_once_and_on_record(db: Database, agent: UUID, how: str) -> None:
    async with db.session() as session:
        await agents.log_in(session, Actor(agent, "李雯", ME), agent)
        await agents.pause(session, Actor(agent, "李雯", ME), agent, "meal")
    async with db.session() as session:
        assert await agents.log_out_barred(session) == 0
        assert len(await agents.intents(session)) == 1
        if how == "switched off":
            await identity.set_active(session, SYSTEM, agent, False)
        else:
            await administration.edit_user(
                session, SYSTEM, agent, 1, name="李雯", roles=frozenset({Role.DISPATCHER}), unit_id=None, phone=None
            )
    async with db.session() as session:
        assert await agents.log_out_barred(session) == 1
        assert await agents.intents(session) == {}
    async with db.session() as session:
        assert await agents.log_out_barred(session) == 0
        row = await session.get_one(Agent, agent)
        assert (row.logged_in_at, row.paused_at, row.pause_reason) == (None, None, None)
        last = select(AgentState.state).order_by(AgentState.id.desc()).limit(1)
        assert await session.scalar(last) == "out"
        told = select(LedgerEntry).where(LedgerEntry.action == "agent.barred")
        assert [one.subject_id for one in await session.scalars(told)] == [str(agent)]
