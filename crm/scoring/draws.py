"""All draws 历次抽样: of which period, how many calls, how far they are scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from crm.draws import WantedDraws, draws_page
from crm.sampling import Period
from crm.scoring.models import Draw, Sample
from crm.scoring.service import require_any


@dataclass(frozen=True)
class Drawn:
    """One draw. `told`: of its calls those whose score counts; `average`: of these, None where there is none."""

    draw: Draw
    calls: int
    told: int
    average: float | None

    @property
    def period(self) -> Period:
        """As it is called."""
        return Period(self.draw.first, self.draw.last)


async def draws(
    session: AsyncSession, actor: Actor, wanted: WantedDraws, after: date | None, limit: int
) -> Sequence[Drawn]:
    """A page of them by their periods, from behind the one that begins on `after` on."""
    require_any(actor)
    tally = (
        select(
            Sample.draw_id,
            func.count().label("calls"),
            func.count(Sample.told_at).label("told"),
            func.avg(Sample.total).filter(Sample.told_at.is_not(None)).label("average"),
        )
        .group_by(Sample.draw_id)
        .subquery()
    )
    query = (
        select(Draw, func.coalesce(tally.c.calls, 0), func.coalesce(tally.c.told, 0), tally.c.average)
        .outerjoin(tally, tally.c.draw_id == Draw.id)
        .limit(limit)
    )
    rows = await session.execute(draws_page(query, Draw, wanted, after, _names))
    return [Drawn(row[0], row[1], row[2], None if row[3] is None else float(row[3])) for row in rows]


def _names(word: str) -> ColumnElement[bool]:
    named = Sample.agent_name.icontains(word, autoescape=True)
    return select(Sample.id).where(Sample.draw_id == Draw.id, named).exists()
