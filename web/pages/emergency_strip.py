"""突发事件提示 on an order's page: what was noticed in its words, and what people decide about it (F14-1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from callflow.models import Call
from core.permissions import Permission as P
from crm.county.categories import Category
from crm.county.emergencies import EmergencyKind
from crm.emergencies import queries, service
from crm.emergencies.models import EmergencySign
from crm.emergencies.queries import Noticed
from crm.emergencies.rules import category_stays, other_category
from crm.installed import installed
from crm.linkages import lines
from crm.linkages.lines import Line
from crm.tickets.access import several
from crm.tickets.models import Ticket
from crm.tickets.states import State
from web.context import Context
from web.route import Asks, Route


class Decided(Asks):
    """A sign; `back`: the page on which it was decided."""

    id: UUID
    back: Annotated[str, Field(pattern=r"^/(calls|orders)/[0-9a-f-]{36}$")] | None = None


class Confirmed(Decided):
    """And what the order becomes where it is neither 求助 nor 举报 (D30)."""

    category: Literal["help", "report"] = "help"


class Dismissed(Decided):
    """And why it is none."""

    reason: Annotated[str, Field(min_length=2, max_length=200)]


@dataclass(frozen=True)
class Strip:
    """What an order's page shows: what was noticed, and what this person may do about it."""

    signs: Sequence[Noticed]
    kinds: Mapping[str, EmergencyKind]
    lines: Mapping[str, Sequence[Line]]
    """Code of a kind -> whom it is passed on to."""
    call: str
    """The citizen's call while it lasts, as the page's telephone knows it: its keys show while that has it in hand."""
    may_decide: bool
    may_overrule: bool
    other: str
    """What its category is, where 第十四条 does not name it; empty: nothing is asked."""
    stays: str
    """Why that is not changed by confirming; empty: it is."""


async def of_order(ctx: Context, ticket: Ticket) -> Strip:
    """The strip of an order, for staff of the centre."""
    kinds = {one.code: one for one in installed().county.emergencies.kind}
    signs = await queries.of_order(ctx.session, ticket.id)
    alive = {one.sign.kind for one in signs if one.sign.state != "dismissed"}
    passed_on = {code: await lines.of_kind(ctx.session, kinds[code]) for code in alive}
    call = await ctx.session.get(Call, ticket.call_id) if ticket.call_id and alive else None
    may = ctx.actor.may(P.ORDER_EDIT)
    lasting = call.linkedid if call and call.ended_at is None else ""
    overrule = may and ctx.actor.may(P.EMERGENCY_LEAD)
    other, stays = other_category(ticket.category), category_stays(ticket.category, State(ticket.state))
    return Strip(signs, kinds, passed_on, lasting, may, overrule, other, stays)


async def confirm_sign(ctx: Context, asked: Confirmed) -> web.Response:
    """The order is an emergency; whoever may not know of it as a 举报 goes on at the event."""
    event = await service.confirm(ctx.session, ctx.actor, asked.id, Category(asked.category))
    sign = await ctx.session.get_one(EmergencySign, asked.id)
    ticket = (await several(ctx.session, ctx.actor, {sign.ticket_id})).get(sign.ticket_id)
    stays = category_stays(ticket.category, State(ticket.state)) if ticket else ""
    told = f"已确认为突发事件 {event.number}，请立即转接、派发。" + (f"{stays}。" if stays else "")
    return ctx.redirect((ticket and asked.back) or f"/emergencies/{event.id}", told)


async def dismiss_sign(ctx: Context, asked: Dismissed) -> web.Response:
    """It is none."""
    sign = await service.dismiss(ctx.session, ctx.actor, asked.id, asked.reason)
    return ctx.redirect(asked.back or f"/orders/{sign.ticket_id}", "已登记不是突发事件。")


SIGN = ("no-emergency-sign", "sign-decided", "emergency-lead-only")
ROUTES = (
    Route(
        "POST", "/emergency-signs/{id}/confirm", P.ORDER_EDIT, Confirmed, confirm_sign, "确认为突发事件",
        (*SIGN, "no-emergency-kind"),
    ),
    Route(
        "POST", "/emergency-signs/{id}/dismiss", P.ORDER_EDIT, Dismissed, dismiss_sign, "登记不是突发事件", SIGN
    ),
)  # fmt: skip
