"""突发事件提示 on an order's page: what was noticed in its words, and what people decide about it (F14-1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.permissions import Permission as P
from crm.county.emergencies import EmergencyKind
from crm.emergencies import queries, service
from crm.emergencies.queries import Noticed
from crm.installed import installed
from crm.tickets.models import Ticket
from web.context import Context
from web.route import Asks, Route


class Decided(Asks):
    """A sign; `back`: the page on which it was decided."""

    id: UUID
    back: Annotated[str, Field(pattern=r"^/(calls|orders)/[0-9a-f-]{36}$")] | None = None


class Dismissed(Decided):
    """And why it is none."""

    reason: Annotated[str, Field(min_length=2, max_length=200)]


@dataclass(frozen=True)
class Strip:
    """What an order's page shows: what was noticed, and what this person may do about it."""

    signs: Sequence[Noticed]
    kinds: Mapping[str, EmergencyKind]
    may_decide: bool
    may_overrule: bool


async def of_order(ctx: Context, ticket: Ticket) -> Strip:
    """The strip of an order, for staff of the centre."""
    kinds = {one.code: one for one in installed().county.emergencies.kind}
    signs = await queries.of_order(ctx.session, ticket.id)
    may = ctx.actor.may(P.ORDER_EDIT)
    return Strip(signs, kinds, may, may and ctx.actor.may(P.EMERGENCY_LEAD))


async def confirm_sign(ctx: Context, asked: Decided) -> web.Response:
    """The order is an emergency."""
    event = await service.confirm(ctx.session, ctx.actor, asked.id)
    return ctx.redirect(
        asked.back or f"/emergencies/{event.id}", f"已确认为突发事件 {event.number}，请立即转接、派发。"
    )


async def dismiss_sign(ctx: Context, asked: Dismissed) -> web.Response:
    """It is none."""
    sign = await service.dismiss(ctx.session, ctx.actor, asked.id, asked.reason)
    return ctx.redirect(asked.back or f"/orders/{sign.ticket_id}", "已登记不是突发事件。")


SIGN = ("no-emergency-sign", "sign-decided", "emergency-lead-only")
ROUTES = (
    Route(
        "POST", "/emergency-signs/{id}/confirm", P.ORDER_EDIT, Decided, confirm_sign, "确认为突发事件",
        (*SIGN, "no-emergency-kind"),
    ),
    Route(
        "POST", "/emergency-signs/{id}/dismiss", P.ORDER_EDIT, Dismissed, dismiss_sign, "登记不是突发事件", SIGN
    ),
)  # fmt: skip
