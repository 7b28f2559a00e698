"""Appending to an order's history: one event per act, in the act's own transaction."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from core import phone
from core.actor import Actor
from core.clock import now
from core.live import hint
from core.personal import mask_name
from crm.tickets.models import Ticket, TicketEvent
from crm.tickets.states import Act

_MASKS = {"caller_name": mask_name, "caller_phone": phone.mask}


async def append(session: AsyncSession, ticket: Ticket, actor: Actor, act: Act, **what: Any) -> None:
    """Write the event under the ticket's present version, and tell the pages; `what` as in `add`."""
    add(session, ticket, actor, act, **what)
    await session.flush()


def add(
    session: AsyncSession,
    ticket: Ticket,
    actor: Actor,
    act: Act,
    *,
    origin: str,
    article: str = "",
    reason: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """The same for several at once: the caller flushes."""
    session.add(
        TicketEvent(
            ticket_id=ticket.id,
            seq=ticket.version,
            at=now(),
            act=act,
            actor_id=actor.user_id,
            actor_name=actor.name,
            origin=origin,
            article=article,
            reason=reason,
            before=masked(before or {}),
            after=masked(after or {}),
        )
    )
    hint(session, "order", ticket.id)
    hint(session, "orders", ticket.id)


def masked(values: dict[str, Any]) -> dict[str, Any]:
    """The same values, names and numbers as they are shown to everybody."""
    return {name: _MASKS[name](value) if name in _MASKS and value else value for name, value in values.items()}
