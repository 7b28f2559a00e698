"""The letter 答复函 of an order: the policy's template around the unit's answer (第十二条(四))."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import local, now
from core.errors import Conflict
from core.identity.models import Unit
from core.permissions import Permission
from crm.clocks import rules_of
from crm.installed import installed
from crm.letters_policy import LettersPolicy
from crm.tickets.case import rows_of
from crm.tickets.models import Assignment, Reply, Round, Ticket
from crm.tickets.states import By


@dataclass(frozen=True)
class Draft:
    """What the letter is to say: the answer, how it closes, and on what law or policy that rests."""

    answer: str = ""
    close_kind: str = "handled"
    citation: str = ""


async def last_answer(session: AsyncSession, actor: Actor, ticket: Ticket) -> Draft:
    """The lead's newest answer, as far as the actor may read it; an empty draft where there is none yet."""
    replies = [one for one in await rows_of(session, ticket.id, Reply) if one.role == By.LEAD]
    parts = {one.id: one.unit_id for one in await rows_of(session, ticket.id, Assignment)}
    for one in reversed(replies):
        if actor.may(Permission.ORDER_VIEW) or parts.get(one.assignment_id) == actor.unit_id:
            return Draft(one.text, one.close_kind or "handled", one.citation)
    return Draft()


async def letter(session: AsyncSession, ticket: Ticket, draft: Draft) -> str:
    """The whole text, by the rules of the order's round (D35). Raises Conflict for an order without a unit."""
    unit = await session.get(Unit, ticket.lead_unit_id) if ticket.lead_unit_id else None
    if unit is None:
        raise Conflict("no-unit", "工单尚未派发，没有可以答复的承办单位。")
    rounds = await rows_of(session, ticket.id, Round)
    policy = rules_of(rounds[-1].policy_version).policy if rounds else installed().policy
    return (
        policy[LettersPolicy]
        .template(draft.close_kind)
        .format(
            number=ticket.number,
            title=ticket.title,
            received=_day(ticket.opened_at),
            answer=draft.answer,
            citation=draft.citation or "（请填写政策法规名称和条款）",
            unit=unit.name,
            date=_day(now()),
        )
    )


def _day(at: datetime) -> str:
    day: date = local(at).date()
    return f"{day.year}年{day.month}月{day.day}日"
