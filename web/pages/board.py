"""The shift lead's board 班长看板 and the wallboard 大屏; notes to the desks, and requests for help."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from callflow import queries
from callflow.agents import days
from callflow.agents import service as agents
from callflow.agents.models import AgentQueue
from callflow.agents.rules import PENALTIES, parse_places
from callflow.agents.timeline import LABELS, OUT, READY, RINGING, TALKING, Point, Side, current, of_device
from callflow.board import service
from callflow.board.rules import CONNECTED_PER_CENT, WITHIN_S
from callflow.models import Call
from callflow.phones import passing
from callflow.phones.rules import Beside, Way
from callflow.queries import AgentStatus, QueueStatus
from callflow.roster import service as roster
from callflow.roster.service import Shown
from callflow.sources.ami import Device
from core import clock
from core.errors import Conflict
from core.ledger import record
from core.permissions import Permission as P
from web import frame
from web.context import Context
from web.lists import shown
from web.live import HUB
from web.pages import phone
from web.route import Asks, Nothing, Route

TONES = {READY: "good", RINGING: "act", TALKING: "act", "offline": "bad", "no-answer": "bad", OUT: ""}
"""Colours of the dots; whatever else somebody does is a pause."""
SHOWN_NOTES = 10


class Serve(Asks):
    """Which queues an agent serves from now on, as `queue` or `queue:penalty`."""

    id: UUID
    version: int = Field(ge=0, le=2**31)
    queues: Annotated[list[Annotated[str, Field(max_length=45)]], Field(max_length=50)] = []


class OneAgent(Asks):
    """An agent as the lead saw it."""

    id: UUID
    version: int = Field(ge=0, le=2**31)


class NewNote(Asks):
    """A note to the desks, and for how many hours it stands."""

    text: Annotated[str, Field(min_length=2, max_length=200)]
    hours: int = Field(8, ge=1, le=service.LONGEST_NOTE_H)


class OneNote(Asks):
    """A note."""

    id: UUID


class Help(Asks):
    """A call about which the agent asks, in a few words or none."""

    id: UUID
    text: str = Field("", max_length=200)


class Helped(Asks):
    """A request for help, and what is answered."""

    id: UUID
    answer: str = Field("", max_length=200)


class TakeOver(Asks):
    """A call, which the lead takes."""

    id: UUID


class Supervise(TakeOver):
    """A call, and how the lead is in it."""

    how: Beside


@dataclass(frozen=True)
class Desk:
    """One agent as the lead sees it."""

    agent: AgentStatus
    state: str
    since: datetime | None
    planned: Shown | None
    """By the roster in force."""
    queues: Mapping[str, int]
    call: Call | None

    @property
    def label(self) -> str:
        """What the agent does, in a word."""
        return LABELS.get(self.state, "未签入")

    @property
    def tone(self) -> str:
        """The dot's colour."""
        return TONES.get(self.state, "warn")

    @property
    def missing(self) -> bool:
        """Whether the roster wants this agent here who is not."""
        return self.planned is not None and self.state == OUT


@dataclass(frozen=True)
class Line:
    """The line at this moment."""

    desks: Sequence[Desk]
    queues: Sequence[QueueStatus]
    calls: Sequence[Call]

    def count(self, *states: str) -> int:
        """How many agents are in one of these states."""
        return sum(one.state in states for one in self.desks)

    @property
    def paused(self) -> int:
        """How many are logged in and take no calls."""
        return len(self.desks) - self.count(READY, RINGING, TALKING, OUT, "offline")

    @property
    def waiting(self) -> list[Call]:
        """Who waits in a queue, the longest first."""
        return sorted(
            (c for c in self.calls if c.queued_at and not c.connected_at), key=lambda c: c.queued_at or c.arrived_at
        )

    @property
    def talking(self) -> int:
        """How many callers talk with somebody."""
        return sum(c.connected_at is not None for c in self.calls)


