"""Work orders 工单: the list, one order with its clock and history, and the acts on it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from core import clock
from core.accounts.channels import Channel
from core.identity.models import Unit
from core.permissions import Permission as P
from crm.county.categories import LABELS, Category
from crm.installed import installed
from crm.procedure import UpstreamPolicy
from crm.queries import people
from crm.queries.story import links, story
from crm.search.earlier import earlier_of
from crm.sms.models import Sms
from crm.sms.rules import SmsState
from crm.tickets import access, dispatch, service
from crm.tickets.dues import effective
from crm.tickets.input import Correction
from crm.tickets.models import Assignment, Round, Ticket, TicketEvent
from crm.tickets.states import Act, Stage, State
from web import act_forms
from web.context import Context
from web.pages import order_form
from web.route import Asks, Route

NEAR_DAYS = 1
LAST_MINUTES = 60
OUTCOMES = {
    "accepted": "办结",
    "replied": "已回复",
    "unreplied": "逾期未复",
    "noted": "已抄送",
    "returned": "已退回",
    "recalled": "已收回",
}
"""How a unit's part ended, by `crm.tickets.parts.Outcome`."""
TEXTS = ("title", "content", "address", "occurred", "caller_name")


class OneOrder(Asks):
    """An order."""

    id: UUID


class Acting(OneOrder):
    """An act on the order as the person saw it."""

    version: int = Field(ge=0, le=2**31)


class Draft(Acting):
    """The form: an empty field is an empty value."""

    category: Category | None = None
    matter: str | None = Field(None, max_length=40)
    title: str = Field("", max_length=60)
    content: str = Field("", max_length=4000)
    address: str = Field("", max_length=200)
    area: str | None = Field(None, max_length=40)
    occurred: str = Field("", max_length=100)
    caller_name: str = Field("", max_length=40)
    caller_phone: str = Field("", max_length=32)
    confidential: bool = False
    lead_unit: UUID | None = None
    assist_units: list[UUID] = Field([], max_length=10)
    power: str = Field("", max_length=40)
    basis: str = Field("", max_length=200)
    not_accused: str = Field("", max_length=200)
    identity_checked: bool = False


class Void(Acting):
    """作废 with its reason."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]


@dataclass(frozen=True)
class Clock:
    """时限 as people read it."""

    text: str
    ends: str
    tone: str
    days: list[dict[str, Any]]


class Asking(OneOrder):
    """Why the caller's name and number must be seen in full."""

    reason: Annotated[str, Field(min_length=2, max_length=200)]


async def show(ctx: Context, asked: OneOrder) -> web.Response:
    """One order with everything that is known of it."""
    return await _page(ctx, asked.id)


async def reveal(ctx: Context, asked: Asking) -> web.Response:
    """The same with the caller in full, once; who looked and why is in the ledger."""
    return await _page(ctx, asked.id, await people.reveal(ctx.session, ctx.actor, asked.id, asked.reason))


CENTRE_ALONE = (Act.FOLLOW_UP, Act.EXCLUDE, Act.DISMISS_CANDIDATE)
"""Acts that a unit does not read of: whom the centre rang up, and candidates that came to nothing (A12.7-3)."""


async def _page(ctx: Context, ticket_id: UUID, revealed: people.Caller | None = None) -> web.Response:
    ticket = await access.get(ctx.session, ctx.actor, ticket_id)
    session = ctx.session
    last = select(Round).where(Round.ticket_id == ticket.id).order_by(Round.n.desc()).limit(1)
    handling = await session.scalar(last)
    parts = (
        select(Assignment, Unit)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(Assignment.ticket_id == ticket.id)
        .order_by(Assignment.closed_at.is_not(None), Assignment.id.desc())
    )
    events = select(TicketEvent).where(TicketEvent.ticket_id == ticket.id).order_by(TicketEvent.seq.desc())
    messages = select(Sms).where(Sms.ticket_id == ticket.id).order_by(Sms.created_at)
    centre = ctx.actor.may(P.ORDER_VIEW)
    if not centre:
        events = events.where(TicketEvent.act.not_in(CENTRE_ALONE))
    earlier = await earlier_of(session, ctx.actor, ticket)
    county, buffer = installed().county, installed().policy[UpstreamPolicy].buffer_wd
    form = await order_form.build(ctx, ticket)
    return await ctx.page(
        "order.html",
        place="orders",
        at=f"/orders/{ticket.id}" if revealed else "",
        ticket=ticket,
        revealed=revealed,
        may_reveal=ctx.actor.may(P.PERSONAL_UNMASK),
        form=form,
        acts=await act_forms.build(session, ctx.actor, ticket, form.offered),
        story=await story(session, ctx.actor, ticket),
        links=await links(session, ctx.actor, ticket),
        handling=handling,
        clock=order_clock(ticket, handling, buffer) if handling else None,
        upstream_buffer=buffer,
        part_clock=part_clock,
        assignments=[(row[0], row[1]) for row in (await session.execute(parts)).all()],
        events=(await session.scalars(events)).all(),
        messages=(await session.scalars(messages)).all() if centre else None,
        sms_labels={state.value: state.label for state in SmsState},
        earlier=earlier,
        labels=labels(),
        matter=county.matters[ticket.matter].name if ticket.matter in county.matters else "",
        area=county.units[ticket.area].name if ticket.area in county.units else "",
    )


def part_clock(part: Assignment) -> tuple[str, Clock] | None:
    """What a unit's part runs against now, and its name; nothing once it answered or ended."""
    if part.closed_at is not None or part.submitted_at is not None:
        return None
    signed = part.signed_at is not None
    clock = clock_of(part.due_at if signed else part.sign_due_at, [])
    return ("办理" if signed else "签收", clock) if clock else None


