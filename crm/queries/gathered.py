"""What a unit's answer can be begun with: the opinions of its assisting and sub-units in one text (第八条(四))."""

from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from crm.members.names import names_of
from crm.tickets.acts.gathering import draft, to_gather
from crm.tickets.case import load
from crm.tickets.models import Reply, Ticket


async def begun_answer(session: AsyncSession, actor: Actor, ticket: Ticket) -> str:
    """F08-4: for the actor's unit; empty where nobody has replied to it."""
    case = await load(session, actor, ticket, (Reply,))
    if case.mine is None:
        return ""
    replies = to_gather(case.of(Reply), case.parts, case.mine)
    units = {part.id: part for part in case.parts}
    names = await names_of(session, [units[one.assignment_id].unit_id for one in replies])
    return draft(replies, {one.assignment_id: names.now(units[one.assignment_id].unit_id) for one in replies})
