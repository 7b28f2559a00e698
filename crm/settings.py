"""What this machine needs for SMS: which gateway, and how to reach it."""

from typing import Annotated, Literal

from pydantic import Field

from core.settings import Section


class SmppSettings(Section):
    """An SMPP 3.4 gateway; lengths are the protocol's (SMPP 3.4 section 4.1)."""

    host: str = "127.0.0.1"
    """The gateway."""
    port: Annotated[int, Field(gt=0, lt=65536)] = 2775
    """Its port."""
    system_id: Annotated[str, Field(max_length=15)] = ""
    """Our account, as the operator gave it."""
    password: Annotated[str, Field(max_length=8, repr=False)] = ""
    """Its password."""
    system_type: Annotated[str, Field(max_length=12)] = ""
    """Empty unless the operator names one."""
    source: Annotated[str, Field(max_length=20)] = "12345"
    """The sender that citizens see and reply to: the access number (接入号)."""
    national_numbers: bool = True
    """Send to `138…` as Chinese gateways expect; False: `86138…`."""
    response_timeout_s: Annotated[float, Field(gt=0)] = 10.0
    """A submit without response for so long has an unknown outcome."""
    enquire_link_s: Annotated[float, Field(gt=0)] = 30.0
    """Seconds of silence after which the link is tested."""


class SmsSettings(Section):
    """The gateway of this process; `console` writes messages into the log and needs no operator."""

    gateway: Literal["console", "smpp"] = "console"
    """`console` or `smpp`."""
    smpp: SmppSettings = SmppSettings()
    """The gateway that `smpp` means."""
