"""What a program reads of the orders that it may know of: state and clock, nobody's name."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.errors import Invalid, NotFound
from crm.channels.models import ChannelOrder
from crm.tickets.access import visible_to
from crm.tickets.models import Assignment, Ticket
from crm.tickets.states import State


@dataclass(frozen=True)
class Seen:
    """An order and the number that it has at the channel; None where no channel opened it."""

    ticket: Ticket
    reference: str | None


def _seen(actor: Actor) -> Select[Ticket, str]:
    return (
        select(Ticket, ChannelOrder.reference)
        .outerjoin(ChannelOrder, ChannelOrder.ticket_id == Ticket.id)
        .where(visible_to(actor))
    )


async def one(session: AsyncSession, actor: Actor, ticket_id: UUID) -> Seen:
    """The order. Raises NotFound, also when the program may not know of it."""
    found = (await session.execute(_seen(actor).where(Ticket.id == ticket_id))).first()
    if found is None:
        raise NotFound("no-such-order", "没有这张工单。")
    return Seen(found[0], found[1])


async def part(session: AsyncSession, actor: Actor, ticket: Ticket) -> Assignment | None:
    """The newest part of the actor's own unit in the order; None for a channel."""
    if actor.unit_id is None:
        return None
    mine = select(Assignment).where(Assignment.ticket_id == ticket.id, Assignment.unit_id == actor.unit_id)
    found: Assignment | None = await session.scalar(mine.order_by(Assignment.id.desc()).limit(1))
    return found


async def several(
    session: AsyncSession,
    actor: Actor,
    *,
    state: State | None = None,
    reference: str | None = None,
    after: str | None = None,
    limit: int,
) -> tuple[list[Seen], str | None]:
    """Orders, the newest first, and the key of the next page. Raises Invalid("bad-cursor")."""
    statement = _seen(actor).order_by(Ticket.opened_at.desc(), Ticket.id.desc()).limit(limit + 1)
    if state:
        statement = statement.where(Ticket.state == state)
    if reference:
        statement = statement.where(ChannelOrder.reference == reference)
    if after:
        statement = statement.where(tuple_(Ticket.opened_at, Ticket.id) < tuple_(*_cursor(after)))
    rows = [Seen(row[0], row[1]) for row in await session.execute(statement)]
    shown, last = rows[:limit], rows[limit - 1].ticket if len(rows) > limit else None
    return shown, f"{last.opened_at.isoformat()}~{last.id}" if last else None


def _cursor(after: str) -> tuple[datetime, UUID]:
    try:
        at, id = after.split("~")
        found = datetime.fromisoformat(at), UUID(id)
        if found[0].tzinfo is None:
            raise ValueError("a key names an instant")
        return found
    except ValueError as error:
        sentence = "翻页参数不正确，请从第一页重新查看。"
        raise Invalid("bad-cursor", sentence, fields={"after": sentence}) from error
