"""The telephone in the page 网页话机: its wire and password, the acts on the call in hand, the page to try headset
and microphone."""

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from callflow import queries
from callflow.agents.models import Agent
from callflow.callbacks import service as callbacks
from callflow.current import line_policy
from callflow.phones import calls_out, passing, passwords, sound
from callflow.phones.handset import Handset
from callflow.phones.rules import Became, Way
from callflow.queries import call_by_linkedid
from core.errors import Invalid, NotFound, Unavailable
from core.identity.models import Unit
from core.permissions import Permission
from crm.linkages import lines
from crm.linkages import service as linkages
from crm.linkages.lines import Line
from crm.linkages.rules import Way as Linked
from crm.search.earlier import known_of
from web import phone_wire
from web.context import Context
from web.doors import require_same_site
from web.parts import PARTS
from web.route import Asks, Nothing, Route

Linkedid = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")]
Count = Annotated[int, Field(ge=0, le=100_000_000)]
TO = r"^(seat:[1-8][0-9]{3}|queue:[a-z][a-z0-9_-]{0,39}|unit:[0-9a-f-]{36}|line:[0-9]{3,12}|referral:[0-9a-f-]{36})?$"
Milliseconds = Annotated[int, Field(ge=0, le=60_000)]


class OneCall(Asks):
    """A call by its linkedid, as the telephone was told."""

    call: Linkedid


class Sound(OneCall):
    """How a stretch of it sounded."""

    stretch: UUID
    seconds: Annotated[int, Field(ge=0, le=86_400)]
    received: Count
    lost: Count
    jitter_ms: Milliseconds
    worst_jitter_ms: Milliseconds
    rtt_ms: Milliseconds | None = None
    worst_rtt_ms: Milliseconds | None = None


class Dial(Asks):
    """Whom to call: one of the three."""

    callback: UUID | None = None
    unit: UUID | None = None
    number: Annotated[str, Field(max_length=24)] = ""


class Pass(OneCall):
    """To whom: a seat, a queue, a unit, another line of the linkage 联动, or else a number."""

    to: Annotated[str, Field(max_length=48, pattern=TO)] = ""
    number: Annotated[str, Field(max_length=24)] = ""


async def wire(ctx: Context, asked: Nothing) -> web.StreamResponse:
    """SIP both ways for as long as the sign-in lives."""
    require_same_site(ctx.request)
    if not web.WebSocketResponse(protocols=(phone_wire.SIP,)).can_prepare(ctx.request).ok:
        raise NotFound("no-such-page", "没有这个页面。")
    async with ctx.request.app[PARTS].database.session() as session:
        extension = await passwords.holds(session, ctx.signed_in.user.id, ctx.signed_in.session.id)
    if extension is None:
        raise NotFound("no-page-phone", "您的坐席没有使用网页话机。")
    return await phone_wire.connect(ctx, extension, ctx.parts.phone_address)


async def password(ctx: Context, asked: Nothing) -> web.Response:
    """What this sign-in registers its telephone with."""
    given = await passwords.give(ctx.session, ctx.signed_in.user.id, ctx.signed_in.session.id)
    return ctx.data({"extension": given.extension, "secret": given.secret, "name": given.name})


async def who_calls(ctx: Context, asked: OneCall) -> web.Response:
    """Who calls, for the bar while the telephone rings; masked, as everywhere."""
    call = await call_by_linkedid(ctx.session, hand(ctx).node, asked.call)
    known = await known_of(ctx.session, ctx.actor, call.caller) if call and call.caller else ""
    return ctx.bare("phone_call.html", call=call, linkedid=asked.call, known=known)


async def hang_up(ctx: Context, asked: OneCall) -> web.Response:
    """End the call in hand."""
    handset = hand(ctx)
    also = await passing.same_talk(ctx.session, handset.node, [asked.call])
    await handset.hang_up(await own(ctx), asked.call, also)
    return ctx.data({})


async def calls(ctx: Context, asked: Nothing) -> web.Response:
    """Which calls one's own telephone is in, as Asterisk says; who is asked about a citizen's call is in that, too."""
    handset = hand(ctx)
    found = await handset.calls(await own(ctx))
    return ctx.data({"calls": sorted({*found, *await passing.same_talk(ctx.session, handset.node, found)})})


async def recover(ctx: Context, asked: Nothing) -> web.Response:
    """The page began anew in mid-call."""
    return ctx.data({"calls": await hand(ctx).recover(await own(ctx))})


