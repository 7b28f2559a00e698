"""An SMPP 3.4 gateway over aiosmpplib: what it reports is certain, or it says that it is not.

The library keeps the connection (bind, enquire_link, reconnect). Guards for its ways (0.7.4): a watchdog on its
`start()` task; messages wait in our `Link`, from which one that was not yet taken can be withdrawn; a message is
proven unsent only while it lies there or until the library says that it writes it; no logs of its own, for they
hold numbers; its throttle handler would hold messages back unseen, so ours never does.
"""

import asyncio
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
from core.log import get
from crm.settings import SmppSettings
from crm.sms import receipts
from crm.sms.link import Backoff, Link
from crm.sms.linked import LinkedGateway
from crm.sms.port import Inbox, NotSent, Refused, Reply, Report

log = get(__name__)

MAY_SUCCEED_LATER = {
    SmppCommandStatus.ESME_RTHROTTLED,
    SmppCommandStatus.ESME_RMSGQFUL,
    SmppCommandStatus.ESME_RSYSERR,
}


class _Queue(AbstractBroker):  # type: ignore[misc]
    """What the library will send next: the link's outbox."""

    def __init__(self, link: Link[SubmitSm]) -> None:
        self._link = link

    async def enqueue(self, message: SmppMessage) -> None:
        self._link.put(message.log_id, message)

    async def dequeue(self) -> SmppMessage:
        _, message = await self._link.take()
        return message


class _Pace(AbstractRetryTimer):  # type: ignore[misc]
    """Called by the library after each bind and each loss of the link: so we know of both."""

    def __init__(self, link: Link[SubmitSm]) -> None:
        self._link = link
        self._backoff = Backoff()

    def reset(self) -> None:
        self._backoff.reset()
        self._link.up()

    def next_delay(self) -> float:
        return Backoff.FIRST_S

    async def wait(self) -> None:
        self._link.down()
        await asyncio.sleep(self._backoff.next())


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
            self._gateway.link.writing(smpp_message.log_id)

    async def received(self, smpp_message: SmppMessage | None, pdu: bytes, client_id: str) -> None:
        if isinstance(smpp_message, DeliverSm):
            await self._gateway._delivered(smpp_message)
        elif isinstance(smpp_message, SubmitSmResp):
            self._gateway._responded(smpp_message)

    async def send_error(self, smpp_message: SmppMessage, error: Exception, client_id: str) -> None:
        self._gateway._send_failed(smpp_message.log_id, error)


class SmppGateway(LinkedGateway[SubmitSm]):
    """One transceiver bind. `inbox` keeps reports and replies before they are acknowledged."""

    name = "smpp"

    def __init__(self, settings: SmppSettings, inbox: Inbox) -> None:
        super().__init__(f"{settings.host}:{settings.port}")
        receipts.install()
        self._settings = settings
        self._inbox = inbox
        self._esme: ESME | None = None

    async def submit(self, sms_id: UUID, to: str, text: str) -> str:
        """See `SmsGateway.submit`."""
        log_id = str(sms_id)
        return await self.link.submit(log_id, self._message(log_id, to, text), self._settings.response_timeout_s)

    def _message(self, log_id: str, to: str, text: str) -> SubmitSm:
        return SubmitSm(
            short_message=text,
            source=PhoneNumber(self._settings.source),
            destination=PhoneNumber(phone.dialled(to, national=self._settings.national_numbers)),
            registered_delivery=1,
            log_id=log_id,
        )

    async def _serve(self) -> None:
        self._esme = self._client()
        await self._esme.start()

    async def _leave(self) -> None:
        if self._esme is not None:
            await self._esme.stop()

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
            broker=_Queue(self.link),
            retry_timer=_Pace(self.link),
            throttle_handler=_NoThrottle(),
        )

    def _responded(self, response: SubmitSmResp) -> None:
        status = response.command_status
        if status == SmppCommandStatus.ESME_ROK:
            self.link.settle(response.log_id, response.message_id)
        elif status in MAY_SUCCEED_LATER:
            self.link.settle(response.log_id, NotSent(f"短信网关暂不接收（{status.name}）。"))
        else:
            self.link.settle(response.log_id, Refused(f"短信网关拒绝（{status.name}）"))

    def _send_failed(self, log_id: str, error: Exception) -> None:
        if isinstance(error, ValueError):
            self.link.settle(log_id, Refused("短信内容或号码不能编码"))

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
