"""Work orders 工单: the list, one order with its clock and history, and the acts on it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import ceil
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from callflow.spoken.rules import Outcome
from core import clock
from core.accounts.channels import Channel
from core.calendar import Limit, LimitUnit
from core.permissions import Permission as P
from crm.citizens.restrictions import is_restricted
from crm.county.categories import LABELS, Category
from crm.county.locate import locate
from crm.drafts import typed
from crm.escalations.rules import Verdict
from crm.finding import of_order
from crm.installed import installed
from crm.members.names import names_of
from crm.procedure import UpstreamPolicy
from crm.queries import people
from crm.queries.behind import Page
from crm.queries.story import links, story
from crm.search.footnotes import footnotes
from crm.secrecy_policy import SecrecyPolicy
from crm.sms.models import Sms
from crm.sms.rules import SmsState
from crm.tickets import access, dispatch, files, service
from crm.tickets.acts.secrecy import Consent, Secrecy
from crm.tickets.case import rows_of
from crm.tickets.input import Correction
from crm.tickets.masking import mask_numbers
from crm.tickets.models import Assignment, Reply, Round, StatutoryLimit, Ticket, TicketEvent
from crm.tickets.perform import offers
from crm.tickets.remarks import Demand, Remark, remarks
from crm.tickets.states import Act, Stage, State
from recordings import queries as recorded
from recordings.models import Recording, Transcript
from recordings.proof.queries import sealed_on
from web import act_forms, no_words
from web.context import Context
from web.lists import shown
from web.pages import beside, emergency_strip, escalations, filed, linkages, listening_requests, order_calls, order_form
from web.pages.regulations import own_articles
from web.route import Asks, Route
from web.words import Words, words

NEAR_DAYS = 1
LAST_MINUTES = 60
SHOWN_LINKS = 20
OUTCOMES = {
    "accepted": "办结",
    "replied": "已回复",
    "unreplied": "逾期未复",
    "noted": "已抄送",
    "read": "已阅知",
    "returned": "已退回",
    "recalled": "已收回",
}
"""How a unit's part ended, by `crm.tickets.parts.Outcome`."""
TEXTS = ("title", "content", "address", "occurred", "subject", "demand", "caller_name")


class OneOrder(Asks):
    """An order."""

    id: UUID


class Shown(OneOrder):
    """An order, and what an act's form begins with: an item of 第十条, or the number of another order."""

    item: int | None = Field(None, ge=1, le=7)
    master: str = Field("", max_length=40)
    earlier: str = Field("", max_length=40)

    @property
    def begun(self) -> act_forms.Begun:
        """Act and field -> what stands there."""
        given = {(Act.MERGE, "master_id"): self.master, (Act.REPEAT, "earlier_id"): self.earlier}
        listed = next((one for one in installed().county.screening.item if one.number == self.item), None)
        if self.item:
            given[Act.REFUSE, "item"] = str(self.item)
        if listed:
            given |= {(Act.REFUSE, "explanation"): listed.script, (Act.REFUSE, "referral"): listed.referral}
        return {where: value for where, value in given.items() if value}


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
    subject: str = Field("", max_length=100)
    demand: str = Field("", max_length=500)
    caller_name: str = Field("", max_length=40)
    caller_phone: str = Field("", max_length=32)
    confidential: bool = False
    emergency: bool = False
    lead_unit: UUID | None = None
    assist_units: list[UUID] = Field([], max_length=10)
    power: str = Field("", max_length=40)
    basis: str = Field("", max_length=200)
    not_accused: str = Field("", max_length=200)
    identity_checked: bool = False
    hard: bool = False
    incomplete_reason: str = Field("", max_length=200)
    proposed: list[Annotated[str, Field(max_length=40)]] = Field([], max_length=20)
    """Fields that stand as the machine filled them: nobody has confirmed them yet."""


@dataclass(frozen=True)
class Clock:
    """时限 as people read it."""

    text: str
    ends: str
    tone: str
    days: list[dict[str, Any]]


