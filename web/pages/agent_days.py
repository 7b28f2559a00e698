"""Agents' days: 我的今日 for the agent, 全班今日 for the shift lead; every state timed, every figure with its calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents import days
from callflow.agents.models import Agent
from callflow.agents.timeline import LABELS, Span, totals
from callflow.current import line_policy
from callflow.models import Call
from callflow.roster import service as roster
from callflow.roster.service import Shown
from core import clock
from core.errors import Denied, NotFound
from core.permissions import Permission as P
from crm.search.taking import Taking, take
from web.context import Context
from web.files import send_sheet
from web.render import day as as_day
from web.render import duration
from web.route import Asks, Route


class OneDay(Asks):
    """A day, today unless another is asked for; and of the team, whose."""

    day: date | None = Field(None, ge=date(2020, 1, 1), le=date(2100, 1, 1))
    user: UUID | None = None


class TeamDay(Asks):
    """A day of the whole team."""

    day: date | None = Field(None, ge=date(2020, 1, 1), le=date(2100, 1, 1))


class Export(TeamDay):
    """A day that is taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


@dataclass(frozen=True)
class Line:
    """One agent's day in sums."""

    user_id: UUID
    name: str
    extension: str
    spans: Sequence[Span]
    planned: Sequence[Shown]
    answered: int
    talked: timedelta
    """From the first word to the end of the calls that this agent took."""
    rated: int
    """How many of these callers rated the service."""
    rating: float | None
    """Their mean, 1 to 5; None without one."""

    @property
    def states(self) -> dict[str, timedelta]:
        """How long in each state."""
        return totals(self.spans)

    @property
    def signed_in(self) -> timedelta:
        """How long logged in: the sum of all states."""
        return sum(self.states.values(), timedelta(0))

    @property
    def average(self) -> float | None:
        """Seconds of talk in each call taken; None without one."""
        return self.talked.total_seconds() / self.answered if self.answered else None

    @property
    def unanswered(self) -> int:
        """How often the telephone rang in vain."""
        return sum(one.state == "no-answer" for one in self.spans)


def bounds(day: date) -> tuple[datetime, datetime]:
    """The day's beginning, and its end or the present instant."""
    first = clock.midnight(day)
    return first, min(first + timedelta(days=1), clock.now())


async def lines(session: AsyncSession, day: date, only: UUID | None = None) -> list[Line]:
    """The days of all agents who were there or should have been, by extension; or of one, whatever happened."""
    first, last = bounds(day)
    wanted = select(Agent).order_by(Agent.extension)
    agents = (await session.scalars(wanted.where(Agent.user_id == only) if only else wanted)).all()
    spans = await days.spans(session, [one.user_id for one in agents], first, last) if last > first else {}
    taken = await session.execute(
        select(
            Call.agent_id,
            func.count(),
            func.sum(func.coalesce(Call.ended_at, clock.now()) - Call.connected_at),
            func.count(Call.rating),
            func.avg(Call.rating),
        )
        .where(Call.connected_at >= first, Call.connected_at < max(first, last), Call.agent_id.is_not(None))
        .group_by(Call.agent_id)
    )
    calls = {row[0]: tuple(row)[1:] for row in taken}
    planned: dict[UUID, list[Shown]] = {}
    if versions := await roster.versions(session, limit=1):
        for one in await roster.published(session, versions[0].id, first, first + timedelta(days=1)):
            planned.setdefault(one.user_id, []).append(one)
    found = [
        Line(
            one.user_id,
            one.name,
            one.extension,
            spans.get(one.user_id, []),
            planned.get(one.user_id, []),
            *calls.get(one.user_id, (0, timedelta(0), 0, None)),
        )
        for one in agents
    ]
    return [one for one in found if only or one.spans or one.planned or one.answered]


async def mine(ctx: Context, asked: OneDay) -> web.Response:
    """One's own day; the lead may look at anybody's."""
    user_id, day = asked.user or ctx.signed_in.user.id, asked.day or clock.today()
    if user_id != ctx.actor.user_id and not ctx.actor.may(P.LINE_LEAD):
        raise Denied("not-permitted", "您只能查看自己的工作情况。")
    began = clock.now()
    found = await lines(ctx.session, day, user_id)
    if not found and asked.user:
        raise NotFound("no-agent", "该用户没有分配坐席分机。")
    first, last = bounds(day)
    calls = (
        select(Call)
        .where(Call.agent_id == user_id, Call.connected_at >= first, Call.connected_at < max(first, last))
        .order_by(Call.connected_at.desc())
    )
    own = user_id == ctx.actor.user_id
    return await ctx.page(
        "my_day.html",
        place="my-day" if own else "team-day",
        line=found[0] if found else None,
        own=own,
        day=day,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1) if day < clock.today() else None,
        labels=LABELS,
        calls=(await ctx.session.scalars(calls)).all(),
        wrap_up_s=line_policy().wrap_up_s,
        now=began,
    )


async def team(ctx: Context, asked: TeamDay) -> web.Response:
    """Everybody's day."""
    day = asked.day or clock.today()
    return await ctx.page(
        "team_day.html",
        place="team-day",
        lines=await lines(ctx.session, day),
        day=day,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1) if day < clock.today() else None,
        labels=LABELS,
    )


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The team's day as a workbook."""
    day = asked.day or clock.today()
    heads = [("姓名", 12), ("分机", 8), ("签入", 10), *((label, 10) for label in LABELS.values())]
    heads += [("接听（次）", 10), ("平均通话", 10), ("评分（次）", 10), ("平均评分", 10), ("未接听（次）", 12)]
    async with ctx.parts.database.session() as session:
        rows = [_cells(one) for one in await lines(session, day)]
        told = {"day": day.isoformat()}
        what = Taking(f"坐席工作情况 {as_day(day)}", "BZ", "team-day.export", heads, rows, told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"坐席工作情况{day:%Y%m%d}-{done.number}")


def _cells(one: Line) -> list[str]:
    return [
        one.name,
        one.extension,
        duration(one.signed_in.total_seconds()),
        *(duration(one.states[state].total_seconds()) for state in LABELS),
        str(one.answered),
        duration(one.average),
        str(one.rated),
        f"{one.rating:.1f}" if one.rating else "",
        str(one.unanswered),
    ]


ROUTES = (
    Route("GET", "/my-day", P.LINE_AGENT, OneDay, mine, "我的今日", ("no-agent",)),
    Route("GET", "/team-day", P.LINE_LEAD, TeamDay, team, "全班今日"),
    Route(
        "POST", "/team-day/export", P.LINE_LEAD, Export, export, "导出坐席工作情况",
        ("no-reason", "nothing-to-export"), stream=True,
    ),
)  # fmt: skip
