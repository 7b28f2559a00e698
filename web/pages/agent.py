"""The agent's own state: 签入, 示忙, 示闲, 结束整理, 签出, from the top bar of every page."""

from aiohttp import web
from pydantic import Field

from callflow.agents import service
from core.permissions import Permission
from web import frame
from web.context import Context
from web.route import Asks, Route


class Act(Asks):
    """An act on the state that the person saw."""

    version: int = Field(ge=0, le=2**31)


class Pause(Act):
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


async def log_out(ctx: Context, asked: Act) -> web.Response:
    """签出."""
    await service.log_out(ctx.session, ctx.actor, ctx.signed_in.user.id, asked.version)
    return await bar(ctx)


async def pause(ctx: Context, asked: Pause) -> web.Response:
    """示忙."""
    await service.pause(ctx.session, ctx.actor, ctx.signed_in.user.id, asked.reason, asked.version)
    return await bar(ctx)


async def resume(ctx: Context, asked: Act) -> web.Response:
    """示闲."""
    await service.resume(ctx.session, ctx.actor, ctx.signed_in.user.id, asked.version)
    return await bar(ctx)


async def finish_wrap_up(ctx: Context, asked: Act) -> web.Response:
    """结束整理."""
    await service.finish_wrap_up(ctx.session, ctx.actor, ctx.signed_in.user.id, asked.version)
    return await bar(ctx)


P = Permission.LINE_AGENT
ERRORS = ("agent-changed", "no-agent", "not-logged-in")
ROUTES = (
    Route("POST", "/agent/log-in", P, Act, log_in, "签入", (*ERRORS, "already-logged-in")),
    Route("POST", "/agent/log-out", P, Act, log_out, "签出", ERRORS),
    Route("POST", "/agent/pause", P, Pause, pause, "示忙", (*ERRORS, "bad-pause-reason")),
    Route("POST", "/agent/resume", P, Act, resume, "示闲", (*ERRORS, "not-paused")),
    Route("POST", "/agent/wrap-up", P, Act, finish_wrap_up, "结束整理", (*ERRORS, "no-wrap-up")),
)