async def dial(ctx: Context, asked: Dial) -> web.Response:
    """Ring one's own telephone, then the number."""
    extension, in_page = await own_phone(ctx)
    whom = {"callback": asked.callback, "unit": asked.unit}
    target = await calls_out.target(ctx.session, ctx.actor, **whom, typed=asked.number)
    await calls_out.require_allowed(ctx.parts.database, ctx.actor, target, line_policy().may_dial)
    dialled = await calls_out.dial(ctx.session, ctx.actor, hand(ctx), extension, target)
    if asked.callback:
        await callbacks.called(ctx.session, ctx.actor, asked.callback, hand(ctx).node, dialled.call)
    return ctx.data({"call": dialled.call, "in_page": in_page})


async def others(ctx: Context, asked: OneCall) -> web.Response:
    """To whom the citizen's call may go."""
    people = [one for one in await queries.agents(ctx.session) if one.user_id != ctx.signed_in.user.id]
    units = select(Unit).where(Unit.active, Unit.duty_phone.is_not(None)).order_by(Unit.name)
    return ctx.bare(
        "phone_others.html",
        call=asked.call,
        seats=[(one, doing(one)) for one in people],
        queues=await queries.queue_status(ctx.session),
        units=(await ctx.session.scalars(units)).all(),
        lines=[one for one in await lines.all_of(ctx.session) if one.number],
    )


def doing(one: queries.AgentStatus) -> str:
    """What a colleague does, in a word."""
    if one.device in ("talking", "ringing", "on-hold"):
        return "通话中"
    if one.logged_in_at is None:
        return "未签入"
    return "示忙" if one.paused_at else "示闲"


async def _whom(ctx: Context, asked: Pass) -> tuple[passing.To, Line | None]:
    """To whom it goes, and which other line that is; a number that is not allowed is refused and on record."""
    line = await lines.dialled(ctx.session, asked.to) if asked.to.startswith(lines.OTHERS) else None
    to, number = ("", line.number) if line else (asked.to, asked.number)
    found = await passing.whom(ctx.session, ctx.actor, to, number)
    if found.outside:
        await calls_out.require_allowed(ctx.parts.database, ctx.actor, found.outside, line_policy().may_dial)
    return (replace(found, shown=line.name) if line else found), line


async def _keep(
    ctx: Context, asked: Pass, way: Way, whom: tuple[passing.To, Line | None], leg: str | None = None
) -> None:
    """Write it down; what goes to another line stands in the linkage register from now on."""
    node, (to, line) = hand(ctx).node, whom
    kept = await passing.keep(ctx.session, ctx.actor, way, node, asked.call, to, leg)
    call = await call_by_linkedid(ctx.session, node, asked.call)
    if line and call:
        await linkages.begin(ctx.session, ctx.actor, call, line, Linked(way.value), kept)


async def consult(ctx: Context, asked: Pass) -> web.Response:
    """Ask somebody while the citizen hears music."""
    handset, extension = hand(ctx), await own(ctx)
    whom = await _whom(ctx, asked)
    to = whom[0]
    if to.how == passing.QUEUE:
        raise Invalid("ask-a-person", "队列不能咨询，请直接转接。", fields={"to": "队列不能咨询，请直接转接"})
    leg = await handset.consult(extension, asked.call, to.dial)
    await _keep(ctx, asked, Way.CONSULT, whom, leg)
    return ctx.data({"call": leg, "shown": to.shown})


async def join(ctx: Context, asked: OneCall) -> web.Response:
    """Who was asked joins the citizen and the agent."""
    await hand(ctx).join(await own(ctx), asked.call)
    return await _became(ctx, asked, Became.JOINED)


async def hand_over(ctx: Context, asked: OneCall) -> web.Response:
    """Who was asked gets the citizen."""
    await hand(ctx).hand_over(await own(ctx), asked.call)
    return await _became(ctx, asked, Became.HANDED_OVER)


async def drop(ctx: Context, asked: OneCall) -> web.Response:
    """Who was asked, or has joined, is out."""
    await hand(ctx).drop(await own(ctx), asked.call)
    return await _became(ctx, asked, Became.DROPPED)


async def _became(ctx: Context, asked: OneCall, became: Became) -> web.Response:
    leg = await passing.settle(ctx.session, ctx.actor, hand(ctx).node, asked.call, became)
    if leg:
        await linkages.became(ctx.session, leg, became)
    return ctx.data({})


async def third(ctx: Context, asked: OneCall) -> web.Response:
    """Whether a third party is in the call still, and whether who is asked has answered."""
    party = await hand(ctx).party(await own(ctx), asked.call)
    return ctx.data({"there": bool(party.others), "answered": party.asked is not None})


