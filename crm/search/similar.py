"""Similar open orders: the same matter at the same place, so that one fault is not dispatched twice (F12.1-4, D28)."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from crm.search.words import lexemes
from crm.tickets.access import visible_to
from crm.tickets.models import Ticket
from crm.tickets.states import WITH_UNITS

MOST: Final = 5
LOOKED_AT: Final = 200
"""The newest open orders of the matter that are compared; a county has fewer of any one."""
NEAR: Final = 0.5
"""Places that share so much of the shorter one are the same."""
ALIKE: Final = 0.3
"""Words that share so much are about the same, within one township."""


@dataclass(frozen=True)
class Similar:
    """An open order, and why it may be the same."""

    ticket: Ticket
    why: str
    likeness: float


async def similar_to(session: AsyncSession, actor: Actor, ticket: Ticket, most: int = MOST) -> list[Similar]:
    """Open orders with units that may be the same matter, the likeliest first; a 举报 is compared with 举报 only."""
    if not ticket.matter:
        return []
    rows = await session.scalars(
        select(Ticket)
        .where(
            Ticket.closed_at.is_(None),
            Ticket.matter == ticket.matter,
            Ticket.state.in_(WITH_UNITS),
            Ticket.sealed == ticket.sealed,
            Ticket.id != ticket.id,
            visible_to(actor),
        )
        .order_by(Ticket.opened_at.desc(), Ticket.id.desc())
        .limit(LOOKED_AT)
    )
    found = [one for other in rows if (one := compare(ticket, other)) is not None]
    return sorted(found, key=lambda one: -one.likeness)[:most]


def compare(ticket: Ticket, other: Ticket) -> Similar | None:
    """How alike two orders of one matter are; None where they are not. Pure."""
    place = _shared(ticket.address, other.address)
    words = _shared(f"{ticket.title}\n{ticket.content}", f"{other.title}\n{other.content}")
    one_area = ticket.area is not None and ticket.area == other.area
    if place < NEAR and not (one_area and words >= ALIKE):
        return None
    reasons = ["同一事项"]
    if one_area:
        reasons.append("同一乡镇（街道）")
    if place >= NEAR:
        reasons.append("地点相近")
    if words >= ALIKE:
        reasons.append("内容相近")
    return Similar(other, "、".join(reasons), place + words + 0.5 * one_area)


def _shared(one: str, other: str) -> float:
    """0..1: how much of the shorter text's pairs of characters the other has too."""
    here, there = ({word for word in lexemes(text) if len(word) > 1} for text in (one, other))
    least = min(len(here), len(there))
    return len(here & there) / least if least else 0.0
