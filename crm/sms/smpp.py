"""An SMPP 3.4 gateway over aiosmpplib: what it reports is certain, or it says that it is not.

The library keeps the link (bind, enquire_link, reconnect). Guards for its ways (0.7.4): a watchdog on its
`start()` task; messages wait in a queue of ours, from which one that was not yet taken can be withdrawn; a
message is proven unsent only while it lies there or until the library says that it writes it; no logs of its
own, for they hold numbers; its throttle handler would hold messages back unseen, so ours never does.
"""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aiosmpplib import (
    ESME,
    AbstractBroker,
    AbstractHook,
    AbstractRetryTimer,
    AbstractThrottleHandler,
    DeliverSm,
    PhoneNumber,
    SmppCommandStatus,
    SmppMessage,
    SubmitSm,
    SubmitSmResp,
)

from core import phone
from core.errors import Unavailable
from core.health import Health
from core.log import get
from crm.settings import SmppSettings
from crm.sms import receipts
from crm.sms.port import Inbox, NotSent, Refused, Reply, Report, Uncertain

log = get(__name__)

RETRY_FIRST_S, RETRY_LONGEST_S = 0.5, 15.0
UNBIND_S = 3.0
MAY_SUCCEED_LATER = {
    SmppCommandStatus.ESME_RTHROTTLED,
    SmppCommandStatus.ESME_RMSGQFUL,
    SmppCommandStatus.ESME_RSYSERR,
}


@dataclass
class _Pending:
    outcome: asyncio.Future[str]
    written: bool = False


class _Queue(AbstractBroker):  # type: ignore[misc]
    """What the library will send next; `withdraw` takes a message back that it has not taken."""

    def __init__(self) -> None:
        self._waiting: deque[SubmitSm] = deque()
        self._some = asyncio.Event()

    async def enqueue(self, message: SmppMessage) -> None:
        self._waiting.append(message)
        self._some.set()

    async def dequeue(self) -> SmppMessage:
        while not self._waiting:
            self._some.clear()
            await self._some.wait()
        return self._waiting.popleft()

    def withdraw(self, log_id: str) -> bool:
        for message in self._waiting:
            if message.log_id == log_id:
                self._waiting.remove(message)
                return True
        return False


class _Pace(AbstractRetryTimer):  # type: ignore[misc]
    """Called by the library after each bind and each loss of the link: so we know of both."""

    def __init__(self, gateway: "SmppGateway") -> None:
        self._gateway = gateway
        self._delay = RETRY_FIRST_S

    def reset(self) -> None:
        self._delay = RETRY_FIRST_S
        self._gateway._bound()

    def next_delay(self) -> float:
        return self._delay

    async def wait(self) -> None:
        self._gateway._lost()
        await asyncio.sleep(self._delay)
        self._delay = min(self._delay * 2, RETRY_LONGEST_S)


class _NoThrottle(AbstractThrottleHandler):  # type: ignore[misc]
    """Throttled messages are tried again by their jobs."""

    async def throttled(self) -> None:
        log.info("smpp.throttled")

    async def not_throttled(self) -> None:
        """Nothing to do."""

    async def allow_request(self) -> bool:
        return True

    async def throttle_delay(self) -> float:
        return 0.0


class _Hook(AbstractHook):  # type: ignore[misc]
    """Where the library tells what it writes and reads. It answers a request only after `received` returns."""

    def __init__(self, gateway: "SmppGateway") -> None:
        self._gateway = gateway

    async def sending(self, smpp_message: SmppMessage, pdu: bytes, client_id: str) -> None:
        if isinstance(smpp_message, SubmitSm):
            self._gateway._writing(smpp_message.log_id)

    async def received(self, smpp_message: SmppMessage | None, pdu: bytes, client_id: str) -> None:
        if isinstance(smpp_message, DeliverSm):
            await self._gateway._delivered(smpp_message)
        elif isinstance(smpp_message, SubmitSmResp):
            self._gateway._responded(smpp_message)

    async def send_error(self, smpp_message: SmppMessage, error: Exception, client_id: str) -> None:
        self._gateway._send_failed(smpp_message.log_id, error)


