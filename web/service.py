"""The web role as a service: HTTPS from the start, since browsers give no microphone without it."""

import ssl
from pathlib import Path

from aiohttp import web

from core.errors import Unavailable
from core.health import Health
from web import app
from web.live import Hub
from web.parts import Parts
from web.protocol import Site
from web.routes import TABLE

SHUTDOWN_S = 3.0


class WebService:
    """Serves the desks at `https://host:port/`."""

    name = "网页服务"

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._hub = Hub(parts.database.dsn, parts.settings.live_clients)
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. Raises `Unavailable` when the address is taken or the certificate is missing."""
        settings = self._parts.settings
        context = tls(*certificate(self._parts))
        await self._hub.start()
        application = app.build(self._parts, TABLE, self._hub)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        try:
            await Site(runner, settings.host, settings.port, ssl_context=context).start()
        except OSError as error:
            await runner.cleanup()
            await self._hub.stop()
            raise Unavailable("web-port-taken", f"网页端口 {settings.host}:{settings.port} 无法监听。") from error
        self._runner = runner

    async def stop(self) -> None:
        """End the streams, finish what is being answered, close."""
        await self._hub.stop()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def health(self) -> Health:
        """Well while it listens and hears the database's hints."""
        hub = await self._hub.health()
        if self._runner is None:
            return Health(self.name, False, "未启动", "查看服务日志。")
        return Health(self.name, hub.ok, hub.detail)


def certificate(parts: Parts) -> tuple[Path, Path]:
    """Chain and key: of the settings, else what the set-up issued."""
    folder = parts.home / "tls"
    settings = parts.settings
    return settings.certificate or folder / "server.pem", settings.certificate_key or folder / "server.key"


def tls(chain: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer with this certificate. Raises `Unavailable("no-certificate")`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(chain, key)
    except (OSError, ssl.SSLError) as error:
        raise Unavailable("no-certificate", f"证书 {chain} 无法使用，请运行 make setup。") from error
    return context
