"""The wire between a page's telephone and Asterisk: SIP over WebSocket (RFC 7118), let through for one's own
extension and for as long as the sign-in lasts."""

import asyncio
import contextlib
import re
import time
from collections.abc import Coroutine

import aiohttp
from aiohttp import WSCloseCode, WSMsgType, web

from callflow.phones.passwords import holds
from core.errors import Unavailable
from core.log import get
from web.context import Context
from web.doors import identify
from web.live import HEARTBEAT_S, HUB
from web.parts import PARTS

log = get(__name__)

SIP = "sip"
LARGEST = 64 * 1024
ALIVE_S = 10.0
"""Between two pings to the browser; unanswered for half as long, it is gone and so is its registration."""
FORGED, SIGNED_OUT = 4403, 4401
"""Codes with which a page's telephone is closed (private use, RFC 6455 7.4.2)."""
_FROM = re.compile(r"^(?:from|f)[ \t]*:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", re.IGNORECASE | re.MULTILINE)
_USER = re.compile(r"<?sips?:([^@;>\s]+)@", re.IGNORECASE)


def speaks_for(message: str) -> str | None:
    """Whose request this is, by the one From header that it must have (RFC 3261, 8.1.1.3); None where nobody can say.

    An answer says nothing of its own, so it is nobody's: the empty string.
    """
    if message.startswith("SIP/2.0 ") or not message.strip():
        return ""
    head = message.partition("\r\n\r\n")[0]
    found = _FROM.findall(head)
    users = _USER.findall(found[0]) if len(found) == 1 else []
    return users[0] if len(users) == 1 else None


async def connect(ctx: Context, extension: str, address: str) -> web.StreamResponse:
    """Carry messages both ways until either side, or the sign-in, ends. Raises Unavailable("phone-line-away")."""
    async with aiohttp.ClientSession() as client:
        try:
            line = await client.ws_connect(address, protocols=(SIP,), max_msg_size=LARGEST)
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable("phone-line-away", "电话系统暂时没有应答，话机正在重连。") from error
        async with line:
            page = web.WebSocketResponse(protocols=(SIP,), heartbeat=ALIVE_S, max_msg_size=LARGEST, compress=False)
            await page.prepare(ctx.request)
            code = await _first(_from_page(page, line, extension), _from_line(page, line), _until_signed_out(ctx))
            with contextlib.suppress(ConnectionResetError):
                await page.close(code=code)
    return page


async def _first(*ways: Coroutine[None, None, int]) -> int:
    """Run all until the first ends -> the code that it ends the line with."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return max(task.result() for task in done)


async def _from_page(page: web.WebSocketResponse, line: aiohttp.ClientWebSocketResponse, extension: str) -> int:
    async for message in page:
        if message.type is not WSMsgType.TEXT:
            return WSCloseCode.UNSUPPORTED_DATA
        if speaks_for(message.data) not in ("", extension):
            log.warning("phone.forged", extension=extension)
            return FORGED
        await line.send_str(message.data)
    return WSCloseCode.OK


async def _from_line(page: web.WebSocketResponse, line: aiohttp.ClientWebSocketResponse) -> int:
    async for message in line:
        if message.type is WSMsgType.TEXT:
            await page.send_str(message.data)
    return WSCloseCode.TRY_AGAIN_LATER


async def _until_signed_out(ctx: Context) -> int:
    """Ends with the sign-in, or when another sign-in of this person has taken the telephone."""
    hub = ctx.request.app[HUB]
    box = hub.open(frozenset(), "", str(ctx.signed_in.user.id))
    looked = time.monotonic()
    try:
        while not hub.closing.is_set():
            await box.take(HEARTBEAT_S)
            if not box.doubted and time.monotonic() - looked < HEARTBEAT_S:
                continue
            box.doubted, looked = False, time.monotonic()
            if not await still_mine(ctx):
                return SIGNED_OUT
        return WSCloseCode.GOING_AWAY
    finally:
        hub.close(box)


async def still_mine(ctx: Context) -> bool:
    """Whether the sign-in lives and still has the telephone."""
    async with ctx.request.app[PARTS].database.session() as session:
        who = await identify(ctx.request, session)
        if who is None or not who.complete:
            return False
        return await holds(session, who.user.id, who.session.id) is not None
