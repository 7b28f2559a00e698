"""特别时限: limits that other laws set for a matter, proposed by one person and approved by another (第十三条, D15)."""

from datetime import date
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from core.calendar import Limit, LimitUnit
from core.clock import today
from core.db import among
from core.identity.models import User
from core.permissions import Permission as P
from crm.installed import installed
from crm.tickets import limits
from crm.tickets.models import StatutoryLimit
from web.context import Context
from web.route import Asks, Nothing, Route


class Proposed(Asks):
    """What the law says, and where."""

    matter: str = Field("", max_length=40)
    n: int = Field(ge=1, le=1000)
    unit: LimitUnit
    citation: Annotated[str, Field(min_length=4, max_length=300)]
    effective_from: date
    effective_to: date | None = None


class OneLimit(Asks):
    """A limit."""

    id: UUID


class Rejected(OneLimit):
    """A limit, and why it is not approved."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Ended(Rejected):
    """A limit, its last day, and the document that ends it."""

    effective_to: date


async def index(ctx: Context, asked: Nothing) -> web.Response:
    """All limits, what waits first, and the form of a new one."""
    rows = await limits.limits(ctx.session)
    who = {id for one in rows for id in (one.proposed_by, one.approved_by, one.rejected_by) if id}
    names = await ctx.session.execute(select(User.id, User.name).where(among(User.id, who)))
    matters = installed().county.matters
    return await ctx.page(
        "limits.html",
        place="limits",
        rows=[(one, standing(one)) for one in rows],
        said=lambda one: str(Limit(one.n, LimitUnit(one.unit))),
        names={row.id: row.name for row in names},
        matters={code: one.name for code, one in matters.items()},
        matter_choices=[(one.code, f"{one.group} · {one.name}") for one in matters.values()],
        units=[(one.value, one.label) for one in LimitUnit],
        day=today().isoformat(),
        may_propose=ctx.actor.may(P.ORDER_REVIEW),
        may_decide=ctx.actor.may(P.ORDER_SECOND),
        me=ctx.actor.user_id,
    )


def standing(one: StatutoryLimit) -> tuple[str, str]:
    """How a limit stands today: the word and its tone."""
    if one.rejected_at is not None:
        return "未核准", ""
    if one.approved_at is None:
        return "待核准", "warn"
    if one.effective_to is not None and one.effective_to < today():
        return "已失效", ""
    return ("现行", "good") if one.effective_from <= today() else ("待生效", "act")


async def propose(ctx: Context, asked: Proposed) -> web.Response:
    """Lay a limit before a second person."""
    await limits.propose_limit(ctx.session, ctx.actor, limits.Proposal(**asked.model_dump()))
    return ctx.redirect("/limits", "特别时限已提出，等待另一人核准。")


async def approve(ctx: Context, asked: OneLimit) -> web.Response:
    """The second person's yes."""
    await limits.approve_limit(ctx.session, ctx.actor, asked.id)
    return ctx.redirect("/limits", "特别时限已核准，此后派发的该事项工单按其计算时限。")


async def reject(ctx: Context, asked: Rejected) -> web.Response:
    """The second person's no."""
    await limits.reject_limit(ctx.session, ctx.actor, asked.id, asked.reason)
    return ctx.redirect("/limits", "未予核准，已告知提出人可修改后重新提出。")


async def end(ctx: Context, asked: Ended) -> web.Response:
    """The law does not say so any more."""
    await limits.end_limit(ctx.session, ctx.actor, asked.id, asked.effective_to, asked.reason)
    return ctx.redirect("/limits", "特别时限已定失效日期；此前派发的工单不受影响。")


SEE = (P.POLICY_VIEW, P.ORDER_REVIEW)
SETTLE = ("no-such-limit", "already-approved", "already-rejected", "four-eyes")
ROUTES = (
    Route("GET", "/limits", SEE, Nothing, index, "特别时限"),
    Route("POST", "/limits", P.ORDER_REVIEW, Proposed, propose, "提出特别时限", ("unknown-code", "bad-span")),
    Route("POST", "/limits/{id}/approve", P.ORDER_SECOND, OneLimit, approve, "核准特别时限", SETTLE),
    Route("POST", "/limits/{id}/reject", P.ORDER_SECOND, Rejected, reject, "不予核准特别时限", (*SETTLE, "no-reason")),
    Route(
        "POST",
        "/limits/{id}/end",
        P.ORDER_SECOND,
        Ended,
        end,
        "停用特别时限",
        ("no-such-limit", "not-approved", "bad-span", "no-reason"),
    ),
)