@dataclass(frozen=True)
class Heard:
    """An order's call with what was said and recorded; `none`: heading and sentence where there are no words."""

    call: Call
    recordings: Sequence[Recording]
    talk: Words
    none: tuple[str, str] = ("", "")


class Asking(OneOrder):
    """Why the caller's name and number must be seen in full."""

    reason: Annotated[str, Field(min_length=2, max_length=200)]


async def show(ctx: Context, asked: Shown) -> web.Response:
    """One order with everything that is known of it."""
    return await _page(ctx, asked.id, begun=asked.begun)


async def reveal(ctx: Context, asked: Asking) -> web.Response:
    """The same with the citizen in full for some minutes; who looked and why is in the ledger."""
    await people.reveal(ctx.session, ctx.actor, asked.id, asked.reason)
    return await _page(ctx, asked.id, f"/orders/{asked.id}")


SEES_ADDRESSES = (P.ORDER_OVERSEE, P.ORDER_REVIEW)
"""Who answers for what others did with orders reads from which workstation they did it."""
WAYS = {"call": "随来电", "machine": "系统自动", "api": "接口", "import": "市级导入", "data-request": "按个人信息申请"}
"""By which way an act came, where it was not a desk."""
CENTRE_ALONE = (Act.FOLLOW_UP, Act.RERATE, Act.EXCLUDE, Act.CLASSIFY, Act.DISMISS_CANDIDATE)
"""Acts that a unit does not read of: whom the centre rang up, and candidates that came to nothing (A12.7-3)."""


async def _page(ctx: Context, ticket_id: UUID, at: str = "", begun: act_forms.Begun | None = None) -> web.Response:
    ticket = await access.get(ctx.session, ctx.actor, ticket_id)
    seen = await people.unmasked(ctx.session, ctx.actor, ticket)
    session = ctx.session
    last = select(Round).where(Round.ticket_id == ticket.id).order_by(Round.n.desc()).limit(1)
    handling = await session.scalar(last)
    wanted = select(Assignment).where(Assignment.ticket_id == ticket.id)
    parts = (await session.scalars(wanted.order_by(Assignment.closed_at.is_not(None), Assignment.id.desc()))).all()
    names = await names_of(session, [part.unit_id for part in parts])
    events = select(TicketEvent).where(TicketEvent.ticket_id == ticket.id).order_by(TicketEvent.seq.desc())
    messages = select(Sms).where(Sms.ticket_id == ticket.id).order_by(Sms.created_at)
    centre = ctx.actor.may(P.ORDER_VIEW)
    if not centre:
        events = events.where(TicketEvent.act.not_in(CENTRE_ALONE))
    county, buffer = installed().county, installed().policy[UpstreamPolicy].buffer_wd
    offered = await offers(session, ctx.actor, ticket)
    drafting = any(one.act is Act.CORRECT for one in offered)
    known = access.sees_identity(ctx.actor, ticket)
    near = Page(SHOWN_LINKS + 1, oldest_first=True)
    linked, more_links = shown(await links(session, ctx.actor, ticket, near), SHOWN_LINKS)
    heard = await _heard(ctx, ticket, in_full=seen is not None) if known else None
    hears = known and ctx.actor.may(P.RECORDING_VIEW)
    sounds = await of_order.recordings(session, ctx.actor, ticket.id) if hears else ()
    takes = bool(sounds) and ctx.actor.may(P.RECORDING_TAKE)
    kept = await files.readable(session, ctx.actor, ticket)
    return await ctx.page(
        "order.html",
        place="orders",
        at=at,
        ticket=ticket,
        seen=seen,
        revealed=seen.caller if seen else None,
        may_reveal=ctx.actor.may(P.PERSONAL_UNMASK) or ctx.actor.may(P.ORDER_CONTACT),
        minutes=installed().policy[SecrecyPolicy].unmask_minutes,
        secrecy=Secrecy(ticket.secrecy),
        consent={True: Consent.YES, False: Consent.NO, None: Consent.UNASKED}[ticket.publish_ok],
        form=await order_form.build(ctx, ticket, offered) if drafting else None,
        shows_identity=known,
        ask_listening=await listening_requests.offer(ctx, ticket),
        heard=heard,
        calls=await order_calls.of_order(ctx, ticket, sounds) if known else None,
        spoken_words={one: one.label for one in Outcome},
        sounds=sounds,
        take_sound=listening_requests.form_values() if takes else None,
        acts=await act_forms.build(session, ctx.actor, ticket, offered, begun),
        beside=await beside.build(ctx, ticket),
        story=await story(session, ctx.actor, ticket),
        files={str(one.id): one for one in kept},
        proofs=await sealed_on(session, [one.id for one in kept]) if ctx.actor.may(P.RETENTION_VIEW) else {},
        remarks=await _remarks(ctx, ticket),
        links=linked,
        more_links=more_links,
        handling=handling,
        clock=order_clock(ticket, handling) if handling else None,
        city_clock=clock_of(ticket.due_at, []) if not handling and not ticket.closed_at else None,
        limit=await limit_said(session, handling) if handling else "",
        elapsed=elapsed(ticket),
        upstream_buffer=buffer,
        part_clock=part_clock,
        rests_on=await footnotes(session, [ticket.id]) if handling else [],
        own=own_articles(),
        assignments=[(part, names.at(part.unit_id, part.dispatched_at)) for part in parts],
        events=(await session.scalars(events)).all(),
        ways=WAYS,
        restricted=await is_restricted(ctx.session, ticket.caller_phone),
        sees_addresses=any(ctx.actor.may(one) for one in SEES_ADDRESSES),
        messages=(await session.scalars(messages)).all() if centre else None,
        sms_labels={state.value: state.label for state in SmsState},
        labels=labels(),
        noticed=await emergency_strip.of_order(ctx, ticket) if centre else None,
        linked=await linkages.of_order(ctx, ticket) if centre else None,
        filed=await filed.of_order(ctx, ticket) if centre else None,
        climb=await escalations.of_order(ctx, ticket) if centre else None,
        verdicts=Verdict,
        matter=county.matters[ticket.matter].name if ticket.matter in county.matters else "",
        area=county.units[ticket.area].name if ticket.area in county.units else "",
        village=_village(ticket),
    )


