"""短信日志: the outbox with what became of each message; a person settles those whose fate is unknown (F13-3)."""

from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.permissions import Permission
from crm.queries import messages, messages_sheet
from crm.sms import service
from crm.sms.rules import SmsState
from web.context import Context
from web.files import send_sheet
from web.lists import asked_of
from web.route import Asks, Route

OUTCOMES = {"delivered": "已送达", "failed": "未送达", "resend": "重新发送"}


class MessageList(Asks):
    """Filters of the list; `waiting`: those that a person has to settle."""

    state: SmsState | None = None
    waiting: bool = False
    number: Annotated[str, Field(max_length=20)] = ""
    after: Annotated[str, Field(max_length=100)] = ""


class MessageExport(MessageList):
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
            reason=asked.reason,
            title=ctx.parts.title,
        )
    return await send_sheet(ctx.request, done.content, f"短信日志{today():%Y%m%d}-{done.number}")


async def index(ctx: Context, asked: MessageList) -> web.Response:
    """Messages, the newest first, and how soon today's receipts went out."""
    found = await messages.log(
        ctx.session,
        ctx.actor,
        states=frozenset({asked.state}) if asked.state else frozenset(),
        for_person=asked.waiting,
        number=asked.number,
        after=asked.after or None,
    )
    return await ctx.page(
        "sms.html",
        place="sms",
        rows=found.messages,
        asked=asked,
        further="/sms?" + urlencode(asked_of(asked) | {"after": found.next}) if found.next else "",
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
    Route("GET", "/sms", Permission.SMS_VIEW, MessageList, index, "短信日志", ("bad-cursor",)),
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
