"""Calls: who is on the line now, the list of all calls, and one call with its growing words."""

from dataclasses import dataclass
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
from callflow.models import Call
from callflow.nuisance.models import Ground
from callflow.nuisance.service import of_caller
from callflow.phones import passing, sound
from callflow.rules import Outcome
from core import phone
from core.clock import today
from core.permissions import Permission
from crm.queries.people import reveal_call
from crm.search.taking import MOST_ROWS, Taking, take
from crm.tickets.access import visible_to
from crm.tickets.models import Ticket
from crm.tickets.states import Act
from recordings.models import LivePartial, Recording, Side, Transcript, TranscriptSegment
from recordings.queries import speech_status
from web import act_forms, no_words, paging
from web.context import Context
from web.files import send
from web.pages import beside, order_form
from web.pages.nuisance import suggested
from web.pages.order_list import XLSX
from web.pages.orders import labels
from web.render import duration, exact, masked
from web.route import Asks, Nothing, Route

DEVICES = {
    "idle": "示闲",
    "ringing": "振铃",
    "talking": "通话中",
    "busy": "占用",
    "on-hold": "保持",
    "unavailable": "话机离线",
}
SHOWN_SEGMENTS = 500
ENDINGS = (Act.ANSWER, Act.REFUSE, Act.MERGE, Act.TRANSFER, Act.VOID, Act.WITHDRAW, Act.SPLIT)
"""What a call may come to beside its dispatch, done without leaving its page."""
HEADS = (
    ("来电时间", 20),
    ("号码", 16),
    ("拨打", 12),
    ("原热线", 12),
    ("结果", 12),
    ("话务员", 12),
    ("等待", 10),
    ("通话", 10),
)


class CallList(Asks):
    """Filters of the list of calls."""

    before: str = ""
    outcome: Outcome | None = None
    caller: str = ""


class CallExport(Asks):
    """The calls of the filter that are taken along, and why."""

    outcome: Outcome | None = None
    caller: str = ""
    reason: Annotated[str, Field(max_length=200)] = ""


class OneCall(Asks):
    """A call."""

    id: UUID


@dataclass(frozen=True)
class Line:
    """One utterance as the page shows it; `growing` while it is still being spoken."""

    side: Side
    at: float | None
    text: str
    growing: bool = False


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


async def index(ctx: Context, asked: CallList) -> web.Response:
    """All calls, the newest first."""
    caller = phone.normalise(asked.caller) if asked.caller else None
    rows = await queries.calls(
        ctx.session,
        before=paging.parse(asked.before),
        outcome=asked.outcome,
        caller=caller,
        limit=paging.PAGE,
    )
    filters = {"outcome": asked.outcome or "", "caller": asked.caller}
    return await ctx.page(
        "calls.html",
        place="calls",
        calls=rows,
        asked=asked,
        may_export=ctx.actor.may(Permission.ORDER_EXPORT),
        outcomes=[(one.value, one.label) for one in Outcome],
        older=paging.older("/calls", rows, "arrived_at", filters),
    )


async def export(ctx: Context, asked: CallExport) -> web.StreamResponse:
    """The calls of the filter as a workbook, numbers masked as on the page."""
    ctx.actor.require(Permission.ORDER_EXPORT)
    caller = phone.normalise(asked.caller) if asked.caller else None
    told = {"outcome": asked.outcome.label} if asked.outcome else {}
    told |= {"caller": phone.mask(caller)} if caller else {}
    async with ctx.parts.database.session() as session:
        found = await queries.calls(session, outcome=asked.outcome, caller=caller, limit=MOST_ROWS + 1)
        what = Taking("通话记录", "TH", "calls.export", HEADS, [_cells(call) for call in found], told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send(ctx.request, done.content, XLSX, f"通话记录{today():%Y%m%d}-{done.number}.xlsx")


def _cells(call: Call) -> list[str]:
    waited = (call.connected_at or call.ended_at, call.arrived_at)
    talked = (call.ended_at if call.connected_at else None, call.connected_at)
    return [
        exact(call.arrived_at),
        masked(call.caller),
        call.dialled or "",
        call.original_hotline or "",
        call.outcome_label,
        call.agent_name or "",
        *(duration((to - since).total_seconds(), "") if to and since else "" for to, since in (waited, talked)),
    ]


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
    parts = select(Ticket).where(Ticket.split_from == ticket.id, visible_to(ctx.actor)) if ticket else None
    form = await order_form.build(ctx, ticket) if ticket else None
    offered = [one for one in form.offered if one.act in ENDINGS] if form else []
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
        lines=await words(ctx, call.id),
        transcript=transcript,
        no_words=no_words.why(call, transcript, await speech_status(session)),
        recordings=(await session.scalars(recordings)).all(),
        ticket=ticket,
        parts=(await session.scalars(parts.order_by(Ticket.number))).all() if parts is not None else (),
        form=form,
        endings=await act_forms.build(session, ctx.actor, ticket, offered) if ticket else None,
        beside=await (beside.build(ctx, ticket) if ticket else beside.of_call(ctx, call)),
        labels=labels(),
        callback=await session.scalar(select(CallbackTask).where(CallbackTask.call_id == call.id)),
        mobile=phone.is_mobile(call.caller),
        help=await help_of(session, call.id),
        nuisance=await of_caller(session, call.caller),
        may_report=call.caller is not None and ctx.actor.may(Permission.LINE_AGENT),
        grounds=[(one.value, one.label) for one in Ground],
        review_on=suggested(),
    )


async def words(ctx: Context, call_id: UUID) -> list[Line]:
    """What was said so far, in order, with what is just being said at the end."""
    segments = (
        select(TranscriptSegment)
        .where(TranscriptSegment.call_id == call_id)
        .order_by(TranscriptSegment.start_s)
        .limit(SHOWN_SEGMENTS)
    )
    lines = [Line(one.side, one.start_s, one.text) for one in await ctx.session.scalars(segments)]
    partials = select(LivePartial).where(LivePartial.call_id == call_id).order_by(LivePartial.at)
    lines += [Line(one.side, None, one.text, True) for one in await ctx.session.scalars(partials) if one.text]
    return lines


ROUTES = (
    Route("GET", "/live-calls", Permission.LINE_VIEW, Nothing, live, "实时话务"),
    Route("GET", "/calls", Permission.CALL_VIEW, CallList, index, "通话记录", ("bad-page", "bad-phone")),
    Route(
        "POST", "/calls/export", Permission.CALL_VIEW, CallExport, export, "导出通话记录",
        ("bad-phone", "no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
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
