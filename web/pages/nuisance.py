"""The register of nuisance callers 恶意骚扰来电登记: proposed from a call, confirmed by another person, lifted."""

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from callflow.nuisance import service
from callflow.nuisance.models import Ground
from core.clock import today
from core.permissions import Permission as P
from web.context import Context
from web.route import Asks, Nothing, Route

SUGGESTED_DAYS = 30


class Proposal(Asks):
    """A call whose caller is to be limited, how far and until when."""

    id: UUID
    ground: Ground
    reason: Annotated[str, Field(min_length=5, max_length=500)]
    calls: int = Field(1, ge=1, le=service.MOST_CALLS)
    window_min: int = Field(60, ge=10, le=service.LONGEST_WINDOW_MIN)
    review_on: date = Field(ge=date(2020, 1, 1), le=date(2100, 1, 1))


class Entry(Asks):
    """A registration."""

    id: UUID


class Ended(Entry):
    """And why it ends."""

    reason: Annotated[str, Field(min_length=2, max_length=200)]


async def index(ctx: Context, asked: Nothing) -> web.Response:
    """The register."""
    rows = await service.entries(ctx.session)
    return await ctx.page(
        "nuisance.html",
        place="nuisance",
        rows=[(one, Ground(one.ground).label, await service.turned_away(ctx.session, one)) for one in rows],
        today=today(),
        me=ctx.actor.user_id,
        may_act=ctx.actor.may(P.LINE_LEAD),
    )


async def propose(ctx: Context, asked: Proposal) -> web.Response:
    """Propose a limit for who made this call."""
    await service.propose(
        ctx.session, ctx.actor, asked.id, asked.ground, asked.reason, asked.calls, asked.window_min, asked.review_on
    )
    return ctx.redirect(f"/calls/{asked.id}", "已提出登记，另一名班长核准后生效。")


async def confirm(ctx: Context, asked: Entry) -> web.Response:
    """The second person."""
    row = await service.confirm(ctx.session, ctx.actor, asked.id)
    return ctx.redirect("/nuisance", f"已核准，数秒内生效，至{row.review_on.month}月{row.review_on.day}日。")


async def end(ctx: Context, asked: Ended) -> web.Response:
    """Lift it, or do not confirm it."""
    await service.end(ctx.session, ctx.actor, asked.id, asked.reason)
    return ctx.redirect("/nuisance", "已解除，该号码来电不再限制。")


def suggested() -> str:
    """The day of review that the form begins with."""
    return (today() + timedelta(days=SUGGESTED_DAYS)).isoformat()


L = P.LINE_LEAD
SEE = (P.LINE_LEAD, P.ORDER_VERIFY, P.ORDER_OVERSEE)
ENTRY = ("no-nuisance", "nuisance-ended")
ROUTES = (
    Route("GET", "/nuisance", SEE, Nothing, index, "恶意骚扰来电登记"),
    Route(
        "POST", "/calls/{id}/nuisance", (P.LINE_AGENT, L), Proposal, propose, "提出恶意骚扰来电登记",
        ("no-call", "no-number", "bad-limit", "already-registered"),
    ),
    Route(
        "POST", "/nuisance/{id}/confirm", L, Entry, confirm, "核准恶意骚扰来电登记",
        (*ENTRY, "nuisance-confirmed", "own-proposal", "nuisance-over"),
    ),
    Route("POST", "/nuisance/{id}/end", L, Ended, end, "解除恶意骚扰来电登记", ENTRY),
)  # fmt: skip
