"""Who may pass: sessions from cookies, permissions of routes, CSRF tokens, attempts per address."""

import asyncio
import hmac
import ipaddress
import secrets
import time
from collections import OrderedDict, deque
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from aiohttp import hdrs, web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents.models import Agent, Presence
from callflow.agents.presence import TALKABLE
from callflow.models import Call
from core.errors import Denied, HotlineError
from core.identity import service as identity
from core.identity.models import User
from core.identity.service import Identified
from core.permissions import Permission, Role
from web.parts import PARTS, Parts
from web.route import Door, Route, Who

SESSION_COOKIE: Final = "__Host-hotline"
DOOR_COOKIE: Final = "__Host-hotline-door"
DOOR: web.RequestKey[str] = web.RequestKey("door", str)
WHO: web.RequestKey[Identified] = web.RequestKey("who", Identified)
CSRF_HEADER: Final = "X-CSRF-Token"
LIVE_HEADER: Final = "X-Live"
"""Sent by the page itself when it fetches parts again: no act of a person, so no sign of life."""
EVENTS: Final = "text/event-stream"
"""What a page listens to by itself; its telephone's line asks for an Upgrade instead."""


class NotSignedIn(HotlineError):
    """No session, or one that has ended."""

    status = 401

    def __init__(self) -> None:
        super().__init__("not-signed-in", "您还没有登录，或登录已过期。")


def sign_in_address(request: web.Request, who: Identified | None) -> str:
    """Where this person goes next: the step that is due, else the sign-in page, with the way back."""
    if who is not None:
        return next_step(who)
    back = request.path_qs if request.path not in {"/", "/sign-in"} else ""
    return "/sign-in" + (f"?next={quote(back)}" if back else "")


def next_step(who: Identified) -> str:
    """The page of the step that is due, `/` when none is."""
    if not who.session.second_factor:
        return "/sign-in/code" if who.user.totp_enrolled else "/sign-in/enrol"
    return "/sign-in/password" if who.user.must_change_password else "/"


class TooMany(HotlineError):
    """Slower, please."""

    status = 429


async def in_call(session: AsyncSession, user_id: UUID) -> bool:
    """Whether this person is talking with a citizen: then no session ends for idleness."""
    talking = select(Call.id).where(Call.agent_id == user_id, Call.connected_at.is_not(None), Call.ended_at.is_(None))
    return await session.scalar(talking.limit(1)) is not None


async def waits_in_page(session: AsyncSession, user_id: UUID) -> bool:
    """Whether citizens reach this person by the telephone of an open page: without the sign-in it would be gone, and a
    quiet night without a human (第二条). One call that nobody answers pauses the agent, and the time counts again."""
    reachable = select(Agent.user_id).join(Presence, Presence.extension == Agent.extension)
    ready = (Agent.webrtc, Agent.logged_in_at.is_not(None), Agent.paused_at.is_(None), Presence.device.in_(TALKABLE))
    return await session.scalar(reachable.where(Agent.user_id == user_id, *ready).limit(1)) is not None


async def identify(request: web.Request, session: AsyncSession) -> Identified | None:
    """Whose request this is, from its cookie."""
    token = request.cookies.get(SESSION_COOKIE, "")
    if not token or len(token) > 100:
        return None
    headers = request.headers
    by_itself = LIVE_HEADER in headers or hdrs.UPGRADE in headers or headers.get("Accept") == EVENTS
    return await identity.identify(session, token, address=address(request), busy=stays, touch=not by_itself)


async def stays(session: AsyncSession, user_id: UUID) -> bool:
    """Whether this person's session outlives idleness: in a call, ready for one, or a screen on the wall, which shows
    figures only."""
    roles = await session.scalar(select(User.roles).where(User.id == user_id))
    return roles == [Role.SCREEN] or await in_call(session, user_id) or await waits_in_page(session, user_id)


