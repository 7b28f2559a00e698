"""What this machine needs for SMS: which gateway, and how to reach it."""

from ipaddress import IPv4Network, IPv6Network
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


class CmppSettings(Section):
    """A CMPP gateway of China Mobile; lengths are the protocol's."""

    host: str = "127.0.0.1"
    """The gateway."""
    port: Annotated[int, Field(gt=0, lt=65536)] = 7890
    """Its port."""
    version: Literal["2.0", "3.0"] = "2.0"
    """The version that the operator's access notice names."""
    sp_id: Annotated[str, Field(max_length=6)] = ""
    """Our account (企业代码, SP_Id), as the operator gave it."""
    password: Annotated[str, Field(max_length=64, repr=False)] = ""
    """Its password (shared secret)."""
    service_id: Annotated[str, Field(max_length=10)] = ""
    """业务代码, as the operator gave it."""
    source: Annotated[str, Field(max_length=21)] = "12345"
    """The sender that citizens see and reply to: the access number (接入号)."""
    fee_type: Annotated[str, Field(max_length=2)] = "01"
    """资费类别; `01`: free of charge to the citizen."""
    fee_code: Annotated[str, Field(max_length=6)] = "000000"
    """资费代码, in fen."""
    national_numbers: bool = True
    """Send to `138…`; False: `86138…`."""
    messages_per_s: Annotated[float, Field(gt=0)] = 20.0
    """The operator's speed limit (流速): never more short messages a second."""
    window: Annotated[int, Field(gt=0, le=100)] = 16
    """Submits without response at a time; the protocol says 16."""
    response_timeout_s: Annotated[float, Field(gt=0)] = 60.0
    """A submit without response for so long has an unknown outcome (T of the protocol)."""
    active_test_s: Annotated[float, Field(gt=0)] = 30.0
    """Seconds of silence after which the link is tested, and between tests (C and T of the protocol)."""
    verify_gateway: bool = True
    """The gateway must prove that it knows the password; False where the operator's sends no AuthenticatorISMG."""


class MasTemplate(Section):
    """A message that the operator has approved."""

    id: str
    """模板ID, as 云MAS shows it after approval."""
    text: str
    """The approved words without the signature; each variable is `{}`."""


class MasSettings(Section):
    """China Mobile's Cloud MAS (云MAS) over HTTP."""

    url: str = "http://127.0.0.1:1992"
    """Where the operator's access notice says, without `/sms/…`."""
    ec_name: str = ""
    """企业名称, as registered with the operator."""
    ap_id: str = ""
    """接口账号用户名."""
    secret_key: Annotated[str, Field(repr=False)] = ""
    """Its password."""
    sign: str = ""
    """签名编码: the code, not the words, of the approved signature; the platform puts the words before each message."""
    add_serial: Annotated[str, Field(max_length=20)] = ""
    """扩展码; empty where the access number was given for exact matching (精确匹配)."""
    templates: tuple[MasTemplate, ...] = ()
    """Approved templates; where there are any, nothing else is sent. Empty: messages go as free text."""
    response_timeout_s: Annotated[float, Field(gt=0)] = 30.0
    """A request without answer for so long has an unknown outcome."""
    push_host: str = "127.0.0.1"
    """Where the platform's delivery reports and citizens' replies are received."""
    push_port: Annotated[int, Field(gt=0, lt=65536)] = 8450
    """Its port, HTTP; give the platform `http://…:8450/<push_token>/report` and `…/reply`."""
    push_token: Annotated[str, Field(repr=False)] = ""
    """At least 16 letters and digits, known to the platform only: its pushes carry no other proof. Empty: none."""
    push_from: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks that pushes may come from; empty: any that knows the token."""


class SmsSettings(Section):
    """The gateway of this process; `console` writes messages into the log and needs no operator."""

    gateway: Literal["console", "smpp", "cmpp", "mas"] = "console"
    """`console`, `smpp`, `cmpp` or `mas`."""
    smpp: SmppSettings = SmppSettings()
    """The gateway that `smpp` means."""
    cmpp: CmppSettings = CmppSettings()
    """The gateway that `cmpp` means."""
    mas: MasSettings = MasSettings()
    """The platform that `mas` means."""
