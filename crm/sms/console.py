"""The gateway for places without an operator: the message goes no further than the SMS log."""

from uuid import UUID

from core.health import Health
from core.log import get
from crm.sms.link import PART
from crm.sms.text import units

log = get(__name__)


class ConsoleGateway:
    """Takes every message; the SMS log shows it, and nothing is sent."""

    name = "console"
    ready = True
    SAYS = "未接入运营商网关：短信只记入短信日志，不实际发送"

    async def start(self) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Nothing to leave."""

    async def health(self) -> Health:
        """Always well, and says that nothing is sent."""
        return Health(PART, True, self.SAYS, "请设置运营商短信网关。")

    async def submit(self, sms_id: UUID, to: str, text: str) -> str:
        """Accept it under its own id."""
        log.info("sms.console", sms=str(sms_id), characters=units(text))
        return str(sms_id)
