"""云河县, which shares nothing with the first county: its own units, limits, readings, prefix, codes and receipt."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from invented_county import invent
from sqlalchemy import select

from core.actor import Actor
from core.clock import SHANGHAI, frozen
from core.db import Database, new_id
from core.identity.models import Unit
from core.permissions import Role
from crm import installed
from crm.clocks import rules_at
from crm.tickets.dispatch import Order, dispatch
from crm.tickets.input import Correction
from crm.tickets.models import Assignment, Round, Ticket
from crm.tickets.service import Opening, correct, open_draft

FRIDAY = datetime(2026, 3, 6, 9, 30, tzinfo=SHANGHAI)
AGENT = Actor(new_id(), "云河话务员", frozenset({Role.AGENT}))


@pytest.fixture
def yunhe(tmp_path: Path, in_force: None) -> Iterator[None]:
    before = installed.installed()
    installed.use(installed.read(invent(tmp_path)))
    yield
    installed.use(before)


def day(at: datetime | None) -> str:
    assert at is not None
    return at.astimezone(SHANGHAI).strftime("%m-%d %H:%M")


@pytest.mark.proves("D2", "D3", "F13-2")
@pytest.mark.parametrize(
    ("category", "ends"), [("complaint", "03-16 17:30"), ("consultation", "03-06 17:30"), ("help", "03-12 17:30")]
)
async def test_an_order_of_another_county_runs_by_its_rules(
    db: Database, yunhe: None, category: str, ends: str
) -> None:
    async with db.session() as session:
        records = installed.installed().county.units.values()
        units = {one.code: Unit(code=one.code, name=one.name, kind=one.kind) for one in records}
        session.add_all(units.values())
    fields = {"category": category, "matter": "A1", "area": "east", "title": "占道", "content": "东城镇路口占道"}
    with frozen(FRIDAY):
        async with db.session() as session:
            ticket = await open_draft(session, Opening("phone", new_id(), "+8613800001234", agent_id=AGENT.user_id))
            ticket = await correct(session, AGENT, ticket.id, 1, Correction.model_validate(fields))
            order = Order(lead_unit_id=units["city"].id, assist_unit_ids=(units["east"].id,))
            sent = await dispatch(session, AGENT, ticket.id, ticket.version, order)
    assert sent.ticket.number.startswith("YH20260306-")
    assert len(sent.ticket.query_code) == 8
    assert f"云河热线已登记：{sent.ticket.number}，凭{sent.ticket.query_code}查询。" in sent.sms.text
    assert "云河12345" in sent.sms.text
    assert day(sent.ticket.due_at) == ends
    async with db.session() as session:
        lead = (await session.scalars(select(Assignment).where(Assignment.role == "lead"))).one()
        made = (await session.scalars(select(Round))).one()
    assert day(lead.sign_due_at) == "03-09 17:30"
    assert lead.basis == "云河县派单目录"
    assert made.policy_version == installed.installed().policy.version


@pytest.mark.proves("A32-1")
async def test_an_order_from_before_the_regulation_is_stored_without_a_due(db: Database, in_force: None) -> None:
    """As an importer of history stores it: rules_at gives none, so that nothing is computed."""
    at = datetime(2023, 6, 4, 10, tzinfo=SHANGHAI)
    assert rules_at(at) is None
    async with db.session() as session:
        with frozen(at):
            ticket = await open_draft(session, Opening("phone", new_id(), "+8613800001234"))
        made = Round(ticket_id=ticket.id, n=1, kind="first", dispatched_at=at, policy_version="", calendar_version="")
        session.add(made)
    async with db.session() as session:
        row = (await session.scalars(select(Round).where(Round.ticket_id == ticket.id))).one()
        kept = await session.get_one(Ticket, ticket.id)
    assert (row.due_at, row.limit_days, row.days, kept.due_at) == (None, None, [], None)
