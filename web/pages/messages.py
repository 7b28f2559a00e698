"""短信日志: every message with what became of it; a person settles those whose fate is unknown."""

from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select, tuple_

from core.permissions import Permission
from crm.sms import service
from crm.sms.models import Sms
from crm.sms.rules import SmsState, resolutions
from crm.tickets.models import Ticket
from web import paging
from web.context import Context
from web.route import Asks, Route

OUTCOMES = {"delivered": "已送达", "failed": "未送达", "resend": "重新发送"}


class MessageList(Asks):
    """Filters of the list."""

    before: str = ""
    state: SmsState | None = None


class Resolve(Asks):
    """What a person found out."""

    id: UUID
    outcome: Literal["delivered", "failed", "resend"]
    reason: Annotated[str, Field(min_length=1, max_length=200)]


async def index(ctx: Context, asked: MessageList) -> web.Response:
    """Messages, the newest first."""
    query = select(Sms, Ticket).outerjoin(Ticket, Ticket.id == Sms.ticket_id)
    query = query.order_by(Sms.created_at.desc(), Sms.id.desc()).limit(paging.PAGE)
    if asked.state:
        query = query.where(Sms.state == asked.state)
    if before := paging.parse(asked.before):
        query = query.where(tuple_(Sms.created_at, Sms.id) < tuple_(*before))
    rows = [(row[0], row[1]) for row in (await ctx.session.execute(query)).all()]
    return await ctx.page(
        "sms.html",
        place="sms",
        rows=rows,
        asked=asked,
        states=[(state.value, state.label) for state in SmsState],
        labels={state.value: state.label for state in SmsState},
        choices=lambda sms: [(one, OUTCOMES[one]) for one in resolutions(SmsState(sms.state))],
        older=paging.older("/sms", [row[0] for row in rows], "created_at", {"state": asked.state or ""}),
    )


async def resolve(ctx: Context, asked: Resolve) -> web.Response:
    """Settle it."""
    await service.resolve(ctx.session, ctx.actor, asked.id, asked.outcome, asked.reason)
    return ctx.redirect("/sms", "处理结果已登记。")


ROUTES = (
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
