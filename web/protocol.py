"""Below the table of routes: what is not HTTP at all gets a clear answer too, and its connection ends."""

import asyncio

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import RequestHandler

from core.log import get

log = get(__name__)

UNREADABLE = "请求内容无法读取。"
TOO_LONG = "请求头过长。"
FAILED = "系统出现错误，已记录，请稍后再试。"


class Protocol(RequestHandler):
    """aiohttp's protocol, but what the peer sent wrong is said in our words and never repeated to anybody."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to bytes that are no request; also the last resort above the guard."""
        if status >= 500:
            log.error("connection.failed", exc_info=exc)
        else:
            log.info("connection.unreadable", status=status, error=type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is on its way already")
        said = FAILED if status >= 500 else TOO_LONG if isinstance(exc, LineTooLong) else UNREADABLE
        response = web.Response(status=status, text=said, headers={"Cache-Control": "no-store", "Server": "hotline"})
        response.force_close()
        return response


class Site(web.TCPSite):
    """A listening address whose connections speak `Protocol`."""

    async def start(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        await web.BaseSite.start(self)
        loop, manager = asyncio.get_running_loop(), self._runner.server
        assert manager is not None
        self._server = await loop.create_server(
            # None switches the access log off, whatever its annotation says
            lambda: Protocol(manager, loop=loop, access_log=None, auto_decompress=False),  # type: ignore[arg-type]
            self._host,
            self._port,
            ssl=self._ssl_context,
            backlog=self._backlog,
        )
