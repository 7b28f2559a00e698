"""话务员考核: the agents' month in figures, and one agent's with the days, scores and orders behind each."""

from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.errors import Denied, NotFound
from core.permissions import Permission as P
from crm.scoring import scorecard
from crm.scoring.rules import State
from web.context import Context
from web.files import send_sheet
from web.pages.dispatch_quality import Asked
from web.pages.orders import labels
from web.pages.scoring import TONES
from web.route import Route


class Export(Asked):
    """A month that is taken along, and why."""

    reason: str = Field("", max_length=200)


class OneCard(Asked):
    """One agent's month."""

    user: UUID


async def index(ctx: Context, asked: Asked) -> web.Response:
    """Everybody's month."""
    return await ctx.page(
        "scorecards.html",
        place="scorecards",
        month=f"{asked.first:%Y-%m}",
        first=asked.first,
        cards=await scorecard.cards(ctx.session, asked.first),
    )


async def show(ctx: Context, asked: OneCard) -> web.Response:
    """One agent's, and what each figure is made of; for the agent too."""
    own = asked.user == ctx.actor.user_id
    if not own and not ctx.actor.may(P.LINE_LEAD):
        raise Denied("not-permitted", "您只能查看自己的考核情况。")
    found = await scorecard.cards(ctx.session, asked.first, asked.user)
    if not found:
        raise NotFound("no-agent", "该用户没有分配坐席分机。")
    return await ctx.page(
        "scorecard.html",
        place="my-day" if own else "scorecards",
        month=f"{asked.first:%Y-%m}",
        newest=f"{today():%Y-%m}",
        first=asked.first,
        card=found[0],
        own=own,
        behind=await scorecard.behind(ctx.session, ctx.actor, asked.user, asked.first),
        states=State,
        tones=TONES,
        labels=labels(),
    )


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The month as a workbook."""
    async with ctx.parts.database.session() as session:
        taken = await scorecard.export(session, ctx.actor, asked.first, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, taken.content, f"话务员考核{asked.first:%Y%m}-{taken.number}")


ROUTES = (
    Route("GET", "/scorecards", P.LINE_LEAD, Asked, index, "话务员考核"),
    Route("GET", "/scorecards/{user}", (P.LINE_LEAD, P.LINE_AGENT), OneCard, show, "话务员考核明细", ("no-agent",)),
    Route(
        "POST",
        "/scorecards/export",
        P.LINE_LEAD,
        Export,
        export,
        "导出话务员考核",
        ("no-reason", "nothing-to-export"),
        stream=True,
    ),
)