async def _heard(ctx: Context, ticket: Ticket, *, in_full: bool) -> Heard | None:
    """The call beside what came from it, for those who may see calls; numbers in its words are masked like those in the
    order's own text."""
    if ticket.call_id is None or not ctx.actor.may(P.CALL_VIEW):
        return None
    session = ctx.session
    call = await session.get(Call, ticket.call_id)
    if call is None:
        return None
    sounds = await recorded.recordings_of_call(session, ctx.actor, call.id) if ctx.actor.may(P.RECORDING_VIEW) else ()
    talk = await words(session, call)
    if not talk.lines:
        why = no_words.why(call, await session.get(Transcript, call.id), await recorded.speech_status(session))
        return Heard(call, sounds, talk, why)
    if in_full:
        return Heard(call, sounds, talk)
    masked = [replace(line, text=mask_numbers(line.text)) for line in talk.lines]
    return Heard(call, sounds, replace(talk, lines=masked))


async def _remarks(ctx: Context, ticket: Ticket) -> list[Remark]:
    """For who checks the answer that waits: what a reader would remark about it (F12.4-2)."""
    if ticket.state != State.CHECKING or not ctx.actor.may(P.ORDER_CHECK):
        return []
    found = [one for one in await rows_of(ctx.session, ticket.id, Reply) if one.state == "submitted"]
    demand = Demand(ticket.title, ticket.content, ticket.caller_name or "")
    return [remark for one in found for remark in remarks(one.text, demand, one.close_kind, one.citation)]


