"""调听申请: asked for at a recording or an order, decided by officers on one page, followed by askers on another."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from core.clock import local, now, today
from core.db import among
from core.errors import Denied, NotFound
from core.permissions import Permission
from crm.finding import of_order
from crm.tickets import access, belonging
from crm.tickets.models import Ticket
from recordings.desk import requests
from recordings.desk.models import ListeningRequest, RequestState
from recordings.desk.requests import Wish
from recordings.models import Recording
from web.context import Context
from web.listening import OneRecording, Reason, policy
from web.render import exact, short_when
from web.route import Asks, Nothing, Route

SHOWN = 50
USUAL_DAYS = 3
LABELS = {
    RequestState.WAITING: ("待审批", "warn"),
    RequestState.APPROVED: ("已批准", "good"),
    RequestState.REFUSED: ("未批准", "bad"),
    RequestState.CANCELLED: ("已撤销", ""),
    RequestState.WITHDRAWN: ("批准已撤回", "bad"),
}


class Asking(Asks):
    """What for, why, and until which day."""

    purpose: Annotated[str, Field(min_length=2, max_length=40)]
    reason: Reason
    until: date


class AskRecording(OneRecording, Asking):
    """For one recording."""


class AskOrder(Asking):
    """For the recordings of all calls of an order."""

    id: UUID


class OneRequest(Asks):
    """A request."""

    id: UUID


class Approval(OneRequest):
    """Until which day, and a word with it."""

    until: date
    words: Annotated[str, Field(max_length=200)] = ""


class Refusal(OneRequest):
    """Why not, or why no longer."""

    words: Annotated[str, Field(min_length=2, max_length=200)]


async def ask_recording(ctx: Context, asked: AskRecording) -> web.Response:
    """Ask for one recording."""
    ctx.actor.require(Permission.RECORDING_VIEW)
    row = await ctx.session.get(Recording, asked.id)
    if row is None:
        raise NotFound("recording-unknown", "没有这份录音。")
    about = f"{exact(row.started_at)} {row.kind.label}录音"
    await _ask(ctx, asked, Wish(about, [row.id], asked.purpose, asked.reason, asked.until))
    return ctx.redirect("/my-listening", "调听申请已提交，由档案员审批。")


async def ask_order(ctx: Context, asked: AskOrder) -> web.Response:
    """Ask for the recordings of all calls of an order that one may see; never for whose caller must stay unknown."""
    ticket = await access.get(ctx.session, ctx.actor, asked.id)
    if not access.sees_identity(ctx.actor, ticket):
        raise Denied("order-sealed", "举报件和要求保密的工单，录音不得申请调听。")
    heard = await of_order.recordings(ctx.session, ctx.actor, ticket.id)
    wish = Wish(f"工单 {ticket.number}", [row.id for row in heard], asked.purpose, asked.reason, asked.until, ticket.id)
    await _ask(ctx, asked, wish)
    return ctx.redirect("/my-listening", "调听申请已提交，由档案员审批。")


async def _ask(ctx: Context, asked: Asking, wish: Wish) -> None:
    await requests.ask(ctx.session, ctx.actor, policy(), wish)


async def offer(ctx: Context, ticket: Ticket) -> dict[str, object] | None:
    """What the order's page needs to let this person ask; None where nobody has to or may."""
    actor = ctx.actor
    needs = actor.may(Permission.RECORDING_ASK) and not actor.may(Permission.RECORDING_LISTEN)
    if not needs or not access.sees_identity(actor, ticket):
        return None
    if not await of_order.recordings(ctx.session, actor, ticket.id):
        return None
    return form_values()


def form_values() -> dict[str, object]:
    """Purposes, the usual last day and the furthest one."""
    days = policy().request_days
    return {
        "purposes": [(one, one) for one in policy().purposes],
        "until": today() + timedelta(days=min(USUAL_DAYS, days)),
        "last": today() + timedelta(days=days),
    }


async def officers(ctx: Context, asked: Nothing) -> web.Response:
    """What waits for an officer, and what was decided."""
    waiting = await requests.waiting(ctx.session, ctx.actor)
    decided = await requests.decided(ctx.session, ctx.actor, SHOWN)
    return await ctx.page(
        "listening_requests.html",
        place="listening",
        waiting=waiting,
        decided=decided,
        heard=await _heard(ctx, [*waiting, *decided]),
        labels=LABELS,
        in_force=_in_force,
        last_day=_last_day,
        last=today() + timedelta(days=policy().request_days),
        me=ctx.actor.user_id,
    )


