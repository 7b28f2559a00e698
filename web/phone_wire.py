"""The wire between a page's telephone and Asterisk: SIP over WebSocket (RFC 7118), let through for one's own
extension and for as long as the sign-in lasts."""

import asyncio
import contextlib
import re
import time

import aiohttp
from aiohttp import WSMsgType, web

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
_FROM = re.compile(r"^(?:from|f)[ \t]*:(.*(?:\r\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)
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
    async with aiohttp.ClientSession(auto_decompress=False) as client:
        try:
            line = await client.ws_connect(address, protocols=(SIP,), max_msg_size=LARGEST, autoclose=True)
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable("phone-line-away", "电话系统暂时没有应答，话机正在重连。") from error
        page = web.WebSocketResponse(protocols=(SIP,), heartbeat=ALIVE_S, max_msg_size=LARGEST, compress=False)
        try:
            await page.prepare(ctx.request)
            await _carry(ctx, page, line, extension)
        finally:
            await line.close()
            with contextlib.suppress(ConnectionResetError):
                await page.close()
    return page


async def _carry(
    ctx: Context, page: web.WebSocketResponse, line: aiohttp.ClientWebSocketResponse, extension: str
) -> None:
    ways = [
        asyncio.create_task(_from_page(page, line, extension)),
        asyncio.create_task(_from_line(page, line)),
        asyncio.create_task(_until_signed_out(ctx, page)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _from_page(page: web.WebSocketResponse, line: aiohttp.ClientWebSocketResponse, extension: str) -> None:
    async for message in page:
        if message.type is not WSMsgType.TEXT:
            return
        if speaks_for(message.data) not in ("", extension):
            log.warning("phone.forged", extension=extension)
            await page.close(code=FORGED, message=b"not your extension")
            return
        await line.send_str(message.data)


async def _from_line(page: web.WebSocketResponse, line: aiohttp.ClientWebSocketResponse) -> None:
    async for message in line:
        if message.type is WSMsgType.TEXT:
            await page.send_str(message.data)


async def _until_signed_out(ctx: Context, page: web.WebSocketResponse) -> None:
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
                await page.close(code=SIGNED_OUT, message=b"signed out")
                return
    finally:
        hub.close(box)


async def still_mine(ctx: Context) -> bool:
    """Whether the sign-in lives and still has the telephone."""
    async with ctx.request.app[PARTS].database.session() as session:
        who = await identify(ctx.request, session)
        if who is None or not who.complete:
            return False
        return await holds(session, who.user.id, who.session.id) is not None
