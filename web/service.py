"""The web role as a service: HTTPS from the start, since browsers give no microphone without it."""

from aiohttp import web

from core.errors import Unavailable
from core.health import Health
from core.service import Loop
from web import app
from web.live import Hub
from web.parts import Parts
from web.protocol import Site
from web.routes import TABLE
from web.tls import LOOK_EVERY_S, Tls, certificate

SHUTDOWN_S = 3.0


class WebService:
    """Serves the desks at `https://host:port/`."""

    name = "网页服务"

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._hub = Hub(parts.database, parts.settings.live_clients)
        self._runner: web.AppRunner | None = None
        self._renewal: Loop | None = None

    async def start(self) -> None:
        """Listen. Raises `Unavailable` when the address is taken or the certificate is missing."""
        settings = self._parts.settings
        served = Tls(*certificate(self._parts))
        await self._hub.start()
        application = app.build(self._parts, TABLE, self._hub)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        try:
            await Site(runner, settings.host, settings.port, ssl_context=served.context).start()
        except OSError as error:
            await runner.cleanup()
            await self._hub.stop()
            raise Unavailable("web-port-taken", f"网页端口 {settings.host}:{settings.port} 无法监听。") from error
        self._runner = runner
        self._renewal = Loop("网页证书", LOOK_EVERY_S, served.look)
        await self._renewal.start()

    async def stop(self) -> None:
        """End the streams, finish what is being answered, close."""
        if self._renewal:
            await self._renewal.stop()
        await self._hub.stop()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def health(self) -> Health:
        """Well while it listens and hears the database's hints."""
        hub = await self._hub.health()
        if self._runner is None or self._renewal is None:
            return Health(self.name, False, "未启动", "查看服务日志。")
        if not (renewal := await self._renewal.health()).ok:
            return Health(self.name, False, f"{renewal.detail}仍在使用原证书。", "检查证书与密钥两个文件是否配套。")
        return Health(self.name, hub.ok, hub.detail)