async def the_line(ctx: Context) -> Line:
    """Agents with what they do and since when, queues, calls."""
    session, at = ctx.session, clock.now()
    people = await queries.agents(session)
    told = await days.latest(session, [one.user_id for one in people], at)
    planned = await roster.on_shift(session, at)
    calls = await queries.live_calls(session)
    serves: dict[UUID, dict[str, int]] = {}
    for place in await session.scalars(select(AgentQueue).order_by(AgentQueue.penalty, AgentQueue.queue)):
        serves.setdefault(place.user_id, {})[place.queue] = place.penalty
    with_call = {c.agent_id: c for c in reversed(calls) if c.agent_id and c.connected_at}  # not whom they ask meanwhile
    desks = [
        Desk(
            one,
            *current(*_points(one, told[one.user_id])),
            planned.get(one.user_id),
            serves.get(one.user_id, {}),
            with_call.get(one.user_id),
        )
        for one in people
    ]
    desks.sort(key=lambda one: (one.state == OUT and not one.missing, one.agent.extension))
    return Line(desks, await queries.queue_status(session), calls)


def _points(agent: AgentStatus, told: Mapping[Side, Point]) -> tuple[Point, Point]:
    """Intent and telephone as they are, each since its last change."""
    intent = OUT if agent.logged_in_at is None else agent.pause_reason or READY
    device = of_device(Device(agent.device))
    before = agent.paused_at or agent.logged_in_at or datetime.min.replace(tzinfo=UTC)

    def since(side: Side, state: str) -> Point:
        last = told.get(side)
        return Point(side, state, last.at if last and last.state == state else before)

    return since(Side.INTENT, intent), since(Side.DEVICE, device)


def today() -> tuple[datetime, datetime]:
    """The present day from its midnight in Shanghai."""
    first = clock.midnight(clock.today())
    return first, first + timedelta(days=1)


async def index(ctx: Context, asked: Nothing) -> web.Response:
    """The board."""
    line = await the_line(ctx)
    versions = await roster.versions(ctx.session, limit=1)
    notes, more = shown(await service.notes(ctx.session, SHOWN_NOTES + 1), SHOWN_NOTES)
    return await ctx.page(
        "board.html",
        place="board",
        line=line,
        level=await service.service_level(ctx.session, *today()),
        within=WITHIN_S,
        target=CONNECTED_PER_CENT,
        titles={queue.name: queue.title for queue in line.queues},
        penalties=PENALTIES,
        help=await service.open_help(ctx.session),
        notes=notes,
        more_notes=more,
        roster=versions[0] if versions else None,
        states=(READY, RINGING, TALKING),
    )


async def serve(ctx: Context, asked: Serve) -> web.Response:
    """调整队列."""
    queues = parse_places(asked.queues)
    agent = await agents.serve(ctx.session, ctx.actor, asked.id, queues, asked.version)
    return ctx.redirect("/board", f"{agent.name}的接听队列已调整，数秒内生效。")


async def log_out(ctx: Context, asked: OneAgent) -> web.Response:
    """签出 of who left without it."""
    agent = await agents.log_out(ctx.session, ctx.actor, asked.id, asked.version)
    return ctx.redirect("/board", f"已将{agent.name}签出。")


async def send_note(ctx: Context, asked: NewNote) -> web.Response:
    """A note to all desks."""
    await service.send_note(ctx.session, ctx.actor, asked.text, asked.hours)
    return ctx.redirect("/board", "通知已发到全部坐席。")


async def withdraw_note(ctx: Context, asked: OneNote) -> web.Response:
    """Take a note back."""
    await service.withdraw_note(ctx.session, ctx.actor, asked.id)
    return ctx.redirect("/board", "通知已撤回。")


async def read_note(ctx: Context, asked: OneNote) -> web.Response:
    """The agent has read it: the bar without it."""
    await service.read_note(ctx.session, ctx.actor, asked.id)
    if not ctx.swapped:
        return ctx.redirect("/")
    return ctx.bare("frame.html", frame=await frame.show(ctx))


async def ask_help(ctx: Context, asked: Help) -> web.Response:
    """求助 about a call."""
    await service.ask_help(ctx.session, ctx.actor, asked.id, asked.text)
    return ctx.redirect(f"/calls/{asked.id}", "已求助，班长会立即看到这个来电。")


async def close_help(ctx: Context, asked: Helped) -> web.Response:
    """The lead has helped."""
    found = await service.close_help(ctx.session, ctx.actor, asked.id, asked.answer)
    return ctx.redirect("/board", f"{found.user_name}的求助已处理。")


