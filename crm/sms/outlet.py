"""The process's one gateway: the service that SMS jobs submit through."""

from uuid import UUID

from core.db import Database
from core.health import Health
from crm.settings import SmsSettings
from crm.sms.console import ConsoleGateway
from crm.sms.inbox import DatabaseInbox
from crm.sms.port import NotSent, SmsGateway


class SmsOutlet:
    """Started and stopped by the worker role; jobs find it by its type."""

    name = "短信网关"

    def __init__(self, gateway: SmsGateway) -> None:
        self.gateway = gateway

    @classmethod
    def from_settings(cls, settings: SmsSettings, db: Database) -> "SmsOutlet":
        """The gateway that the settings name, and no other is loaded; what it receives goes into `db`."""
        inbox = DatabaseInbox(db)
        match settings.gateway:
            case "smpp":
                from crm.sms.smpp import SmppGateway

                return cls(SmppGateway(settings.smpp, inbox))
            case "cmpp":
                from crm.sms.cmpp.gateway import CmppGateway

                return cls(CmppGateway(settings.cmpp, inbox))
            case "mas":
                from crm.sms.mas.gateway import MasGateway

                return cls(MasGateway(settings.mas, inbox))
            case "console":
                return cls(ConsoleGateway())

    async def start(self) -> None:
        """Connect; a gateway that is away is tried again in the background."""
        await self.gateway.start()

    async def stop(self) -> None:
        """Leave the gateway."""
        await self.gateway.stop()

    async def health(self) -> Health:
        """The gateway's."""
        return await self.gateway.health()

    def require_ready(self) -> None:
        """Raise NotSent when the gateway is away."""
        if not self.gateway.ready:
            raise NotSent("短信网关未连接。")

    async def submit(self, sms_id: UUID, to: str, text: str) -> str:
        """See `SmsGateway.submit`."""
        return await self.gateway.submit(sms_id, to, text)
