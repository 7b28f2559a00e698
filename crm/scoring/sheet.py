"""A draw's scores as a workbook."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import local
from core.errors import NotFound
from core.permissions import Permission
from crm.sampling import Period
from crm.scoring.models import Draw, Scored
from crm.scoring.rules import State
from crm.scoring.service import rules_of, samples_of
from crm.search.taking import Taken, Taking, take


async def export(session: AsyncSession, actor: Actor, draw_id: UUID, reason: str, *, title: str) -> Taken:
    """Raises Denied, NotFound("no-draw"), Invalid("no-reason")."""
    actor.require(Permission.QUALITY_DECIDE)
    made = await session.get(Draw, draw_id)
    if made is None:
        raise NotFound("no-draw", "没有这次抽样。")
    samples = await samples_of(session, actor, draw_id)
    marks = await session.scalars(
        select(Scored).where(Scored.sample_id.in_([one.id for one, _ in samples])).order_by(Scored.at, Scored.step)
    )
    newest = {one.sample_id: one for one in marks}
    criteria = rules_of(made).criteria
    heads = [("话务员", 12), ("来电时间", 18), ("状态", 16), ("得分", 8)]
    heads += [(f"{one.name}（{one.points}）", 16) for one in criteria]
    heads += [("一票否决", 24), ("评语", 50), ("评分人", 12), ("异议", 40)]
    rows = []
    for one, call in samples:
        given = newest.get(one.id)
        points = [str(value) for value in given.points] if given else [""] * len(criteria)
        rows.append(
            [
                one.agent_name,
                f"{local(call.arrived_at):%Y-%m-%d %H:%M}",
                State(one.state).label,
                "" if one.total is None else str(one.total),
                *points,
                "、".join(given.fatal) if given else "",
                given.comment if given else "",
                given.by_name if given else "",
                one.objection,
            ]
        )
    name, asked = f"话务质检 {Period(made.first, made.last).label}", {"draw": str(draw_id), "seed": str(made.seed)}
    return await take(session, actor, Taking(name, "ZJ", "scoring.export", heads, rows, asked), reason, title=title)
