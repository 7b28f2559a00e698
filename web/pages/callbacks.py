"""Call-back tasks 回拨任务: taken by one person, closed with what came of it."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from callflow.agents.models import Agent
from callflow.callbacks import service
from callflow.callbacks.rules import Reason
from core.identity.models import User
from core.permissions import Permission
from crm.queries.people import number_to_call
from web.context import Context
from web.route import Asks, Nothing, Route

LIMIT = 200


class Claim(Asks):
    """A task as the person saw it."""

    id: UUID
    version: int = Field(ge=0, le=2**31)


class Finish(Claim):
    """What came of it."""

    result: Annotated[str, Field(min_length=1, max_length=200)]


async def index(ctx: Context, asked: Nothing) -> web.Response:
    """Open tasks, the oldest first."""
    tasks = await service.waiting(ctx.session, ctx.actor, limit=LIMIT)
    ids = {task.claimed_by for task in tasks if task.claimed_by}
    people = {user.id: user.name for user in await ctx.session.scalars(select(User).where(User.id.in_(ids)))}
    numbers = {task.id: await number_to_call(ctx.session, ctx.actor, task) for task in tasks}
    reasons = {reason.value: reason.label for reason in Reason}
    return await ctx.page(
        "callbacks.html",
        place="callbacks",
        tasks=tasks,
        people=people,
        reasons=reasons,
        numbers=numbers,
        may_dial=await has_phone(ctx),
    )


async def has_phone(ctx: Context) -> bool:
    """Whether this person has a telephone at the line, so that numbers can be clicked to be dialled."""
    return ctx.actor.may(Permission.LINE_AGENT) and await ctx.session.get(Agent, ctx.signed_in.user.id) is not None


async def claim(ctx: Context, asked: Claim) -> web.Response:
    """Take it."""
    await service.claim(ctx.session, ctx.actor, asked.id, asked.version)
    return ctx.redirect("/callbacks", "已领取，请尽快回拨。")


async def finish(ctx: Context, asked: Finish) -> web.Response:
    """Close it."""
    await service.finish(ctx.session, ctx.actor, asked.id, asked.version, asked.result)
    return ctx.redirect("/callbacks", "回拨结果已登记。")


P = Permission.CALLBACK_HANDLE
ERRORS = ("no-callback", "callback-changed")
ROUTES = (
    Route("GET", "/callbacks", P, Nothing, index, "回拨任务"),
    Route("POST", "/callbacks/{id}/claim", P, Claim, claim, "领取回拨任务", (*ERRORS, "callback-claimed")),
    Route("POST", "/callbacks/{id}/finish", P, Finish, finish, "登记回拨结果", (*ERRORS, "bad-result")),
)
