"""The agent's own state: 签入, 示忙, 示闲, 结束整理, 签出, from the top bar of every page."""

from aiohttp import web
from pydantic import Field

from callflow.agents import service
from callflow.agents.models import Agent
from callflow.agents.rules import PauseReason
from core.errors import Conflict
from core.permissions import Permission
from crm.queries.intake_day import unfinished_of
from web import frame
from web.context import Context
from web.route import Asks, Route


class Act(Asks):
    """An act on the state that the person saw."""

    version: int = Field(ge=0, le=2**31)


class Leave(Act):
    """An act that ends the wrap-up; `later`: the calls without an outcome get it later."""

    later: bool = False


class Pause(Leave):
    """示忙 with its reason."""

    reason: str = Field(min_length=1, max_length=20)


async def bar(ctx: Context) -> web.Response:
    """The bar as it is after the act."""
    if not ctx.swapped:
        return ctx.redirect("/")
    return ctx.bare("frame.html", frame=await frame.show(ctx))


async def log_in(ctx: Context, asked: Act) -> web.Response:
    """签入."""
    await service.log_in(ctx.session, ctx.actor, ctx.signed_in.user.id, asked.version)
    return await bar(ctx)


async def outcomes_told(ctx: Context, asked: Leave, *, always: bool = False) -> None:
    """A12.1-2: whoever leaves the wrap-up, or the line, is asked what the calls came to, and may put it off knowingly:
    a citizen who waits is not kept waiting for a form. Raises Conflict("call-without-outcome")."""
    agent = await ctx.session.get(Agent, ctx.signed_in.user.id)
    if asked.later or agent is None or not (always or agent.pause_reason == PauseReason.WRAP_UP):
        return
    if calls := await unfinished_of(ctx.session, ctx.signed_in.user.id):
        raise Conflict(UNTOLD, f"还有 {len(calls)} 通来电没有登记结果，请先登记，或选择稍后登记。")


async def log_out(ctx: Context, asked: Leave) -> web.Response:
    """签出."""
    await outcomes_told(ctx, asked, always=True)
    await service.log_out(ctx.session, ctx.actor, ctx.signed_in.user.id, asked.version)
    return await bar(ctx)


async def pause(ctx: Context, asked: Pause) -> web.Response:
    """示忙."""
    await outcomes_told(ctx, asked)
    await service.pause(ctx.session, ctx.actor, ctx.signed_in.user.id, asked.reason, asked.version)
    return await bar(ctx)


async def resume(ctx: Context, asked: Leave) -> web.Response:
    """示闲."""
    await outcomes_told(ctx, asked)
    await service.resume(ctx.session, ctx.actor, ctx.signed_in.user.id, asked.version)
    return await bar(ctx)


async def finish_wrap_up(ctx: Context, asked: Leave) -> web.Response:
    """结束整理."""
    await outcomes_told(ctx, asked)
    await service.finish_wrap_up(ctx.session, ctx.actor, ctx.signed_in.user.id, asked.version)
    return await bar(ctx)


P = Permission.LINE_AGENT
ERRORS = ("agent-changed", "no-agent", "not-logged-in")
UNTOLD = "call-without-outcome"
ROUTES = (
    Route("POST", "/agent/log-in", P, Act, log_in, "签入", (*ERRORS, "already-logged-in")),
    Route("POST", "/agent/log-out", P, Leave, log_out, "签出", (*ERRORS, UNTOLD)),
    Route("POST", "/agent/pause", P, Pause, pause, "示忙", (*ERRORS, UNTOLD, "bad-pause-reason")),
    Route("POST", "/agent/resume", P, Leave, resume, "示闲", (*ERRORS, UNTOLD, "not-paused")),
    Route("POST", "/agent/wrap-up", P, Leave, finish_wrap_up, "结束整理", (*ERRORS, UNTOLD, "no-wrap-up")),
)
