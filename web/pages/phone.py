"""The telephone in the page 网页话机: its wire and password, the acts on the call in hand, the page to try headset
and microphone."""

from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from callflow.agents.models import Agent
from callflow.current import line_policy
from callflow.phones import calls_out, passwords, sound
from callflow.phones.handset import Handset
from callflow.queries import call_by_linkedid
from core.errors import NotFound, Unavailable
from core.identity.models import Unit
from core.permissions import Permission
from crm.search.earlier import known_of
from web import phone_wire
from web.context import Context
from web.doors import require_same_site
from web.parts import PARTS
from web.route import Asks, Nothing, Route

Linkedid = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")]
Count = Annotated[int, Field(ge=0, le=100_000_000)]
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
    await hand(ctx).hang_up(await own(ctx), asked.call)
    return ctx.data({})


async def calls(ctx: Context, asked: Nothing) -> web.Response:
    """Which calls one's own telephone is in, as Asterisk says."""
    return ctx.data({"calls": await hand(ctx).calls(await own(ctx))})


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
    return ctx.data({"call": dialled.call, "in_page": in_page})


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
    Route("POST", "/phone/sound", P, Sound, measured, "通话质量", (AWAY,)),
    Route("GET", "/dial", P, Nothing, dial_page, "外呼"),
    Route("GET", "/headset", P, Nothing, headset, "耳机与麦克风"),
)
