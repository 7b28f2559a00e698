"""短信日志: the outbox with what became of each message; a person settles those whose fate is unknown (F13-3)."""

from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.permissions import Permission
from crm.queries import messages, messages_sheet
from crm.sms import service
from crm.sms.rules import SmsState
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.route import Asks, Route

COLUMNS = (
    Column("生成时间", ("newest", "oldest")),
    *map(Column, ("工单", "号码", "状态", "内容与经过", "处理")),
)
OUTCOMES = {"delivered": "已送达", "failed": "未送达", "resend": "重新发送"}


class MessageFilter(Asks):
    """Filters of the list; `waiting`: those that a person has to settle."""

    state: SmsState | None = None
    waiting: bool = False
    number: Annotated[str, Field(max_length=20)] = ""
    sort: Literal["newest", "oldest"] = "newest"


class MessageList(MessageFilter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class MessageExport(MessageFilter):
    """The messages of the filter, to be taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Resolve(Asks):
    """What a person found out."""

    id: UUID
    outcome: Literal["delivered", "failed", "resend"]
    reason: Annotated[str, Field(min_length=1, max_length=200)]


async def export(ctx: Context, asked: MessageExport) -> web.StreamResponse:
    """The messages of the filter as a workbook."""
    async with ctx.parts.database.session() as session:
        done = await messages_sheet.export(
            session,
            ctx.actor,
            state=asked.state,
            for_person=asked.waiting,
            number=asked.number,
            oldest_first=asked.sort == "oldest",
            reason=asked.reason,
            title=ctx.parts.title,
        )
    return await send_sheet(ctx.request, done.content, f"短信日志{today():%Y%m%d}-{done.number}")


async def index(ctx: Context, asked: MessageList) -> web.Response:
    """A page of the messages, and how soon today's receipts went out."""
    found = await messages.log(
        ctx.session,
        ctx.actor,
        states=frozenset({asked.state}) if asked.state else frozenset(),
        for_person=asked.waiting,
        number=asked.number,
        oldest_first=asked.sort == "oldest",
        after=paging.parse(asked.after),
        limit=paging.PAGE + 1,
    )
    return await ctx.page(
        "sms.html",
        place="sms",
        list=listing("/sms", COLUMNS, asked, found, lambda one: paging.key_of(one.created_at, one.id)),
        asked=asked,
        states=[(state.value, state.label) for state in SmsState],
        tally=await messages.tally(ctx.session),
        prompt=await messages.promptness(ctx.session),
        outcomes=OUTCOMES,
        may_resolve=ctx.actor.may(Permission.SMS_RESOLVE),
    )


async def resolve(ctx: Context, asked: Resolve) -> web.Response:
    """Settle it."""
    await service.resolve(ctx.session, ctx.actor, asked.id, asked.outcome, asked.reason)
    return ctx.redirect("/sms", "处理结果已登记。")


ROUTES = (
    Route(
        "POST",
        "/sms/export",
        Permission.SMS_VIEW,
        MessageExport,
        export,
        "导出短信日志",
        ("no-reason", "too-many-rows", "nothing-to-export"),
        stream=True,
    ),
    Route("GET", "/sms", Permission.SMS_VIEW, MessageList, index, "短信日志", ("bad-page",)),
    Route(
        "POST",
        "/sms/{id}/resolve",
        Permission.SMS_RESOLVE,
        Resolve,
        resolve,
        "登记短信结果",
        ("no-such-sms", "sms-settled"),
    ),
)
