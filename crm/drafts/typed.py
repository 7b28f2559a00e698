"""What an agent is typing, kept while it is typed: a browser that dies mid-call loses a few seconds (F12.1-2)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import now
from core.errors import Conflict
from core.permissions import Permission
from crm.tickets.access import one_of, several
from crm.tickets.models import Ticket, TypedFields
from crm.tickets.states import OPEN


@dataclass(frozen=True)
class Typed:
    """Field -> text as it stood in the form, and when it was kept last."""

    fields: Mapping[str, str]
    saved_at: datetime


async def keep(session: AsyncSession, actor: Actor, ticket_id: UUID, fields: Mapping[str, str]) -> Typed:
    """Keep what changed beside what was kept. Raises Conflict("wrong-state") once the order has left intake."""
    actor.require(Permission.ORDER_EDIT)
    assert actor.user_id is not None  # only people type
    locked = await several(session, actor, {ticket_id}, lock=True)  # no act ends intake meanwhile and leaves them
    ticket = one_of(locked, ticket_id)
    if ticket.state not in OPEN:
        raise Conflict("wrong-state", "工单已不在受理环节，填写的内容不再自动保存。")
    row = await session.get(TypedFields, (ticket_id, actor.user_id))
    if row is None:
        row = TypedFields(ticket_id=ticket_id, user_id=actor.user_id, fields="{}")
        session.add(row)
    together = {**json.loads(row.fields), **fields}
    row.fields, row.saved_at = json.dumps(together, ensure_ascii=False), now()
    await session.flush()
    return Typed(together, row.saved_at)


async def kept(session: AsyncSession, actor: Actor, ticket: Ticket) -> Typed | None:
    """This person's unsent words of an order that is still in intake."""
    if actor.user_id is None or ticket.state not in OPEN:
        return None
    row = await session.get(TypedFields, (ticket.id, actor.user_id))
    return Typed(json.loads(row.fields), row.saved_at) if row else None


async def forget(session: AsyncSession, actor: Actor, ticket_id: UUID) -> None:
    """This person sent them or gave them up."""
    gone = delete(TypedFields).where(TypedFields.ticket_id == ticket_id, TypedFields.user_id == actor.user_id)
    await session.execute(gone)


async def forget_old(session: AsyncSession, days: int) -> int:
    """What nobody touched for so long goes: it may hold a caller and is no part of any order -> how many."""
    old = delete(TypedFields).where(TypedFields.saved_at < now() - timedelta(days=days))
    return len((await session.execute(old.returning(TypedFields.ticket_id))).all())
