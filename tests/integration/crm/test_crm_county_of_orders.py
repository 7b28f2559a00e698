"""The county that bench-orders measures is one: its rows are what the service itself would have written."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from core import personal
from core.actor import Actor
from core.db import Database
from core.identity.models import Unit
from core.permissions import Role
from crm.queries.orders import order_page
from crm.search.filter import OrderFilter
from crm.search.index import reindex
from crm.search.service import find
from crm.tickets.models import Assignment, Ticket, TicketEvent
from crm.tickets.states import WITH_UNITS

COUNT = 1_500
KEYS = personal.Keys.derive(b"a master key that only measurements use")
ROOT = Path(__file__).parents[3]


@pytest.fixture
def keys() -> Any:
    """Those of the measurements, and after them the tests' own again."""
    before = personal._current()
    personal.use_keys(KEYS)
    yield
    personal.use_keys(before)


async def test_its_orders_are_found_and_shown_like_any_others(db: Database, database_url: str, keys: Any) -> None:
    command = [sys.executable, "-m", "tests.bench.orders_data", database_url, str(COUNT)]
    assert await (await asyncio.create_subprocess_exec(*command, cwd=ROOT)).wait() == 0
    assert await reindex(db) == 0
    async with db.session() as session:
        assert await session.scalar(select(func.count()).select_from(Ticket)) == COUNT
        gaps = select(Ticket.id).join(TicketEvent, TicketEvent.ticket_id == Ticket.id).group_by(Ticket.id)
        gaps = gaps.having(func.count() != func.max(TicketEvent.seq))
        assert (await session.scalars(gaps)).all() == []
        open_leads = select(func.count()).select_from(Assignment)
        open_leads = open_leads.where(Assignment.role == "lead", Assignment.closed_at.is_(None))
        with_units = select(func.count()).select_from(Ticket).where(Ticket.state.in_(WITH_UNITS))
        assert await session.scalar(open_leads) == await session.scalar(with_units)
        centre = Actor(None, "派单员", frozenset({Role.DISPATCHER}))
        frequent = await find(session, centre, OrderFilter(search="处理"))
        assert len(frequent.lines) == 50 and frequent.next
        for line in frequent.lines[:10]:
            assert (await order_page(session, centre, line.id)).ticket.number == line.number
        unit = (await session.scalars(select(Unit).where(Unit.code == "cgj"))).one()
        clerk = Actor(None, "经办人", frozenset({Role.UNIT_CLERK}), unit.id)
        assert (await find(session, clerk, OrderFilter(search="处理"))).lines
