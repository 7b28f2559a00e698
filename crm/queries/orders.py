"""The order page: everything about one order in one place."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core.actor import Actor
from core.clock import now
from core.identity.models import Unit
from core.permissions import Permission
from crm.county.categories import Category
from crm.installed import installed
from crm.policy import LimitsPolicy
from crm.queries.clocks import Clock, clock
from crm.queries.messages import Answer, Message, of_order
from crm.queries.people import Caller, caller
from crm.search.earlier import earlier_of
from crm.tickets.access import get
from crm.tickets.models import Assignment, Round, Ticket, TicketEvent
from crm.tickets.perform import offers
from crm.tickets.states import Act, State

_ROLES = {"lead": "主办单位", "assist": "协办单位", "copy": "抄送主管部门", "reader": "知会单位", "sub": "二级承办单位"}


@dataclass(frozen=True)
class UnitPart:
    """One unit's part in the order."""

    unit: str
    role: str
    basis: str
    dispatched_at: datetime
    sign: Clock | None
    handle: Clock | None


@dataclass(frozen=True)
class HistoryLine:
    """One act with what it changed, as the history holds it."""

    seq: int
    at: datetime
    act: str
    by: str
    article: str
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(frozen=True)
class OrderPage:
    """What the page shows; the call's recordings and transcript are read by `call.id` where permitted."""

    ticket: Ticket
    state: State
    category: Category | None
    limit_days: int | None
    matter: str
    area: str
    caller: Caller
    call: Call | None
    parts: tuple[UnitPart, ...]
    clock: Clock | None
    history: tuple[HistoryLine, ...]
    messages: tuple[Message, ...]
    replies: tuple[Answer, ...]
    earlier: tuple[Ticket, ...]
    acts: tuple[Act, ...]
    query_code: str | None
    """For those who may tell it to the caller; None for others."""


async def order_page(session: AsyncSession, actor: Actor, ticket_id: UUID) -> OrderPage:
    """The page as this actor may see it. Raises NotFound."""
    ticket = await get(session, actor, ticket_id)
    here = installed()
    staff = actor.may(Permission.ORDER_VIEW)
    category = Category(ticket.category) if ticket.category else None
    matter = here.county.matters.get(ticket.matter or "")
    area = here.county.units.get(ticket.area or "")
    messages, replies = await of_order(session, ticket.id) if staff else ([], [])
    earlier = await earlier_of(session, actor, ticket) if staff else []
    return OrderPage(
        ticket=ticket,
        state=State(ticket.state),
        category=category,
        limit_days=here.policy[LimitsPolicy].of(category) if category else None,
        matter=matter.name if matter else "",
        area=area.name if area else "",
        caller=caller(actor, ticket),
        call=await session.get(Call, ticket.call_id) if ticket.call_id and actor.may(Permission.CALL_VIEW) else None,
        parts=tuple(await _parts(session, ticket)),
        clock=await _clock(session, ticket),
        history=tuple(await _history(session, ticket)) if staff else (),
        messages=tuple(messages),
        replies=tuple(replies),
        earlier=tuple(earlier),
        acts=tuple(offer.act for offer in await offers(session, actor, ticket)),
        query_code=ticket.query_code if actor.may(Permission.ORDER_EDIT) else None,
    )


async def _parts(session: AsyncSession, ticket: Ticket) -> list[UnitPart]:
    rows = await session.execute(
        select(Assignment, Unit.name)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(Assignment.ticket_id == ticket.id)
        .order_by(Assignment.dispatched_at, Assignment.role.desc(), Assignment.id)
    )
    calendar, at = installed().calendar, now()

    def reads(ends: datetime | None) -> Clock | None:
        return clock(ends, at, calendar) if ends else None

    return [
        UnitPart(
            unit=name,
            role=_ROLES[one.role],
            basis=one.basis,
            dispatched_at=one.dispatched_at,
            sign=None if one.signed_at or one.closed_at else reads(one.sign_due_at),
            handle=reads(one.due_at),
        )
        for one, name in rows
    ]


async def _clock(session: AsyncSession, ticket: Ticket) -> Clock | None:
    last = await session.scalar(select(Round).where(Round.ticket_id == ticket.id).order_by(Round.n.desc()).limit(1))
    if last is None or last.due_at is None:
        return None
    return clock(
        ticket.due_at or last.due_at, now(), installed().calendar, provisional=last.provisional, days=last.days
    )


async def _history(session: AsyncSession, ticket: Ticket) -> list[HistoryLine]:
    rows = await session.scalars(
        select(TicketEvent).where(TicketEvent.ticket_id == ticket.id).order_by(TicketEvent.seq)
    )
    return [
        HistoryLine(row.seq, row.at, Act(row.act).label, row.actor_name, row.article, row.reason, row.before, row.after)
        for row in rows
    ]
