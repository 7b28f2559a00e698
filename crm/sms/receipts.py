"""Delivery reports as gateways really write them: the library stops at letters in `err` and at seconds in dates."""

import re
from typing import Any

from aiosmpplib.protocol import MESSAGE_TYPE_MAP, DeliverSm
from aiosmpplib.state import SmppCommand

_FIELD = re.compile(r"\b(id|stat|err):\s*(\S+)", re.IGNORECASE)
_RECEIPTED_MESSAGE_ID = 0x001E


class TolerantDeliverSm(DeliverSm):  # type: ignore[misc]
    """A `deliver_sm` whose report is read by what we need: id, state, error. Everything else is ignored.

    aiosmpplib 0.7.4 turns `err` into an int and dates by one format; `err:MK:0001` ended its receiver, the
    gateway sent the report again, and so on for ever.
    """

    def parse_receipt(self) -> dict[str, Any]:
        """`{"id", "stat", "err"}`, each where it is present."""
        if not self.is_receipt():
            return {}
        text = self.short_message or self.message_payload or ""
        found = {name.lower(): value for name, value in _FIELD.findall(text)}
        for param in self.optional_params or ():
            if int(param.tag) == _RECEIPTED_MESSAGE_ID and param.value:
                found["id"] = str(param.value).rstrip("\x00")
        return found


def install() -> None:
    """Make the library read reports so."""
    MESSAGE_TYPE_MAP[SmppCommand.DELIVER_SM] = TolerantDeliverSm
