"""Cloud MAS as a gateway: one HTTP request a message, reports and replies pushed to us."""

from uuid import UUID

import aiohttp

from core import phone
from core.health import Health
from core.log import get
from crm.settings import MasSettings
from crm.sms.link import PART
from crm.sms.mas import wire
from crm.sms.mas.push import PushListener
from crm.sms.mas.templates import choose, unsigned
from crm.sms.port import Inbox, NotSent, Refused, Uncertain

log = get(__name__)

CONNECT_S = 10.0
NO_TEMPLATE = "没有与此短信相符的已报备模板"
MEND = "核对设置 sms.mas 与运营商开户信息，检查网络，或联系运营商。"


class MasGateway:
    """`inbox` keeps reports and replies before they are acknowledged."""

    name = "mas"
    ready = True

    def __init__(self, settings: MasSettings, inbox: Inbox) -> None:
        self._settings = settings
        self._push = PushListener(self.name, settings, inbox)
        self._http: aiohttp.ClientSession | None = None
        self._trouble = ""

    async def start(self) -> None:
        """Listen for pushes. A connection is made for each message: one that was kept may just be closing, and a
        message written into it would be of unknown outcome."""
        timeout = aiohttp.ClientTimeout(total=self._settings.response_timeout_s, sock_connect=CONNECT_S)
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True), timeout=timeout)
        await self._push.start()

    async def stop(self) -> None:
        """Stop listening; what has no answer yet is uncertain."""
        await self._push.stop()
        if self._http is not None:
            await self._http.close()

    async def health(self) -> Health:
        """Well unless the last message could not be given to the platform, or nothing can be received."""
        trouble = "；".join(filter(None, (self._trouble, self._push.trouble)))
        return Health(PART, not trouble, trouble or f"使用云MAS {self._settings.url}", MEND)

    async def submit(self, sms_id: UUID, to: str, text: str) -> str:
        """See `SmsGateway.submit`."""
        path, body = self._request(phone.dialled(to, national=True), unsigned(text))
        try:
            batch = await self._post(path, body)
        except NotSent as error:
            self._trouble = error.message
            raise
        self._trouble = ""
        return batch

    def _request(self, mobile: str, text: str) -> tuple[str, bytes]:
        settings = self._settings
        if not settings.templates:
            return wire.FREE_TEXT, wire.free_text(settings, mobile, text)
        chosen = choose(settings.templates, text)
        if chosen is None:
            raise Refused(NO_TEMPLATE)
        template, values = chosen
        return wire.TEMPLATE, wire.template(settings, mobile, template.id, values)

    async def _post(self, path: str, body: bytes) -> str:
        if self._http is None:
            raise NotSent("短信网关未启动。")
        url = self._settings.url.rstrip("/") + path
        try:
            async with self._http.post(url, data=body, allow_redirects=False) as response:
                status, text = response.status, await response.text(errors="replace")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL):
            raise NotSent(f"不能连接云MAS（{self._settings.url}）。") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("mas.uncertain", error=type(error).__name__)
            raise Uncertain from None
        return _outcome(status, text)


def _outcome(status: int, text: str) -> str:
    """The platform's batch id. Raises NotSent, Refused, or Uncertain where its answer does not tell."""
    if 300 <= status < 500:
        raise NotSent(f"云MAS没有接受请求（HTTP {status}）。")
    answer = wire.answer(text) if status == 200 else None
    if answer is None or not answer.rspcod:
        log.warning("mas.no-answer", status=status)
        raise Uncertain
    if answer.success and answer.rspcod == wire.ACCEPTED and answer.batch:
        return answer.batch
    if answer.success:
        raise Uncertain
    if answer.rspcod in wire.OUR_SETTINGS:
        raise NotSent(f"云MAS不接受本单位的设置（{wire.OUR_SETTINGS[answer.rspcod]}，{answer.rspcod}）。")
    raise Refused(f"云MAS拒绝（{wire.REFUSALS.get(answer.rspcod, '未说明')}，{answer.rspcod[:40]}）")
