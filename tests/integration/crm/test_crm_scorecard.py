"""错派率 of an agent: the own dispatches that came back with consent, each with its order (F07-4, A07-4)."""

from datetime import date
from typing import Any

import pytest
from crm_desk import Desk

from callflow.agents.models import Agent
from core.db import Database
from crm.scoring.scorecard import behind, cards
from crm.tickets.states import Act

MARCH = date(2026, 3, 1)


@pytest.mark.proves("F07-4", "A07-4")
async def test_what_came_back_counts_against_who_sent_it(db: Database, office: Any) -> None:
    sender = office.dispatcher
    async with db.session() as session:
        session.add(Agent(user_id=sender.user_id, extension="1001", name="派单员", sip_secret="x"))
    kept, back = await Desk(db, office).open(), await Desk(db, office).open()
    for one in (kept, back):
        await one.act(sender, Act.DISPATCH, lead_unit_id=office.units["cgj"])
    await back.act(office.clerk, Act.SIGN)
    await back.act(office.clerk, Act.RETURN, ground="not-ours", basis="该路段由公安交警部门管理")
    async with db.session() as session:
        [asked] = await cards(session, MARCH)
    assert (asked.dispatched, asked.returned, asked.misdispatched) == (2, 0, "0.0%")
    await back.act(sender, Act.ACCEPT_RETURN, reason="经核对职责分工")
    async with db.session() as session:
        [card] = await cards(session, MARCH)
        found = await behind(session, sender, sender.user_id, MARCH)
        [other] = await cards(session, date(2026, 4, 1))
    assert (card.dispatched, card.returned, card.misdispatched) == (2, 1, "50.0%")
    assert [ticket.id for ticket, _ in found.returned] == [back.id]
    assert (other.dispatched, other.misdispatched) == (0, "—")