async def transfer(ctx: Context, asked: Pass) -> web.Response:
    """The citizen goes to a colleague, a number or a queue; back to the agent where nobody comes."""
    handset, extension = hand(ctx), await own(ctx)
    whom = await _whom(ctx, asked)
    await handset.pass_on(extension, asked.call, whom[0].how, whom[0].dial)
    await _keep(ctx, asked, Way.TRANSFER, whom)
    return ctx.data({})


async def measured(ctx: Context, asked: Sound) -> web.Response:
    """Keep how the call sounds."""
    values: dict[str, Any] = asked.model_dump(exclude={"call", "stretch"})
    await sound.note(ctx.session, hand(ctx).node, asked.call, ctx.signed_in.user.id, asked.stretch, **values)
    return ctx.data({})


async def dial_page(ctx: Context, asked: Nothing) -> web.Response:
    """Units to call, and a number to type."""
    found = select(Unit).where(Unit.active, Unit.duty_phone.is_not(None)).order_by(Unit.name)
    return await ctx.page("dial.html", place="dial", units=(await ctx.session.scalars(found)).all())


async def headset(ctx: Context, asked: Nothing) -> web.Response:
    """Choose microphone and headset, see the level, hear oneself."""
    in_page = await ctx.session.scalar(select(Agent.webrtc).where(Agent.user_id == ctx.signed_in.user.id))
    return await ctx.page("headset.html", place="headset", in_page=bool(in_page))


def hand(ctx: Context) -> Handset:
    """The agents' hands on Asterisk. Raises Unavailable("phone-line-away") where no line is near."""
    if ctx.parts.handset is None:
        raise Unavailable("phone-line-away", "电话系统暂时没有应答，请稍后再试。")
    return ctx.parts.handset


async def own_phone(ctx: Context) -> tuple[str, bool]:
    """The extension of who asks, and whether its telephone is the one in the page. Raises NotFound("no-agent")."""
    agent = await ctx.session.get(Agent, ctx.signed_in.user.id)
    if agent is None:
        raise NotFound("no-agent", "该用户没有分配坐席分机。")
    return agent.extension, agent.webrtc


async def own(ctx: Context) -> str:
    """The extension of who asks."""
    return (await own_phone(ctx))[0]


P = Permission.LINE_AGENT
AWAY = "phone-line-away"
IN_HAND = ("no-agent", "no-call-in-hand", "no-citizen-in-hand", AWAY, "ami-down")
LINES = ("no-line", "line-without-number")
PASSED = (
    *IN_HAND, "third-in-hand", "own-seat", "no-queue", "no-such-unit", "bad-phone", "number-not-allowed", *LINES
)  # fmt: skip
ROUTES = (
    Route("GET", "/phone", P, Nothing, wire, "网页话机线路", ("no-page-phone", AWAY), stream=True),
    Route("POST", "/phone/password", P, Nothing, password, "网页话机口令", ("no-page-phone",)),
    Route("GET", "/phone/call", P, OneCall, who_calls, "来电人", (AWAY,)),
    Route("POST", "/phone/hang-up", P, OneCall, hang_up, "挂断", ("no-agent", "no-call-in-hand", AWAY, "ami-down")),
    Route("GET", "/phone/calls", P, Nothing, calls, "话机的通话", ("no-agent", AWAY, "ami-down")),
    Route("POST", "/phone/recover", P, Nothing, recover, "恢复通话", ("no-agent", AWAY, "ami-down")),
    Route(
        "POST",
        "/phone/dial",
        P,
        Dial,
        dial,
        "外呼",
        (
            "no-agent",
            "no-callback",
            "callback-claimed",
            "no-such-unit",
            "bad-phone",
            "number-not-allowed",
            "call-in-hand",
            "not-dialled",
            AWAY,
            "ami-down",
        ),
    ),
    Route("GET", "/phone/others", P, OneCall, others, "可转接的对象"),
    Route("POST", "/phone/consult", P, Pass, consult, "咨询", (*PASSED, "ask-a-person", "not-dialled")),
    Route("POST", "/phone/join", P, OneCall, join, "三方通话", (*IN_HAND, "nobody-asked")),
    Route("POST", "/phone/hand-over", P, OneCall, hand_over, "转交", (*IN_HAND, "nobody-asked")),
    Route("POST", "/phone/drop", P, OneCall, drop, "结束咨询", (*IN_HAND, "nobody-asked")),
    Route("GET", "/phone/third", P, OneCall, third, "第三方", IN_HAND),
    Route("POST", "/phone/transfer", P, Pass, transfer, "转接", PASSED),
    Route("POST", "/phone/sound", P, Sound, measured, "通话质量", (AWAY,)),
    Route("GET", "/dial", P, Nothing, dial_page, "外呼"),
    Route("GET", "/headset", P, Nothing, headset, "耳机与麦克风"),
)
