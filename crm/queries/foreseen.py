"""What an extension would lead to, while the clerk still types its days (F15-1): nothing is changed."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.calendar import Due
from core.errors import Conflict
from crm.tickets.access import get
from crm.tickets.acts import extending
from crm.tickets.case import load


@dataclass(frozen=True)
class Foreseen:
    """`against`: the rule that refuses so many days. `city`: the city decides, and sets the due."""

    days: int
    due: Due | None
    against: str = ""
    city: bool = False


async def extension(session: AsyncSession, actor: Actor, ticket_id: UUID, days: int) -> Foreseen:
    """The due after so many working days more, by the round's own rules and the newest calendar.

    Raises NotFound; Conflict for an order that no unit handles.
    """
    ticket = await get(session, actor, ticket_id)
    case = await load(session, actor, ticket)
    if case.round is None or case.round.due_at is None or case.round.closed_at is not None:
        raise Conflict("no-clock", "本工单没有正在计算的办理时限。")
    against = extending.too_long(case, days) if days >= 1 else "至少延长1个工作日"
    due = None if against else extending.asked(case, days)
    return Foreseen(days, due, against, city=ticket.upstream_number is not None)
