"""Keeping a call's draft in step with its words."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from callflow.rules import Direction, Outcome
from core.clock import local
from crm.drafts.extract import extract
from crm.drafts.lexicon import lexicon_of
from crm.drafts.said import Utterance
from crm.installed import installed
from crm.tickets.models import Ticket
from crm.tickets.rules import State
from crm.tickets.service import Opening, of_call, open_draft, propose
from recordings.models import Side, TranscriptSegment

MAX_SEGMENTS = 400


async def draft_of(session: AsyncSession, call_id: UUID) -> Ticket | None:
    """The draft of a citizen's call, opened if there is none yet; None for other calls."""
    call = await session.get(Call, call_id)
    if call is None or call.direction != Direction.INBOUND:
        return None
    left_message = call.outcome == Outcome.MESSAGE
    if call.connected_at is None and not left_message:
        return await of_call(session, call_id)
    return await open_draft(
        session,
        Opening(
            source="message" if left_message else "phone",
            call_id=call.id,
            phone=call.caller,
            original_hotline=call.original_hotline,
            agent_id=call.agent_id,
            at=call.connected_at or call.arrived_at,
        ),
    )


async def refresh(session: AsyncSession, call_id: UUID) -> bool:
    """Read the call's words anew into its draft -> whether anything changed. What a person decided stays."""
    await asyncio.to_thread(lexicon_of, installed())
    if await draft_of(session, call_id) is None:
        return False
    ticket = await of_call(session, call_id, lock=True)
    if ticket is None or ticket.state != State.DRAFT:
        return False
    proposals = extract(
        await _utterances(session, call_id),
        installed(),
        local(ticket.opened_at).date(),
        matter_decided=ticket.matter if "matter" in ticket.accepted else None,
        area_decided=ticket.area if "area" in ticket.accepted else None,
    )
    return await propose(session, ticket, proposals)


async def _utterances(session: AsyncSession, call_id: UUID) -> Sequence[Utterance]:
    rows = await session.scalars(
        select(TranscriptSegment)
        .where(TranscriptSegment.call_id == call_id)
        .order_by(TranscriptSegment.start_s, TranscriptSegment.id)
        .limit(MAX_SEGMENTS)
    )
    return [
        Utterance(str(row.id), row.text, row.start_s, row.end_s, row.words, row.side == Side.CITIZEN) for row in rows
    ]
