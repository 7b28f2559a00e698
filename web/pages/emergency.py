"""One 突发事件: its orders and callers, its time line, and its acts."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.permissions import Permission as P
from crm.alarms import queries as alarms
from crm.county.emergencies import Level
from crm.emergencies import queries, service
from crm.emergencies.queries import MOST_ENTRIES, MOST_ORDERS
from crm.emergencies.rules import Standing
from crm.emergencies_policy import EmergencyPolicy
from crm.installed import installed
from crm.linkages import queries as linkages
from crm.tickets.access import sees_identity
from web.context import Context
from web.lists import shown
from web.pages.emergencies import areas
from web.pages.orders import labels
from web.route import Asks, Route

Reason = Annotated[str, Field(min_length=2, max_length=200)]


class OneEvent(Asks):
    """An event."""

    id: UUID


class WithReason(OneEvent):
    """And why."""

    reason: Reason


class Linked(OneEvent):
    """Orders by number, separated by spaces."""

    orders: Annotated[str, Field(min_length=6, max_length=400)]


class TakenOut(WithReason):
    """And the order."""

    order: UUID


class Progress(OneEvent):
    """What was done or learnt."""

    text: Annotated[str, Field(min_length=2, max_length=300)]


class Closing(OneEvent):
    """The event as the person saw it, and what all callers are told."""

    version: int = Field(ge=1, le=2**31)
    answer: Annotated[str, Field(min_length=4, max_length=100)]


async def show(ctx: Context, asked: OneEvent) -> web.Response:
    """One event with everything that is known of it."""
    event = await queries.event(ctx.session, asked.id)
    members, more = shown(await queries.members(ctx.session, ctx.actor, event), MOST_ORDERS)
    entries, more_entries = shown(await queries.entries(ctx.session, event.id), MOST_ENTRIES)
    linked, more_linked = shown(await linkages.of_event(ctx.session, ctx.actor, event.id), linkages.MOST)
    kind, policy = service.kind_of(event.kind), installed().policy[EmergencyPolicy]
    return await ctx.page(
        "emergency.html",
        place="emergencies",
        event=event,
        kind=kind,
        area=areas().get(event.area or "", ""),
        standing=Standing(event.state),
        members=members,
        more=more,
        alarms=await alarms.of_event(ctx.session, event.id),
        entries=entries,
        more_entries=more_entries,
        linked=linked,
        more_linked=more_linked,
        sees=lambda ticket: sees_identity(ctx.actor, ticket),
        labels=labels(),
        policy=policy,
        sign_minutes=policy.sign_life_minutes if kind.level is Level.LIFE else policy.sign_utility_minutes,
        may_act=ctx.actor.may(P.ORDER_EDIT),
        may_lead=ctx.actor.may(P.EMERGENCY_LEAD),
    )


async def confirm(ctx: Context, asked: OneEvent) -> web.Response:
    """What was suggested is one event."""
    event = await service.confirm_event(ctx.session, ctx.actor, asked.id)
    return ctx.redirect(f"/emergencies/{event.id}", "已确认为一个突发事件。")


async def dismiss(ctx: Context, asked: WithReason) -> web.Response:
    """It is none."""
    await service.dismiss_event(ctx.session, ctx.actor, asked.id, asked.reason)
    return ctx.redirect(f"/emergencies/{asked.id}", "已登记不是突发事件。")


async def link(ctx: Context, asked: Linked) -> web.Response:
    """Orders belong to it."""
    numbers = list(dict.fromkeys(asked.orders.replace("、", " ").replace("，", " ").upper().split()))
    count = await service.link(ctx.session, ctx.actor, asked.id, numbers)
    return ctx.redirect(f"/emergencies/{asked.id}", f"已关联 {count} 张工单。")


async def take_out(ctx: Context, asked: TakenOut) -> web.Response:
    """An order does not."""
    await service.take_out(ctx.session, ctx.actor, asked.id, asked.order, asked.reason)
    return ctx.redirect(f"/emergencies/{asked.id}", "已移出本事件。")


async def note(ctx: Context, asked: Progress) -> web.Response:
    """A line of the time line."""
    await service.note(ctx.session, ctx.actor, asked.id, asked.text)
    return ctx.redirect(f"/emergencies/{asked.id}", "处置进展已登记。")


async def close(ctx: Context, asked: Closing) -> web.Response:
    """One answer to all callers."""
    count = await service.close(ctx.session, ctx.actor, asked.id, asked.version, asked.answer)
    return ctx.redirect(f"/emergencies/{asked.id}", f"事件已办结，答复 {count} 件诉求，短信已交发送。")


E = P.ORDER_EDIT
ONE = ("no-emergency", "emergency-wrong-state")
ROUTES = (
    Route(
        "GET", "/emergencies/{id}", P.ORDER_VIEW, OneEvent, show, "突发事件详情", ("no-emergency", "no-emergency-kind")
    ),
    Route("POST", "/emergencies/{id}/confirm", E, OneEvent, confirm, "确认为一个突发事件", ONE),
    Route(
        "POST", "/emergencies/{id}/dismiss", E, WithReason, dismiss, "认定不是突发事件", (*ONE, "emergency-lead-only")
    ),
    Route(
        "POST", "/emergencies/{id}/orders", E, Linked, link, "关联工单",
        (*ONE, "no-such-order", "order-of-another-event"),
    ),
    Route(
        "POST", "/emergencies/{id}/orders/{order}/remove", E, TakenOut, take_out, "移出工单", (*ONE, "no-such-order")
    ),
    Route("POST", "/emergencies/{id}/notes", E, Progress, note, "登记处置进展", ONE),
    Route(
        "POST", "/emergencies/{id}/close", P.EMERGENCY_LEAD, Closing, close, "办结突发事件并答复",
        (*ONE, "emergency-lead-only", "changed-meanwhile"),
    ),
)  # fmt: skip
