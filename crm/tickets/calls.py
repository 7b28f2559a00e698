"""Calls with an order's citizen that may be named as proof: that a unit answered, or that the centre called back."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from callflow.rules import Direction
from core.actor import Actor
from core.clock import now
from core.identity.models import User
from core.permissions import Permission
from crm.tickets.access import sees_identity
from crm.tickets.models import Ticket
from crm.tickets.said import said

MOST = 20


async def calls_with_citizen(session: AsyncSession, actor: Actor, ticket: Ticket) -> Sequence[Call]:
    """F12.4-1: calls in which somebody talked with the citizen since the order came in, the newest first.

    Staff of the centre may name any of them, staff of a unit those of their own unit; where the caller is hidden from
    the actor there are none, since a call tells who called.
    """
    if ticket.caller_phone is None or not sees_identity(actor, ticket):
        return ()
    since = ticket.first_dispatched_at or ticket.opened_at
    wanted = select(Call).where(
        Call.caller.matches(ticket.caller_phone), Call.arrived_at >= since, Call.connected_at.is_not(None)
    )
    if not actor.may(Permission.ORDER_VIEW):
        if actor.unit_id is None:
            return ()
        wanted = wanted.where(Call.agent_id.in_(select(User.id).where(User.unit_id == actor.unit_id)))
    return (await session.scalars(wanted.order_by(Call.arrived_at.desc()).limit(MOST))).all()


def told(call: Call) -> str:
    """`3月16日10:05 去电，王丽，通话3分12秒`: nothing of the number."""
    way = "来电" if call.direction == Direction.INBOUND else "去电"
    assert call.connected_at is not None  # only such calls are offered
    talked = max(timedelta(0), (call.ended_at or now()) - call.connected_at)
    minutes, seconds = divmod(int(talked.total_seconds()), 60)
    return f"{said(call.arrived_at)} {way}，{call.agent_name or '未记录接听人'}，通话{minutes}分{seconds}秒"