class SmppGateway:
    """One transceiver bind. `inbox` keeps reports and replies before they are acknowledged."""

    name = "smpp"

    def __init__(self, settings: SmppSettings, inbox: Inbox) -> None:
        receipts.install()
        self._settings = settings
        self._inbox = inbox
        self._queue = _Queue()
        self._pending: dict[str, _Pending] = {}
        self._esme: ESME | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_bound = asyncio.Event()

    @property
    def ready(self) -> bool:
        """Whether the bind stands."""
        return self._is_bound.is_set()

    async def start(self) -> None:
        """Bind in the background, and again whenever the link is lost."""
        self._task = asyncio.create_task(self._keep(), name="smpp")

    async def bound(self) -> None:
        """Return once the bind stands."""
        await self._is_bound.wait()

    async def stop(self) -> None:
        """Unbind; what has no response yet is uncertain."""
        if self._esme is not None and self.ready:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._esme.stop(), UNBIND_S)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._lost()

    async def health(self) -> Health:
        """Well while the bind stands."""
        where = f"{self._settings.host}:{self._settings.port}"
        detail = f"已连接短信网关 {where}" if self.ready else f"未连接短信网关 {where}，短信等待发送"
        return Health("短信网关", self.ready, detail, "检查网络、网关地址和账号，或联系运营商。")

    async def submit(self, sms_id: UUID, to: str, text: str) -> str:
        """See `SmsGateway.submit`."""
        if not self.ready:
            raise NotSent("短信网关未连接。")
        pending = _Pending(asyncio.get_running_loop().create_future())
        log_id = str(sms_id)
        self._pending[log_id] = pending
        try:
            await self._queue.enqueue(self._message(log_id, to, text))
            return await asyncio.wait_for(pending.outcome, self._settings.response_timeout_s)
        except TimeoutError:
            if self._queue.withdraw(log_id):
                raise NotSent("短信网关忙，未能提交。") from None
            raise Uncertain from None
        finally:
            self._pending.pop(log_id, None)

    def _message(self, log_id: str, to: str, text: str) -> SubmitSm:
        number = to.removeprefix("+86" if self._settings.national_numbers else "+")
        return SubmitSm(
            short_message=text,
            source=PhoneNumber(self._settings.source),
            destination=PhoneNumber(number.removeprefix("+")),
            registered_delivery=1,
            log_id=log_id,
        )

    async def _keep(self) -> None:
        """The watchdog: an error that ends the library's loop ends only this one bind."""
        while True:
            try:
                self._esme = self._client()
                await self._esme.start()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever broke the library, the gateway goes on
                log.warning("smpp.restarting", error=type(error).__name__)
            self._lost()
            await asyncio.sleep(RETRY_FIRST_S)

    def _client(self) -> ESME:
        settings = self._settings
        return ESME(
            smsc_host=settings.host,
            smsc_port=settings.port,
            system_id=settings.system_id,
            password=settings.password,
            system_type=settings.system_type,
            enquire_link_interval=float(settings.enquire_link_s),
            socket_timeout=float(settings.response_timeout_s),
            log_level="CRITICAL",
            hook=_Hook(self),
            broker=self._queue,
            retry_timer=_Pace(self),
            throttle_handler=_NoThrottle(),
        )

    def _bound(self) -> None:
        if not self.ready:
            log.info("smpp.bound")
        self._is_bound.set()

    def _lost(self) -> None:
        if self.ready:
            log.warning("smpp.lost")
        self._is_bound.clear()
        for log_id, pending in list(self._pending.items()):
            unsent = self._queue.withdraw(log_id) or not pending.written
            self._settle(log_id, NotSent("短信网关连接中断。") if unsent else Uncertain())

    def _writing(self, log_id: str) -> None:
        if log_id in self._pending:
            self._pending[log_id].written = True

    def _responded(self, response: SubmitSmResp) -> None:
        status = response.command_status
        if status == SmppCommandStatus.ESME_ROK:
            self._settle(response.log_id, response.message_id)
        elif status in MAY_SUCCEED_LATER:
            self._settle(response.log_id, NotSent(f"短信网关暂不接收（{status.name}）。"))
        else:
            self._settle(response.log_id, Refused(f"短信网关拒绝（{status.name}）"))

    def _send_failed(self, log_id: str, error: Exception) -> None:
        if isinstance(error, ValueError):
            self._settle(log_id, Refused("短信内容或号码不能编码"))

    def _settle(self, log_id: str, outcome: str | Exception) -> None:
        pending = self._pending.get(log_id)
        if pending is None or pending.outcome.done():
            return
        if isinstance(outcome, str):
            pending.outcome.set_result(outcome)
        else:
            pending.outcome.set_exception(outcome)

    async def _delivered(self, message: Any) -> None:
        """Keep a report or reply. ConnectionError drops the link, so that the gateway delivers it again."""
        number = phone.from_caller_id(message.source.number)
        try:
            if message.is_receipt():
                found = message.parse_receipt()
                if found.get("id"):
                    status, error = found.get("stat", ""), found.get("err", "")
                    error = "" if error.strip("0") == "" else error
                    await self._inbox.report(Report(self.name, found["id"], number, status, error))
            elif number is not None:
                text = message.short_message or message.message_payload
                await self._inbox.reply(Reply(self.name, number, text))
        except Unavailable as error:
            raise ConnectionError("the inbox is away") from error