async def mine(ctx: Context, asked: Nothing) -> web.Response:
    """One's own requests with their answers."""
    found = await requests.own(ctx.session, ctx.actor, SHOWN)
    fresh = {one.id for one in found if one.decided_at and not one.seen_at}
    await requests.see(ctx.session, found)
    return await ctx.page(
        "my_listening.html",
        place="my-listening",
        found=found,
        fresh=fresh,
        heard=await _heard(ctx, found),
        labels=LABELS,
        in_force=_in_force,
    )


async def _heard(ctx: Context, found: Sequence[ListeningRequest]) -> dict[UUID, list[tuple[UUID, str]]]:
    """The recordings of each request as they were made, and what each is."""
    return {one.id: [(row.id, said) for row, said in await _told(ctx, one)] for one in found}


async def _told(ctx: Context, one: ListeningRequest) -> list[tuple[Recording, str]]:
    ids = await requests.recordings_of(ctx.session, one.id)
    wanted = select(Recording).where(among(Recording.id, ids)).order_by(Recording.started_at, Recording.id)
    rows = (await ctx.session.scalars(wanted)).all()
    of = await belonging.of_order(ctx.session, one.order_id) if one.order_id and len(rows) > 1 else ()
    hows: dict[UUID | None, str] = {each.call.id: each.how.label for each in of}
    return [(row, f"{short_when(row.started_at)} {hows.get(row.call_id, f'{row.kind.label}录音')}") for row in rows]


def _in_force(one: ListeningRequest) -> bool:
    return one.state == RequestState.APPROVED and one.valid_until is not None and one.valid_until > now()


def _last_day(one: ListeningRequest) -> date:
    """The last day that was asked for; its end is the first instant of the next."""
    return local(one.wanted_until).date() - timedelta(days=1)


async def approve(ctx: Context, asked: Approval) -> web.Response:
    """批准."""
    one = await requests.approve(ctx.session, ctx.actor, policy(), asked.id, asked.until, asked.words)
    return ctx.redirect("/listening-requests", f"已批准{one.asker_name}调听，到期自动失效。")


async def refuse(ctx: Context, asked: Refusal) -> web.Response:
    """不予批准."""
    one = await requests.refuse(ctx.session, ctx.actor, asked.id, asked.words)
    return ctx.redirect("/listening-requests", f"未批准{one.asker_name}的申请，理由已告知本人。")


async def withdraw(ctx: Context, asked: Refusal) -> web.Response:
    """撤回批准."""
    one = await requests.withdraw(ctx.session, ctx.actor, asked.id, asked.words)
    return ctx.redirect("/listening-requests", f"已撤回对{one.asker_name}的批准，立即失效。")


async def cancel(ctx: Context, asked: OneRequest) -> web.Response:
    """撤销自己的申请."""
    await requests.cancel(ctx.session, ctx.actor, asked.id)
    return ctx.redirect("/my-listening", "申请已撤销。")


ASK, DECIDE = Permission.RECORDING_ASK, Permission.RECORDING_DECIDE
ASKING = ("no-such-purpose", "bad-until", "nothing-to-hear", "too-many-requests", "asked-already")
DECIDING = ("no-request", "own-request", "decided-already")
ROUTES = (
    Route(
        "POST", "/recordings/{id}/requests", ASK, AskRecording, ask_recording, "申请调听录音",
        ("recording-unknown", *ASKING), watched=True,
    ),
    Route(
        "POST", "/orders/{id}/listening", ASK, AskOrder, ask_order, "申请调听工单录音",
        ("no-such-order", "order-sealed", *ASKING), watched=True,
    ),
    Route("GET", "/listening-requests", DECIDE, Nothing, officers, "调听审批"),
    Route(
        "POST", "/listening-requests/{id}/approve", DECIDE, Approval, approve, "批准调听",
        (*DECIDING, "bad-until"), watched=True,
    ),
    Route(
        "POST", "/listening-requests/{id}/refuse", DECIDE, Refusal, refuse, "不批准调听",
        (*DECIDING, "no-reason"), watched=True,
    ),
    Route(
        "POST", "/listening-requests/{id}/withdraw", DECIDE, Refusal, withdraw, "撤回调听批准",
        ("no-request", "not-in-force", "no-reason"), watched=True,
    ),
    Route("GET", "/my-listening", ASK, Nothing, mine, "我的调听申请"),
    Route(
        "POST", "/my-listening/{id}/cancel", ASK, OneRequest, cancel, "撤销调听申请",
        ("no-request", "decided-already"), watched=True,
    ),
)  # fmt: skip
