"""What this node of the line needs to know: addresses, ports, the operator's trunk, waiting times."""

import re
from ipaddress import ip_address, ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from core.settings import Section

_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")


def _address(value: str) -> str:
    return str(ip_address(value))


def _network(value: str) -> str:
    return str(ip_network(value, strict=False))


def _peer(value: str) -> str:
    host, _, port = value.partition(":")
    if not _HOST.fullmatch(host) or (port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536)):
        raise ValueError("expected host or host:port")
    return value


Address = Annotated[str, AfterValidator(_address)]
Network = Annotated[str, AfterValidator(_network)]
Peer = Annotated[str, AfterValidator(_peer)]
Port = Annotated[int, Field(gt=0, lt=65536)]
Seconds = Annotated[int, Field(gt=0, le=3600)]


class Waits(Section):
    """How long each step of a call may take, in seconds."""

    agent_ring: Seconds = 15
    """An agent's phone rings this long; then the agent is paused and the next one rings."""
    first_queue: Seconds = 120
    """In the first queue before the second line; long enough to hear that the place can be kept."""
    second_queue: Seconds = 45
    """In the second-line queue before the duty mobiles."""
    duty_ring: Seconds = 20
    """A duty mobile rings this long before the next one."""
    accept: Seconds = 6
    """A called duty mobile has this long to press 1, twice."""
    outside_ring: Seconds = 40
    """The outside number rings this long before the message box."""
    message: Seconds = 180
    """Longest message."""
    message_silence: Seconds = 8
    """Silence of this length ends a message."""
    position: Seconds = 30
    """Between two announcements of the place in the queue."""
    wrap_up_race: Annotated[int, Field(ge=0, le=60)] = 3
    """app_queue's `wrapuptime`: covers the moment until the wrap-up pause has arrived."""
    lost_sound: Annotated[int, Field(ge=2, le=60)] = 5
    """No sound from an agent's page for this long: the page is lost, and the citizen hears music."""
    lost_ring: Annotated[int, Field(ge=1, le=120)] = 20
    """The agent whose page was lost is rung this long; then the citizen is the first in the queue."""
    pass_ring: Annotated[int, Field(ge=1, le=120)] = 25
    """Who is asked, or gets a citizen passed on, is rung this long; then the citizen comes back to the agent."""
    place: Seconds = 3600
    """A kept place waits this long for an agent; then the citizen is on the list of call-backs."""
    place_ring: Seconds = 45
    """A citizen who is called back for a kept place is rung this long."""
    spoken_ring: Seconds = 30
    """Whom a call that speaks goes to is rung this long."""
    spoken: Seconds = 180
    """Longest call that speaks, from its answer."""
    spoken_key: Seconds = 8
    """Who hears it has this long to press 1, three times."""
    rating: Seconds = 6
    """A caller who is asked to rate the service has this long to press a key."""
    answering: Annotated[float, Field(gt=0, le=10)] = 2
    """A flow has this long to decide where a call goes; then the dialplan decides by itself."""


class LineSettings(Section):
    """One Asterisk node. SIP and RTP listen on `bind`; everything else only on `private`."""

    node: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,15}$")] = "node1"
    """This node's name: part of every call's identity, never to be changed on a running system."""
    asterisk: Literal["ours", "beside"] = "ours"
    """`beside`: a container of its own starts and ends Asterisk, on files that we write into a shared folder."""
    bind: Address = "127.0.0.1"
    """Where SIP and RTP listen: the address towards the operator and the telephones."""
    private: Address = "127.0.0.1"
    """Where AMI and FastAGI listen: never an address that others reach."""
    external: Address | None = None
    """The address that peers outside the local networks see, where there is NAT."""
    local_networks: tuple[Network, ...] = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
    """Networks that reach this machine without NAT; counts only with `external`."""
    sip_port: Port = 5060
    """SIP over UDP."""
    rtp_first: Port = 20000
    """First port of the calls' sound (RTP); a call takes two."""
    rtp_last: Port = 20999
    """Last port of the calls' sound."""
    ami_port: Port = 5038
    """Asterisk's manager interface."""
    agi_port: Port = 4573
    """Our FastAGI server, which the dialplan asks."""
    websocket_port: Port = 8088
    """SIP over WebSocket for phones in the browser; the web role's `/phone` leads here."""
    trunk_from: tuple[Network, ...] = ("127.0.0.1/32",)
    """Networks of the operator's trunk: who calls from there is a citizen."""
    trunk_to: Peer | None = None
    """Where calls to the public network go, `host` or `host:port`; empty: no calls out."""
    caller_number: Annotated[str, Field(pattern=r"^\+?[0-9]{3,15}$")] = "12345"
    """Shown to citizens and duty mobiles whom the hotline calls."""
    waits: Waits = Waits()

    @model_validator(mode="after")
    def _enough_ports(self) -> "LineSettings":
        if self.rtp_last - self.rtp_first < 3:
            raise ValueError("rtp_last must lie at least 3 above rtp_first")
        return self
