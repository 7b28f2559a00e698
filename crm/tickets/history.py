"""Appending to an order's history: one event per act, in the act's own transaction."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncSession

from core import phone
from core.actor import Actor
from core.clock import now
from core.db import new_id
from core.live import hint
from core.personal import mask_name
from core.rows import insert_rows
from crm.tickets.models import Ticket, TicketEvent
from crm.tickets.states import Act

EVENTS = cast(Table, TicketEvent.__table__)
_MASKS = {"caller_name": mask_name, "caller_phone": phone.mask}


async def append(session: AsyncSession, ticket: Ticket, actor: Actor, act: Act, **what: Any) -> None:
    """Write the event under the ticket's present version, and tell the pages; `what` as in `entry`."""
    await session.flush()
    await write(session, [entry(ticket.id, ticket.version, actor, act, **what)])


def entry(
    ticket_id: UUID,
    seq: int,
    actor: Actor,
    act: Act,
    *,
    origin: str,
    article: str = "",
    reason: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One event as `write` takes it; `seq` is the ticket's version after the act."""
    return {
        "ticket_id": ticket_id,
        "seq": seq,
        "at": now(),
        "act": act,
        "actor_id": actor.user_id,
        "actor_name": actor.name,
        "origin": origin,
        "address": actor.address,
        "article": article,
        "reason": reason,
        "before": masked(before or {}),
        "after": masked(after or {}),
    }


async def write(session: AsyncSession, entries: Sequence[dict[str, Any]]) -> None:
    """Write the events of several tickets in one statement, and tell the pages."""
    await insert_rows(session, EVENTS, entries)
    for one in entries:
        hint(session, "order", one["ticket_id"])
        hint(session, "orders", one["ticket_id"])


_ALIKE = text(
    "INSERT INTO ticket_events (id, ticket_id, seq, at, act, actor_id, actor_name, origin, address, article,"
    " reason, before, after) SELECT id, ticket_id, seq, :at, :act, :actor_id, :actor_name, :origin, :address, :article,"
    " '',"
    " CAST(:before AS jsonb),"
    " CAST(:after AS jsonb) || jsonb_build_object('due_at', due)"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:tickets AS uuid[]), CAST(:seqs AS integer[]), CAST(:dues AS text[]))"
    " AS one (id, ticket_id, seq, due)"
)


async def write_alike(
    session: AsyncSession,
    actor: Actor,
    act: Act,
    events: Sequence[tuple[UUID, int, datetime]],
    *,
    origin: str,
    article: str,
    after: dict[str, Any],
    before: dict[str, Any] | None = None,
) -> None:
    """The same act on many orders at once, thousands in one statement; `events`: order, version after it, its due.

    `before` and `after` are the same for all, and each has its own `due_at` after it.
    """
    values = {
        "ids": [new_id() for _ in events],
        "tickets": [ticket_id for ticket_id, _, _ in events],
        "seqs": [seq for _, seq, _ in events],
        "dues": [due.isoformat() for _, _, due in events],
        "before": json.dumps(masked(before or {}), ensure_ascii=False),
        "after": json.dumps(masked(after), ensure_ascii=False),
        "at": now(),
        "act": act.value,
        "actor_id": actor.user_id,
        "actor_name": actor.name,
        "origin": origin,
        "address": actor.address,
        "article": article,
    }
    await session.execute(_ALIKE, values)
    hint(session, "orders")
    for ticket_id, _, _ in events:
        hint(session, "order", ticket_id)


def masked(values: dict[str, Any]) -> dict[str, Any]:
    """The same values, names and numbers as they are shown to everybody."""
    return {name: _MASKS[name](value) if name in _MASKS and value else value for name, value in values.items()}
