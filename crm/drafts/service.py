"""Keeping a call's draft in step with its words."""

import asyncio
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from callflow.rules import Direction, Outcome
from core.clock import local
from core.db import among
from crm.drafts.extract import extract
from crm.drafts.said import Said, Utterance
from crm.emergencies.proposals import look
from crm.installed import installed
from crm.lexicon import lexicon_of
from crm.tickets.service import Opening, of_call, open_drafts, propose
from crm.tickets.states import State
from recordings.models import Side
from recordings.said import said

MAX_SEGMENTS = 400
CALLS = Call.__table__
_KNOWN = [
    CALLS.c[name] for name in ("id", "caller", "original_hotline", "agent_id", "arrived_at", "connected_at", "outcome")
]
"""What a draft begins with."""


async def open_for(session: AsyncSession, call_ids: Collection[UUID]) -> None:
    """The drafts of those of these calls in which a citizen reached us; made once however often it is asked for."""
    wanted = select(*_KNOWN).where(among(CALLS.c.id, call_ids), CALLS.c.direction == Direction.INBOUND)
    calls = await session.execute(wanted.order_by(CALLS.c.arrived_at))
    openings = []
    for call in calls:
        left_message = call.outcome == Outcome.MESSAGE
        if call.connected_at is None and not left_message:
            continue
        openings.append(
            Opening(
                source="message" if left_message else "phone",
                call_id=call.id,
                phone=call.caller,
                original_hotline=call.original_hotline,
                agent_id=call.agent_id,
                at=call.connected_at or call.arrived_at,
            )
        )
    if openings:
        await open_drafts(session, openings)


async def refresh(session: AsyncSession, call_id: UUID) -> bool:
    """Read the call's words anew into its draft -> whether anything changed. What a person decided stays."""
    await asyncio.to_thread(lexicon_of, installed())
    await open_for(session, [call_id])
    ticket = await of_call(session, call_id, for_update=True)
    if ticket is None:
        return False
    utterances = await _utterances(session, call_id)
    if ticket.state != State.DRAFT:
        await look(session, ticket, Said(utterances).text)
        return False
    proposals = extract(
        utterances,
        installed(),
        local(ticket.opened_at).date(),
        matter_decided=ticket.matter if "matter" in ticket.accepted else None,
        area_decided=ticket.area if "area" in ticket.accepted else None,
    )
    changed = await propose(session, ticket, proposals)
    await look(session, ticket, Said(utterances).text)
    return changed


async def _utterances(session: AsyncSession, call_id: UUID) -> Sequence[Utterance]:
    return [
        Utterance(str(one.id), one.text, one.start_s, one.end_s, one.words, one.side is Side.CITIZEN)
        for one in await said(session, [call_id], words=True, first=MAX_SEGMENTS)
    ]
