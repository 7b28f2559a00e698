"""Files that people take along: sent in blocks, under a name that every browser reads."""

import asyncio
from collections.abc import AsyncIterator
from typing import IO
from urllib.parse import quote

from aiohttp import web

BLOCK = 256 * 1024


async def send(request: web.Request, content: IO[bytes], content_type: str, name: str) -> web.StreamResponse:
    """The file as a download (RFC 6266); closes it."""
    response = web.StreamResponse(headers=_headers(content_type, name))
    with content:
        await response.prepare(request)
        while block := await asyncio.to_thread(content.read, BLOCK):
            await response.write(block)
    await response.write_eof()
    return response


async def stream(
    request: web.Request, blocks: AsyncIterator[bytes], content_type: str, name: str, size: int
) -> web.StreamResponse:
    """The same from a store, of which the size is known."""
    response = web.StreamResponse(headers=_headers(content_type, name) | {"Content-Length": str(size)})
    await response.prepare(request)
    async for block in blocks:
        await response.write(block)
    await response.write_eof()
    return response


def _headers(content_type: str, name: str) -> dict[str, str]:
    return {"Content-Type": content_type, "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
