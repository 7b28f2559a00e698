"""Calls: who is on the line now, and one call with its growing words."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from callflow import queries
from callflow.agents.rules import PauseReason
from callflow.board.service import help_of
from callflow.callbacks.models import CallbackTask
from callflow.nuisance.models import Ground
from callflow.nuisance.service import of_caller
from callflow.phones import passing, sound
from core import phone
from core.permissions import Permission
from crm.citizens.restrictions import is_restricted
from crm.escalations.rules import Verdict
from crm.queries.people import reveal_call
from crm.tickets.access import visible_to
from crm.tickets.belonging import orders_of
from crm.tickets.models import Ticket
from crm.tickets.perform import offers
from crm.tickets.states import Act
from recordings.models import Recording, Transcript
from recordings.queries import speech_status
from web import act_forms, no_words
from web.context import Context
from web.pages import beside, emergency_strip, escalations, knowledge_calls, linkages, order_form
from web.pages.nuisance import suggested
from web.pages.orders import labels
from web.route import Asks, Nothing, Route
from web.words import words

DEVICES = {
    "idle": "示闲",
    "ringing": "振铃",
    "talking": "通话中",
    "busy": "占用",
    "on-hold": "保持",
    "unavailable": "话机离线",
}
ENDINGS = (Act.ANSWER, Act.REFUSE, Act.MERGE, Act.TRANSFER, Act.VOID, Act.WITHDRAW, Act.SPLIT)
"""What a call may come to beside its dispatch, done without leaving its page."""


class OneCall(Asks):
    """A call."""

    id: UUID


async def live(ctx: Context, asked: Nothing) -> web.Response:
    """Queues, agents and calls at this moment."""
    calls = await queries.live_calls(ctx.session)
    queues = await queries.queue_status(ctx.session)
    return await ctx.page(
        "live_calls.html",
        place="live",
        queues=queues,
        titles={queue.name: queue.title for queue in queues},
        calls=calls,
        agents=[
            (one, *agent_state(one, [c for c in calls if c.agent_id == one.user_id]))
            for one in await queries.agents(ctx.session)
        ],
    )


def agent_state(agent: queries.AgentStatus, calls: list[Any]) -> tuple[str, str, datetime | None]:
    """Word, tone and beginning of what an agent does now."""
    if calls:
        return "通话中", "act", calls[0].connected_at or calls[0].arrived_at
    if agent.logged_in_at is None:
        return "未签入", "", None
    if agent.paused_at is not None:
        return PauseReason(agent.pause_reason).label if agent.pause_reason else "示忙", "warn", agent.paused_at
    if agent.device in {"unavailable", "unknown"}:
        return "话机未注册", "bad", None
    return DEVICES.get(agent.device, "示闲"), "good", agent.logged_in_at


class Asking(OneCall):
    """Why the caller's number must be seen in full."""

    reason: Annotated[str, Field(min_length=2, max_length=200)]


async def show(ctx: Context, asked: OneCall) -> web.Response:
    """One call: its times, its words, its recordings, its order."""
    return await _page(ctx, asked.id)


async def reveal(ctx: Context, asked: Asking) -> web.Response:
    """The same with the caller's number in full, once; who looked and why is in the ledger."""
    return await _page(ctx, asked.id, await reveal_call(ctx.session, ctx.actor, asked.id, asked.reason))


async def _page(ctx: Context, call_id: UUID, revealed: str = "") -> web.Response:
    call = await queries.call(ctx.session, call_id)
    session = ctx.session
    wanted = select(Ticket).where(Ticket.call_id == call.id, visible_to(ctx.actor))
    ticket = await session.scalar(wanted)
    others = {id for some in (await orders_of(session, [call.id], visible_to(ctx.actor))).values() for id in some}
    parts = select(Ticket).where(Ticket.split_from == ticket.id, visible_to(ctx.actor)) if ticket else None
    offered = await offers(session, ctx.actor, ticket) if ticket else []
    form = await order_form.build(ctx, ticket, offered) if ticket else None
    endings = [one for one in offered if one.act in ENDINGS]
    transcript = await session.get(Transcript, call.id)
    recordings = select(Recording).where(Recording.call_id == call.id).order_by(Recording.started_at)
    return await ctx.page(
        "call.html",
        sounds=await sound.of_call(session, call),
        legs=await passing.of_call(session, call),
        judged=sound.judged,
        place="calls",
        at=f"/calls/{call.id}" if revealed else "",
        call=call,
        revealed=revealed,
        may_reveal=ctx.actor.may(Permission.PERSONAL_UNMASK) and call.caller is not None,
        talk=await words(ctx.session, call),
        transcript=transcript,
        no_words=no_words.why(call, transcript, await speech_status(session)),
        recordings=(await session.scalars(recordings)).all(),
        may_correct=ctx.actor.may(Permission.TRANSCRIPT_CORRECT),
        ticket=ticket,
        of_orders=(await session.scalars(select(Ticket).where(Ticket.id.in_(others)).order_by(Ticket.number))).all(),
        parts=(await session.scalars(parts.order_by(Ticket.number))).all() if parts is not None else (),
        form=form,
        endings=await act_forms.build(session, ctx.actor, ticket, endings) if ticket else None,
        beside=await (beside.build(ctx, ticket) if ticket else beside.of_call(ctx, call)),
        labels=labels(),
        noticed=await emergency_strip.of_order(ctx, ticket) if ticket else None,
        linked=await linkages.of_order(ctx, ticket) if ticket else None,
        climb=await escalations.of_order(ctx, ticket) if ticket else None,
        verdicts=Verdict,
        callback=await session.scalar(select(CallbackTask).where(CallbackTask.call_id == call.id)),
        mobile=phone.is_mobile(call.caller),
        help=await help_of(session, call.id),
        knowledge=await knowledge_calls.suggestions(ctx, call.id) if ctx.actor.may(Permission.KNOWLEDGE_VIEW) else None,
        restricted=await is_restricted(session, call.caller),
        may_ask_data=ctx.actor.may(Permission.DATA_REGISTER),
        nuisance=await of_caller(session, call.caller),
        may_report=call.caller is not None and ctx.actor.may(Permission.LINE_AGENT),
        grounds=[(one.value, one.label) for one in Ground],
        review_on=suggested(),
    )


ROUTES = (
    Route("GET", "/live-calls", Permission.LINE_VIEW, Nothing, live, "实时话务"),
    Route("GET", "/calls/{id}", Permission.CALL_VIEW, OneCall, show, "通话详情", ("no-call",)),
    Route(
        "POST",
        "/calls/{id}/caller",
        Permission.PERSONAL_UNMASK,
        Asking,
        reveal,
        "查看来电号码",
        ("no-call", "no-reason", "sealed"),
    ),
)  # fmt: skip
