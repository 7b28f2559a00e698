"""Files that people take along: sent in blocks, under a name that every browser reads."""

import asyncio
from collections.abc import AsyncIterator
from typing import IO
from urllib.parse import quote

from aiohttp import web

from core.errors import HotlineError, Invalid
from core.log import get

log = get(__name__)
BLOCK = 256 * 1024
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


async def send_sheet(request: web.Request, content: IO[bytes], name: str) -> web.StreamResponse:
    """A workbook, by its name without the ending, as a download (RFC 6266); closes it."""
    return await _send(request, content, XLSX, f"{name}.xlsx")


async def send_document(request: web.Request, content: IO[bytes], name: str) -> web.StreamResponse:
    """The same for a text document."""
    return await _send(request, content, DOCX, f"{name}.docx")


async def _send(request: web.Request, content: IO[bytes], kind: str, name: str) -> web.StreamResponse:
    response = web.StreamResponse(headers=headers_of(kind, name))
    with content:
        await response.prepare(request)
        while block := await asyncio.to_thread(content.read, BLOCK):
            await response.write(block)
    await response.write_eof()
    return response


async def stream(
    request: web.Request, blocks: AsyncIterator[bytes], content_type: str, name: str, size: int
) -> web.StreamResponse:
    """A file from a store, of which the size is known, as a download."""
    response = web.StreamResponse(headers=headers_of(content_type, name) | {"Content-Length": str(size)})
    await response.prepare(request)
    async for block in blocks:
        await response.write(block)
    await response.write_eof()
    return response


async def send_promised(
    request: web.Request, response: web.StreamResponse, first: bytes, rest: AsyncIterator[bytes], size: int
) -> web.StreamResponse:
    """Exactly `size` bytes, or a connection that breaks: what is damaged in the middle never looks whole.

    `first` was read before, so that what cannot be read at all is told in words.
    """
    try:
        await response.prepare(request)
        await response.write(first)
        left = size - len(first)
        async for block in rest:
            await response.write(block)
            left -= len(block)
        if left:
            raise Invalid("file-incomplete", "文件不完整。")
    except ConnectionError:
        log.debug("file.dropped")  # a player that seeks drops what it no longer wants
    except HotlineError as error:
        log.warning("file.broke-off", error=error.id)
        if request.transport:
            request.transport.abort()
    return response


def headers_of(content_type: str, name: str) -> dict[str, str]:
    """Of a download (RFC 6266)."""
    return {"Content-Type": content_type, "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
