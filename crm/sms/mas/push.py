"""Where 云MAS pushes delivery reports and citizens' replies: an HTTP listener of its own, that knows nothing else."""

import hmac
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from aiohttp import web

from core import phone
from core.errors import Unavailable
from core.log import get
from crm.settings import MasSettings
from crm.sms.mas.wire import BadPush, PushedReply, PushedReport, pushed
from crm.sms.port import Inbox, Reply, Report
from crm.sms.rules import operators_status

log = get(__name__)

LARGEST_BYTES = 256 * 1024
SHORTEST_TOKEN = 16


class PushListener:
    """Answers 200 once the inbox has kept what was pushed, 503 while it cannot: then the platform pushes again."""

    def __init__(self, name: str, settings: MasSettings, inbox: Inbox) -> None:
        self._name, self._settings, self._inbox = name, settings, inbox
        app = web.Application(client_max_size=LARGEST_BYTES)
        app.router.add_post("/{token}/report", self._guarded(self._report))
        app.router.add_post("/{token}/reply", self._guarded(self._reply))
        self._runner = web.AppRunner(app, access_log=None)
        self.trouble = ""
        """Why nothing can be received, as a Chinese clause; empty while all is well."""

    async def start(self) -> None:
        """Listen; an address that cannot be had is said by `trouble`, messages go out all the same."""
        settings = self._settings
        if len(settings.push_token) < SHORTEST_TOKEN:
            self.trouble = f"未设置 push_token（至少{SHORTEST_TOKEN}位），不接收回执和上行短信"
            return
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, settings.push_host, settings.push_port).start()
        except OSError as error:
            self.trouble = f"不能监听 {settings.push_host}:{settings.push_port}，收不到回执和上行短信"
            log.error("mas.not-listening", error=type(error).__name__)

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    def _guarded(self, take: Callable[[bytes], Awaitable[None]]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            if not self._may(request):
                return web.Response(status=404)
            try:
                await take(await request.read())
            except BadPush as error:
                log.warning("mas.bad-push", why=str(error))
                return web.Response(status=400, text=f"bad push: {error}")
            except Unavailable:
                return web.Response(status=503)
            return web.Response(text="success")

        return handle

    def _may(self, request: web.Request) -> bool:
        settings = self._settings
        known = hmac.compare_digest(request.match_info["token"].encode(), settings.push_token.encode())
        peer = ip_address(request.remote or "0.0.0.0")
        return known and (not settings.push_from or any(peer in network for network in settings.push_from))

    async def _report(self, body: bytes) -> None:
        for one in pushed(PushedReport, body):
            status, error = operators_status(one.reportStatus, one.errorCode)
            number = phone.from_caller_id(one.mobile)
            await self._inbox.report(Report(self._name, one.msgGroup, number, status, error))

    async def _reply(self, body: bytes) -> None:
        for one in pushed(PushedReply, body):
            if number := phone.from_caller_id(one.mobile):
                await self._inbox.reply(Reply(self._name, number, one.smsContent))