async def beside(ctx: Context, asked: Supervise) -> web.Response:
    """监听, 耳语 or 插话."""
    call = await _talking(ctx, asked.id)
    handset, (extension, in_page) = phone.hand(ctx), await phone.own_phone(ctx)
    leg = await handset.stand_beside(extension, call.linkedid, call.agent_extension or "", asked.how)
    await record(ctx.session, ctx.actor, f"line.{asked.how}", "call", str(call.id), agent=call.agent_extension)
    return ctx.data({"call": leg, "in_page": in_page})


async def take_over(ctx: Context, asked: TakeOver) -> web.Response:
    """接管: the lead goes on with the citizen."""
    call = await _talking(ctx, asked.id)
    handset, (extension, in_page) = phone.hand(ctx), await phone.own_phone(ctx)
    leg = await handset.take_over(extension, call.linkedid, call.agent_extension or "")
    to = passing.To(passing.SEAT, extension, ctx.actor.name)
    await passing.keep(ctx.session, ctx.actor, Way.TAKE_OVER, handset.node, call.linkedid, to, leg)
    return ctx.data({"call": leg, "citizen": call.linkedid, "in_page": in_page})


async def _talking(ctx: Context, call_id: UUID) -> Call:
    """This call, in which an agent talks now. Raises NotFound, Conflict("call-over")."""
    call = await queries.call(ctx.session, call_id)
    if call.ended_at or call.connected_at is None or call.agent_extension is None:
        raise Conflict("call-over", "这个通话已经结束，或还没有接通。")
    if call.agent_id == ctx.signed_in.user.id:
        raise Conflict("own-call", "这是您自己的通话。")
    return call


async def wallboard(ctx: Context, asked: Nothing) -> web.Response:
    """The line's figures for a big screen: nobody's name, number or words."""
    if ctx.swapped and not ctx.by_itself:
        return ctx.leave("/wallboard")  # it is a page of its own, without the frame
    return ctx.bare(
        "wallboard.html",
        line=await the_line(ctx),
        level=await service.service_level(ctx.session, *today()),
        within=WITHIN_S,
        target=CONNECTED_PER_CENT,
        at=clock.now(),
        live_at=ctx.request.app[HUB].last,
        more=ctx.actor.may(P.LINE_VIEW),
        states=(READY, RINGING, TALKING),
    )


L = P.LINE_LEAD
AGENT = ("no-agent", "agent-changed")
BY_PHONE = (*phone.IN_HAND, "no-call", "call-over", "own-call", "call-in-hand", "third-in-hand", "not-dialled")
ROUTES = (
    Route("GET", "/board", L, Nothing, index, "班长看板"),
    Route("POST", "/board/agents/{id}/queues", L, Serve, serve, "调整坐席队列", (*AGENT, "no-queue")),
    Route("POST", "/board/agents/{id}/log-out", L, OneAgent, log_out, "将坐席签出", (*AGENT, "not-logged-in")),
    Route("POST", "/board/notes", L, NewNote, send_note, "通知坐席", ("bad-note",)),
    Route(
        "POST", "/board/notes/{id}/withdraw", L, OneNote, withdraw_note, "撤回坐席通知", ("no-note", "note-withdrawn")
    ),
    Route("POST", "/desk-notes/{id}/read", P.LINE_AGENT, OneNote, read_note, "已读坐席通知", ("no-note",)),
    Route("POST", "/calls/{id}/help", P.LINE_AGENT, Help, ask_help, "求助班长", ("no-call", "not-your-call")),
    Route("POST", "/help/{id}/close", L, Helped, close_help, "处理求助", ("no-help", "help-closed")),
    Route("POST", "/board/calls/{id}/beside", P.LINE_BESIDE, Supervise, beside, "监听、耳语、插话", BY_PHONE),
    Route(
        "POST", "/board/calls/{id}/take-over", P.LINE_BESIDE, TakeOver, take_over, "接管来电", (*BY_PHONE, "not-beside")
    ),
    Route("GET", "/wallboard", P.WALLBOARD_VIEW, Nothing, wallboard, "大屏"),
)