def admit(route: Route[Any], request: web.Request, who: Identified | None) -> None:
    """Raise unless this person (or machine) may use this route."""
    if route.who in (Door.OPEN, Door.PUBLIC):
        return None
    if route.who is Door.MACHINE:
        return admit_machine(request)
    if who is None or (route.who is not Door.STEP and not who.complete):
        raise NotSignedIn
    if isinstance(route.who, Door):
        return None
    if not may(who, route.who):
        raise Denied("not-permitted", "您没有使用这项功能的权限。")
    return None


def may(who: Identified, needed: Who) -> bool:
    """Whether one of the needed permissions is granted."""
    wanted = needed if isinstance(needed, tuple) else (needed,)
    return any(isinstance(one, Permission) and who.actor.may(one) for one in wanted)


def admit_machine(request: web.Request) -> None:
    """Loopback or the bearer token of the settings."""
    token = request.app[PARTS].settings.metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and hmac.compare_digest(given.encode(), token.encode()):
        return
    if is_loopback(address(request)) and not token:
        return
    raise Denied("machines-only", "此地址只供本机监控读取。")


def address(request: web.Request) -> str:
    """The peer's address; no header is believed."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return str(peer[0]) if peer else ""


def network(text: str) -> str:
    """Who may well be one asker: an IPv4 address, or the 64 bits that an IPv6 network gives to each of its own."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return text
    return str(ipaddress.ip_network(f"{found}/64", strict=False)) if found.version == 6 else text


def is_loopback(text: str) -> bool:
    """Whether the address is this machine's own."""
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def csrf_token(request: web.Request, who: Identified | None) -> str:
    """The token that forms of this page carry: the session's own, or one bound to the door cookie."""
    if who is not None:
        return who.session.csrf
    door = request.get(DOOR) or request.cookies.get(DOOR_COOKIE)
    if not door:
        door = request[DOOR] = secrets.token_urlsafe(24)
    return door_token(request.app[PARTS], door)


def door_token(parts: Parts, door: str) -> str:
    """What belongs to a door cookie; nobody else can compute it."""
    return hmac.digest(parts.secrets.get("web-door").encode(), door.encode(), "sha256").hex()


def require_same_site(request: web.Request) -> None:
    """Refuse unsafe requests that another site made the browser send (Fetch Metadata, RFC 6454 Origin)."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise Denied("foreign-origin", "请求来自其他网站，已拒绝。")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"{request.scheme}://{request.host}":
        raise Denied("foreign-origin", "请求来自其他网站，已拒绝。")


def require_csrf(request: web.Request, who: Identified | None, in_body: str) -> None:
    """Refuse unsafe requests without the page's token."""
    given = request.headers.get(CSRF_HEADER) or in_body
    if who is None and not request.cookies.get(DOOR_COOKIE):
        raise Denied("stale-form", "页面已过期，请刷新后重新提交。")
    expected = csrf_token(request, who)
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise Denied("stale-form", "页面已过期，请刷新后重新提交。")


class Attempts:
    """At most `limit` attempts in `window_s` seconds for each address; remembers `keep` addresses."""

    def __init__(self, limit: int = 20, window_s: float = 60.0, keep: int = 10_000) -> None:
        self._limit, self._window_s, self._keep = limit, window_s, keep
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def count(self, who: str) -> None:
        """Note one attempt. Raises `TooMany`."""
        at = time.monotonic()
        times = self._seen.setdefault(who, deque())
        self._seen.move_to_end(who)
        while times and at - times[0] > self._window_s:
            times.popleft()
        if len(times) >= self._limit:
            raise TooMany("too-many-attempts", "尝试过于频繁，请一分钟后再试。")
        times.append(at)
        while len(self._seen) > self._keep:
            self._seen.popitem(last=False)


ATTEMPTS: web.AppKey[Attempts] = web.AppKey("attempts", Attempts)

STREAMS_AT_ONCE = 4
STREAMS: web.AppKey[asyncio.Semaphore] = web.AppKey("streams", asyncio.Semaphore)
"""Where streams wait until their sign-ins are looked up. After a restart all desks come back in the same second: each
would wait for the database longer than anybody may, and so would pages."""
