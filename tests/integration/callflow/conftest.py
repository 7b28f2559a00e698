"""A database with queues, agents and the bureau's decisions about the line."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from callflow import current
from callflow.agents import service as agents
from callflow.intake import Intake
from callflow.numbers import service as numbers
from callflow.policy import LinePolicy
from core.actor import SYSTEM
from core.clock import frozen
from core.db import Database
from core.identity.models import User

POLICY = {
    "abandoned_after_s": 5,
    "callback_quiet_min": 10,
    "callback_attempts": 3,
    "callback_bands": ["09:00-12:00", "15:00-18:00", "19:00-21:00"],
    "wrap_up_s": 60,
    "calls_per_number": 3,
    "calls_window_min": 10,
    "concurrent_per_number": 2,
    "keep_place_after_s": 60,
    "probe_every_min": 0,
    "spoken_at_once": 4,
    "rate_after_call": True,
    "agent_states_years": 3,
    "duty_counts_as_staffed": False,
    "outside_number": "",
    "may_dial": ["1[3-9]XXXXXXXXX"],
}


def policy(**changes: object) -> LinePolicy:
    return LinePolicy.model_validate({**POLICY, **changes, "basis": dict.fromkeys(POLICY, "测试")})


@pytest.fixture(autouse=True)
def in_force() -> Iterator[None]:
    current.use(policy())
    yield
    current.use(policy())


@pytest.fixture
async def agent(db: Database) -> UUID:
    """Agent 1001, 李雯, of queue `first`; enrolled before whatever a test sets its clock to."""
    with frozen(datetime(2026, 1, 1, tzinfo=UTC)):
        return await _enrolled(db)


async def _enrolled(db: Database) -> UUID:
    async with db.session() as session:
        user = User(login="agent1", name="李雯", roles=["agent"], password_hash="-")
        session.add(user)
        await session.flush()
        await numbers.set_queue(session, SYSTEM, "hotline", "综合坐席")
        await numbers.set_number(session, SYSTEM, "12345", "12345政务服务便民热线", "hotline")
        await agents.enrol(session, SYSTEM, user.id, "1001", "李雯", {"hotline": 0})
        return user.id


@pytest.fixture
def intake(db: Database, home: Path) -> Intake:
    return Intake(db, home / "facts" / "aside.txt")
