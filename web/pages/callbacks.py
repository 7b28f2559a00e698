"""Call-back tasks 回拨任务: taken by one person, closed with what came of it; those that are done can be looked up."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents.models import Agent
from callflow.callbacks import service
from callflow.callbacks.models import CallbackTask
from callflow.callbacks.rules import Reason
from core.actor import Actor
from core.clock import now, today
from core.db import among
from core.identity.models import User
from core.permissions import Permission
from crm.queries.people import number_to_call
from crm.search.calls import calls_named
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.render import exact, masked, short_when
from web.route import Asks, Route

COLUMNS = (Column("通话结束", ("newest", "oldest")), *map(Column, ("号码", "原因", "回拨", "领取人", "处理")))
HEADS = (
    ("通话结束", 22),
    ("号码", 16),
    ("原因", 14),
    ("未接通次数", 12),
    ("领取人", 12),
    ("领取时间", 22),
    ("完成人", 12),
    ("完成时间", 22),
    ("结果", 40),
)


class Standing(StrEnum):
    """Whether somebody has still to call."""

    OPEN = "open"
    DONE = "done"

    @property
    def label(self) -> str:
        """As people read it."""
        return {"open": "待回拨", "done": "已完成"}[self]


class Filter(Asks):
    """`search` as in the list of calls."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    state: Standing = Standing.OPEN
    sort: Literal["oldest", "newest"] = "oldest"


class CallbackList(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class CallbackExport(Filter):
    """The tasks of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Claim(Asks):
    """A task as the person saw it."""

    id: UUID
    version: int = Field(ge=0, le=2**31)


class Finish(Claim):
    """What came of it."""

    result: Annotated[str, Field(min_length=1, max_length=200)]


async def index(ctx: Context, asked: CallbackList) -> web.Response:
    """A page of the tasks; without a filter the open ones, the oldest first."""
    tasks = await _found(ctx.session, ctx.actor, asked, paging.parse(asked.after), paging.PAGE + 1)
    numbers = {task.id: await number_to_call(ctx.session, ctx.actor, task) for task in tasks}
    reasons = {reason.value: reason.label for reason in Reason}
    return await ctx.page(
        "callbacks.html",
        place="callbacks",
        list=listing("/callbacks", COLUMNS, asked, tasks, lambda one: paging.key_of(service.turn(one), one.id)),
        asked=asked,
        states=[(one.value, one.label) for one in Standing],
        people=await _people(ctx.session, tasks),
        reasons=reasons,
        numbers=numbers,
        may_dial=await has_phone(ctx),
        may_export=ctx.actor.may(Permission.ORDER_EXPORT),
        now=now(),
    )


async def _found(
    session: AsyncSession, actor: Actor, asked: Filter, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[CallbackTask]:
    named = await calls_named(session, actor, asked.search)
    wanted = service.Wanted(asked.state is Standing.DONE, named, asked.sort == "oldest")
    return await service.tasks(session, actor, wanted, after=after, limit=limit)


async def _people(session: AsyncSession, tasks: Sequence[CallbackTask]) -> dict[UUID | None, str]:
    """Who took them, and who called; nobody where the citizen called again."""
    ids = {id for task in tasks for id in (task.claimed_by, task.done_by) if id}
    found = await session.execute(select(User.id, User.name).where(among(User.id, ids)))
    return {None: ""} | {row.id: row.name for row in found}


async def export(ctx: Context, asked: CallbackExport) -> web.StreamResponse:
    """The tasks of the filter as a workbook, numbers masked."""
    ctx.actor.require(Permission.ORDER_EXPORT)
    told = {"state": asked.state.label} | searched(asked.search)
    async with ctx.parts.database.session() as session:
        tasks = await _found(session, ctx.actor, asked, None, MOST_ROWS + 1)
        people = await _people(session, tasks)
        what = Taking("回拨任务", "HB", "callbacks.export", HEADS, [_cells(one, people) for one in tasks], told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"回拨任务{today():%Y%m%d}-{done.number}")


def _cells(task: CallbackTask, people: dict[UUID | None, str]) -> list[str]:
    return [
        exact(task.call_ended_at),
        masked(task.phone, "未显示号码"),
        Reason(task.reason).label,
        str(task.attempts),
        people.get(task.claimed_by, ""),
        exact(task.claimed_at, ""),
        people.get(task.done_by, ""),
        exact(task.done_at, ""),
        task.result or "",
    ]


async def has_phone(ctx: Context) -> bool:
    """Whether this person has a telephone at the line, so that numbers can be clicked to be dialled."""
    return ctx.actor.may(Permission.LINE_AGENT) and await ctx.session.get(Agent, ctx.signed_in.user.id) is not None


async def claim(ctx: Context, asked: Claim) -> web.Response:
    """Take it."""
    others = len(await service.claim(ctx.session, ctx.actor, asked.id, asked.version)) - 1
    more = f"同一号码的另外 {others} 条一并领取，回拨一次即可。" if others else ""
    return ctx.redirect("/callbacks", f"已领取，请尽快回拨。{more}")


async def not_reached(ctx: Context, asked: Claim) -> web.Response:
    """Nobody answered."""
    task, *_ = await service.not_reached(ctx.session, ctx.actor, asked.id, asked.version)
    said = f"{short_when(task.not_before)} 后再拨" if task.not_before and not task.done_at else "任务已结束"
    return ctx.redirect("/callbacks", f"已登记第 {task.attempts} 次未接通，{said}。")


async def finish(ctx: Context, asked: Finish) -> web.Response:
    """Close it."""
    await service.finish(ctx.session, ctx.actor, asked.id, asked.version, asked.result)
    return ctx.redirect("/callbacks", "回拨结果已登记。")


P = Permission.CALLBACK_HANDLE
ERRORS = ("no-callback", "callback-changed")
ROUTES = (
    Route("GET", "/callbacks", P, CallbackList, index, "回拨任务", ("bad-page", "no-phone-search")),
    Route(
        "POST", "/callbacks/export", P, CallbackExport, export, "导出回拨任务",
        ("no-phone-search", "no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
    Route("POST", "/callbacks/{id}/claim", P, Claim, claim, "领取回拨任务", (*ERRORS, "callback-claimed")),
    Route(
        "POST", "/callbacks/{id}/not-reached", P, Claim, not_reached, "登记回拨未接通", (*ERRORS, "callback-claimed")
    ),
    Route("POST", "/callbacks/{id}/finish", P, Finish, finish, "登记回拨结果", (*ERRORS, "bad-result")),
)  # fmt: skip
