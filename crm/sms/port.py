"""What a gateway is: it takes one message and says what is certain about it."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from core.errors import Unavailable
from core.health import Health


class NotSent(Unavailable):
    """It is certain that nothing was sent; the same message may be submitted again."""

    def __init__(self, message: str) -> None:
        super().__init__("sms-gateway-unavailable", message)


class Refused(Exception):
    """The gateway will not send this message; the argument says why, in Chinese."""


class Uncertain(Exception):
    """The message may or may not have been taken: no response came. It must not be submitted again."""


@dataclass(frozen=True)
class Report:
    """A delivery report 状态报告; `status` as in SMPP 3.4 (`DELIVRD`, `UNDELIV` …)."""

    gateway: str
    gateway_id: str
    phone: str | None
    status: str
    error: str = ""


@dataclass(frozen=True)
class Reply:
    """What a citizen wrote back 上行短信."""

    gateway: str
    phone: str
    text: str


class Inbox(Protocol):
    """Keeps what comes from a gateway; when it returns, the gateway may forget it. Raises Unavailable."""

    async def report(self, report: Report) -> None: ...

    async def reply(self, reply: Reply) -> None: ...


class SmsGateway(Protocol):
    """A way to citizens' mobiles."""

    name: str

    @property
    def ready(self) -> bool:
        """Whether a message can be submitted now."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def health(self) -> Health: ...

    async def submit(self, sms_id: UUID, to: str, text: str) -> str:
        """Submit to an E.164 number -> the gateway's message id. Raises NotSent, Refused or Uncertain."""