def _village(ticket: Ticket) -> str:
    """The village or community of the address, where it lies in the order's own area."""
    here = installed()
    found = locate(ticket.address, here.gazetteer, here.county) if ticket.address else None
    return found.village.name if found and found.village and found.area == ticket.area else ""


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
        "role": {"lead": "主办", "assist": "协办", "copy": "抄送", "reader": "知会", "sub": "二级承办"},
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


LIMITS = {"repeated": "来电3次及以上且疑难、复杂", "ordered": "责成重办"}
"""What a round runs by instead of its category's limit, by `Round.limit_kind`."""


async def limit_said(session: AsyncSession, handling: Round) -> str:
    """Which limit the round runs by: `10个工作日`, `特别时限30日（某条例第十条）`."""
    statute = await session.get(StatutoryLimit, handling.statutory_limit_id) if handling.statutory_limit_id else None
    if statute is not None:
        return f"特别时限{Limit(statute.n, LimitUnit(statute.unit))}（{statute.citation}）"
    return f"{LIMITS.get(handling.limit_kind, '')}{handling.limit_days}个工作日"


def elapsed(ticket: Ticket) -> int | None:
    """Working days since the first dispatch, whatever clocks began anew since (D10); None before it."""
    if ticket.first_dispatched_at is None:
        return None
    first, last = (clock.local(at).date() for at in (ticket.first_dispatched_at, ticket.closed_at or clock.now()))
    kind = installed().calendar.kind
    return sum(kind(first + timedelta(days=n)).works for n in range(1, (last - first).days + 1))


def order_clock(ticket: Ticket, handling: Round) -> Clock | None:
    """The clock that counts, for a city's order the earlier of both (D33); once the order is closed it stands, and says
    whether it was met."""
    running = clock_of(ticket.due_at or handling.due_at, handling.days)
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
    await typed.forget(ctx.session, ctx.actor, asked.id)
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
        hard=asked.hard,
        incomplete_reason=asked.incomplete_reason,
    )
    done = await dispatch.dispatch(ctx.session, ctx.actor, asked.id, corrected.version, order)
    await typed.forget(ctx.session, ctx.actor, asked.id)
    return ctx.redirect(f"/orders/{asked.id}", done.say or "已派发，受理短信已交发送。")


def correction(asked: Draft, ticket: Ticket, *, touched_only: bool) -> Correction:
    """What the person decided: on dispatch everything that stood on the page, else only what differs or was confirmed.

    F12.1-3: a field that still stands as the machine filled it is nobody's decision. A name that is masked on the page
    is kept by leaving its field empty.
    """
    values: dict[str, Any] = {
        name: getattr(asked, name) for name in ("category", "matter", "area", "confidential", "emergency", *TEXTS)
    }
    if not asked.caller_name:
        values["caller_name"] = ticket.caller_name
    if not values["caller_name"]:
        del values["caller_name"]
    if asked.caller_phone:
        values["caller_phone"] = asked.caller_phone
    values = {name: value for name, value in values.items() if name not in asked.proposed}
    if touched_only:
        open_ = set(ticket.proposals) - set(ticket.accepted)
        values = {name: value for name, value in values.items() if name in open_ or getattr(ticket, name) != value}
    return Correction.model_validate(values)


SEE = (P.ORDER_VIEW, P.ORDER_VIEW_UNIT)
ERRORS = ("no-such-order", "order-changed", "wrong-state", "order-incomplete")
ROUTES = (
    Route("GET", "/orders/{id}", SEE, Shown, show, "工单", ("no-such-order",)),
    Route("POST", "/orders/{id}", P.ORDER_EDIT, Draft, save, "保存工单", ERRORS),
    Route("POST", "/orders/{id}/dispatch", P.ORDER_DISPATCH, Draft, send, "派发工单", (*ERRORS, "no-such-unit")),
    Route(
        "POST",
        "/orders/{id}/caller",
        (P.PERSONAL_UNMASK, P.ORDER_CONTACT),
        Asking,
        reveal,
        "查看诉求人",
        ("no-such-order", "no-reason", "sealed", "not-at-work"),
    ),
)
