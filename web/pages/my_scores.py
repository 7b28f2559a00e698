"""An agent's scores 质检成绩, each with its call: for the agent, and for who sees all."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core.clock import now, today
from core.errors import NotFound
from core.identity.models import User
from core.permissions import Permission as P
from crm.scoring import service
from crm.scoring.models import Sample
from crm.scoring.rules import COUNTS, State
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.pages.scoring import SEE, TONES
from web.render import exact
from web.route import Asks, Route

COLUMNS = (
    Column("来电时间"),
    Column("告知时间", ("newest", "oldest")),
    Column("状态"),
    Column("得分", css="right"),
    Column("异议期限"),
)
HEADS = (("来电时间", 22), ("告知时间", 22), ("状态", 16), ("得分", 8), ("异议", 60), ("提出异议时间", 22))


class Filter(Asks):
    """One's own, or for who sees all anybody's; `search`: words of a comment or an objection."""

    user: UUID | None = None
    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    state: State | None = None
    sort: Literal["newest", "oldest"] = "newest"

    @property
    def wanted(self) -> service.Wanted:
        """The filter as the list takes it."""
        return service.Wanted(self.search.split(), self.state, self.sort == "oldest")


class Scores(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class Export(Filter):
    """The scores of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


async def mine(ctx: Context, asked: Scores) -> web.Response:
    """A page of an agent's scores."""
    user_id = asked.user or ctx.signed_in.user.id
    after = paging.parse(asked.after)
    rows = await service.record_of(ctx.session, ctx.actor, user_id, asked.wanted, after, paging.PAGE + 1)
    user = await _whose(ctx.session, user_id)
    own = user_id == ctx.actor.user_id
    count, average = await service.average_of(ctx.session, user_id)
    return await ctx.page(
        "my_scores.html",
        place="my-scores" if own else "scoring",
        own=own,
        name=user.name,
        list=listing("/my-scores", COLUMNS, asked, rows, lambda row: paging.key_of(_told(row[0]), row[0].id)),
        asked=asked,
        count=count,
        average="—" if average is None else f"{average:.1f}",
        choices=[(one.value, one.label) for one in State if one in COUNTS],
        states=State,
        tones=TONES,
        now=now(),
        may_export=ctx.actor.may(P.QUALITY_DECIDE),
    )


async def _whose(session: AsyncSession, user_id: UUID) -> User:
    user = await session.get(User, user_id)
    if user is None:
        raise NotFound("no-user", "没有这个用户。")
    return user


def _told(one: Sample) -> datetime:
    assert one.told_at is not None  # only such scores count
    return one.told_at


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The scores of the filter as a workbook."""
    user_id = asked.user or ctx.signed_in.user.id
    async with ctx.parts.database.session() as session:
        user = await _whose(session, user_id)
        found = await service.record_of(session, ctx.actor, user_id, asked.wanted, None, MOST_ROWS + 1)
        told = {"user": user.name} | searched(asked.search) | ({"state": asked.state.label} if asked.state else {})
        name, rows = f"{user.name}的质检成绩", [_cells(*row) for row in found]
        what = Taking(name, "ZJ", "scoring.record", HEADS, rows, told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"{name}{today():%Y%m%d}-{done.number}")


def _cells(one: Sample, call: Call) -> list[str]:
    total = "" if one.total is None else str(one.total)
    told = [exact(call.arrived_at), exact(one.told_at), State(one.state).label, total]
    return [*told, one.objection, exact(one.objected_at, "")]


ROUTES = (
    Route("GET", "/my-scores", SEE, Scores, mine, "质检成绩", ("no-user", "bad-page")),
    Route(
        "POST", "/my-scores/export", P.QUALITY_DECIDE, Export, export, "导出质检成绩",
        ("no-user", "no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
)  # fmt: skip