def labels() -> dict[str, dict[str, str]]:
    """Codes as people read them."""
    return {
        "state": {state.value: state.label for state in State},
        "act": {act.value: act.label for act in Act},
        "category": {one.value: label for one, label in LABELS.items()},
        "stage": {stage.value: stage.label for stage in Stage},
        "outcome": OUTCOMES,
        "role": {"lead": "主办", "assist": "协办", "copy": "抄送", "sub": "二级承办"},
        "source": {"phone": "来电", "message": "留言"} | {one.value: one.label for one in Channel},
    }


def clock_of(due_at: datetime | None, days: list[Any]) -> Clock | None:
    """What remains until `due_at` (exclusive: midnight after the last day, D3)."""
    if due_at is None:
        return None
    last = clock.local(due_at - timedelta(seconds=1)).date()
    ends = f"{last.month}月{last.day}日（周{'一二三四五六日'[last.weekday()]}）{_time(due_at)}"
    counted = [_readable(one) for one in days]
    if clock.now() >= due_at:
        return Clock(f"已逾期 · {ends} 到期", ends, "late", counted)
    today, calendar = clock.today(), installed().calendar
    left = sum(calendar.kind(today + timedelta(days=n)).works for n in range(1, (last - today).days + 1))
    text = f"剩 {left} 个工作日 · {ends} 到期" if left else f"{_until(due_at)} · {ends}"
    return Clock(text, ends, "near" if left <= NEAR_DAYS else "fine", counted)


def order_clock(ticket: Ticket, handling: Round, buffer: int) -> Clock | None:
    """The round's clock, for a city's order the earlier of both (D33); once the order is closed it stands, and says
    whether it was met."""
    running = clock_of(effective(handling.due_at, ticket.upstream_due_at, buffer), handling.days)
    if running is None or ticket.closed_at is None or handling.due_at is None:
        return running
    met = "" if ticket.overdue_at is None else "，曾逾期"
    return Clock(f"已办结{met} · 时限至 {running.ends}", running.ends, "fine", running.days)


def _time(due_at: datetime) -> str:
    """24:00 of the last day, or the hour and minute where something is due within the day."""
    there = clock.local(due_at)
    return "24:00" if (there.hour, there.minute) == (0, 0) else f"{there:%H:%M}"


def _until(due_at: datetime) -> str:
    """今日到期, or how many minutes are left of the last hour."""
    minutes = ceil((due_at - clock.now()).total_seconds() / 60)
    return f"剩 {minutes} 分钟" if minutes <= LAST_MINUTES else "今日到期"


def _readable(one: dict[str, Any]) -> dict[str, Any]:
    return one | {"day": date.fromisoformat(one["day"])}


async def save(ctx: Context, asked: Draft) -> web.Response:
    """Keep what was corrected; proposals that nobody touched stay proposals."""
    ticket = await access.get(ctx.session, ctx.actor, asked.id)
    await service.correct(ctx.session, ctx.actor, asked.id, asked.version, correction(asked, ticket, touched_only=True))
    return ctx.redirect(f"/orders/{asked.id}", "工单已保存。")


async def send(ctx: Context, asked: Draft) -> web.Response:
    """Correct, dispatch, start the clock and queue the receipt, in one transaction (第十三条)."""
    ticket = await access.get(ctx.session, ctx.actor, asked.id)
    given = correction(asked, ticket, touched_only=False)
    corrected = await service.correct(ctx.session, ctx.actor, asked.id, asked.version, given)
    order = dispatch.Order(
        lead_unit_id=asked.lead_unit,
        assist_unit_ids=tuple(asked.assist_units),
        power=asked.power,
        basis=asked.basis,
        not_accused=asked.not_accused,
        identity_checked=asked.identity_checked,
    )
    done = await dispatch.dispatch(ctx.session, ctx.actor, asked.id, corrected.version, order)
    return ctx.redirect(f"/orders/{asked.id}", done.say or "已派发，受理短信已交发送。")


async def void(ctx: Context, asked: Void) -> web.Response:
    """作废."""
    await service.void(ctx.session, ctx.actor, asked.id, asked.version, asked.reason)
    return ctx.redirect(f"/orders/{asked.id}", "工单已作废。")


def correction(asked: Draft, ticket: Ticket, *, touched_only: bool) -> Correction:
    """What the person decided: on dispatch everything that stood on the page, else only what differs."""
    values: dict[str, Any] = {
        name: getattr(asked, name) for name in ("category", "matter", "area", "confidential", *TEXTS)
    }
    if not asked.caller_name:
        del values["caller_name"]
    if asked.caller_phone:
        values["caller_phone"] = asked.caller_phone
    if touched_only:
        values = {name: value for name, value in values.items() if getattr(ticket, name) != value}
    return Correction.model_validate(values)


SEE = (P.ORDER_VIEW, P.ORDER_VIEW_UNIT)
ERRORS = ("no-such-order", "order-changed", "wrong-state", "order-incomplete")
ROUTES = (
    Route("GET", "/orders/{id}", SEE, OneOrder, show, "工单", ("no-such-order",)),
    Route("POST", "/orders/{id}", P.ORDER_EDIT, Draft, save, "保存工单", ERRORS),
    Route("POST", "/orders/{id}/dispatch", P.ORDER_DISPATCH, Draft, send, "派发工单", (*ERRORS, "no-such-unit")),
    Route(
        "POST",
        "/orders/{id}/caller",
        P.PERSONAL_UNMASK,
        Asking,
        reveal,
        "查看诉求人",
        ("no-such-order", "no-reason", "sealed"),
    ),
    Route("POST", "/orders/{id}/void", P.ORDER_EDIT, Void, void, "作废工单", ERRORS),
)
