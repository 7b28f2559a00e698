"""A queue of a desk as a workbook: what waits there for whom, what is due first at the top."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, literal, null, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import local
from core.identity.models import Unit
from core.permissions import Permission
from crm.county.categories import LABELS, Category
from crm.queries.desks import NEVER, Narrowing, Queue, statement
from crm.search.export import searched
from crm.search.taking import MOST_ROWS, Taken, Taking, take
from crm.tickets.masking import mask_numbers
from crm.tickets.models import Assignment, Ticket
from crm.tickets.states import Stage, State

ACTION = "desk.export"
HEADS = (
    ("时限", 18),
    ("工单编号", 20),
    ("标题", 40),
    ("类别", 8),
    ("工单状态", 12),
    ("承办进度", 12),
    ("承办单位", 24),
    ("受理时间", 18),
)


async def export(
    session: AsyncSession, actor: Actor, queue: Queue, asked: Narrowing, reason: str, *, title: str
) -> Taken:
    """What waits in the queue: in a unit's own queue its part, else the order and its lead unit. Raises as `take`, and
    Denied.
    """
    actor.require(Permission.ORDER_EXPORT)
    part = (Assignment.stage, Assignment.unit_id) if queue.parts else (null(), Ticket.lead_unit_id)
    due_at = func.coalesce(queue.due, literal(NEVER))
    wanted = statement(actor, queue).with_only_columns(
        due_at, Ticket.number, Ticket.title, Ticket.category, Ticket.state, *part, Ticket.opened_at
    )
    wanted = wanted.where(*await asked.conditions(actor)).order_by(*asked.order(queue)).limit(MOST_ROWS + 1)
    found = (await session.execute(wanted)).all()
    units: dict[UUID, str] = {row.id: row.name for row in await session.execute(select(Unit.id, Unit.name))}
    rows = [
        [
            _ends(due),
            number,
            mask_numbers(words),
            LABELS[Category(category)] if category else "",
            State(state).label,
            Stage(stage).label if stage else "",
            units.get(unit, ""),
            f"{local(opened):%Y-%m-%d %H:%M}",
        ]
        for due, number, words, category, state, stage, unit, opened in found
    ]
    told = {"queue": queue.label} | ({"category": asked.category} if asked.category else {})
    told |= ({"area": asked.area} if asked.area else {}) | searched(asked.search)
    what = Taking(f"工作台·{queue.label}", "GT", ACTION, HEADS, rows, told)
    return await take(session, actor, what, reason, title=title)


def _ends(due: datetime) -> str:
    """The last minute that is in time (D3); empty where no clock runs."""
    return f"{local(due - timedelta(seconds=1)):%Y-%m-%d %H:%M}" if due != NEVER else ""
