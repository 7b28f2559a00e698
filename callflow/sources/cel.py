"""Channel events (CEL) into facts: lines of the journal that Asterisk writes as they happen.

The journal's columns are set in `asterisk_conf/cel_custom.conf.j2`; the event names of the product's own dialplan
in `callflow/variables.py`.
"""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlencode

from callflow.facts import KEYS, Fact, Kind, Source, fact
from callflow.places.rules import call_of, is_place
from callflow.rules import BY_SYSTEM, Direction
from callflow.sources.channels import BESIDE, PROBE, TRUNK, endpoint, extension, is_extension
from callflow.spoken.rules import is_spoken
from callflow.variables import CallEvent
from core.errors import Invalid

COLUMNS = 13
INBOUND, STAFF = "citizen", "agents"
"""Contexts in which a citizen's call, and an agent's, begins."""
OUTBOUND = "hotline-outbound"
"""Here a number outside is dialled: by an agent, or by an agent's telephone for the citizen, who is sent there."""
SENT_OUTSIDE = frozenset({CallEvent.DIALLED, CallEvent.REFUSED})
"""Of a citizen who is sent outside these say nothing new: the call came in and was answered."""
ECHO, ECHO_CONTEXT = "echo", "hotline-echo"
"""An agent tries headset and microphone: no call of anybody's."""
ENDERS = {"hotline-agent-hung-up": "agent", "hotline-other-hung-up": "outside"}
"""Contexts in which the dialplan ends the citizen's side because somebody else has hung up: the agent, or who is
outside and had been given the citizen."""
RATING_CONTEXT = "hotline-rating"
"""Here the caller rates the service: the call has ended with the talk."""
PLACE = "Local/wait@hotline-place-"
"""What waits, and is connected with an agent, in the stead of who keeps the place."""
NORMAL = "16"
"""Q.850: hung up by who wanted to."""


@dataclass(frozen=True)
class ChannelEvent:
    """One event of one channel."""

    type: str
    at: datetime
    linkedid: str
    uniqueid: str
    channel: str
    caller: str = ""
    exten: str = ""
    context: str = ""
    app: str = ""
    appdata: str = ""
    peer: str = ""
    extra: str = ""

    @property
    def first(self) -> bool:
        """Whether this is the channel that the call began with."""
        return self.uniqueid == self.linkedid

    def detail(self, key: str) -> str:
        """A value of the event's JSON; empty where there is none."""
        try:
            found = json.loads(self.extra) if self.extra else {}
        except ValueError:
            return ""
        return str(found.get(key, "")) if isinstance(found, dict) else ""


def parse(line: str) -> ChannelEvent:
    """A line of the journal. Raises Invalid("bad-cel-line")."""
    try:
        [row] = csv.reader([line], strict=True)
        kind, at, linkedid, uniqueid, channel, caller, exten, context, app, appdata, peer, name, extra = row
        moment = datetime.fromtimestamp(float(at), UTC)
    except (ValueError, OverflowError, OSError, csv.Error) as error:
        raise Invalid("bad-cel-line", "通道事件日志中有一行无法识别，已另行保存。") from error
    return ChannelEvent(
        name or kind, moment, linkedid, uniqueid, channel, caller, exten, context, app, appdata, peer, extra
    )


def facts(event: ChannelEvent, node: str) -> list[Fact]:
    """What one event says; nothing where the channel is no telephone's (taps, local channels, the probe)."""
    if is_place(event.linkedid):
        return _of_place(event, node)
    if is_spoken(event.linkedid):
        return _of_spoken(event, node)
    if endpoint(event.channel) in (None, PROBE) or not event.linkedid:
        return []
    if event.context == ECHO_CONTEXT or (event.context == STAFF and event.exten == ECHO) or BESIDE in event.linkedid:
        return []

    def say(kind: Kind, **data: str) -> list[Fact]:
        return [fact(node, event.linkedid, Source.CEL, kind, event.at, **data)]

    if event.context == OUTBOUND and not extension(event.channel) and event.type in SENT_OUTSIDE:
        return []
    match event.type:
        case "CHAN_START" if event.first:
            return say(Kind.ARRIVED, **_arrival(event))
        case CallEvent.ARRIVED if event.first:
            return say(Kind.ARRIVED, caller=event.caller, dialled=event.detail("extra"))
        case CallEvent.DIALLED if event.first:
            return say(Kind.ARRIVED, **_dialled(event.detail("extra")))
        case "ANSWER" if event.first and event.context != STAFF:
            return say(Kind.ANSWERED)
        case "APP_START" if event.first and event.app.lower() == "queue":
            return say(Kind.QUEUED, queue=event.appdata.split(",")[0])
        case "BRIDGE_ENTER" | "BRIDGE_EXIT":
            return [one for data in _connection(event) for one in say(Kind.CONNECTED, **data)]
        case CallEvent.ACCEPTED:
            return say(Kind.CONNECTED, outside=f"duty/{event.detail('extra')}", channel=event.channel)
        case CallEvent.LEARNED:
            return _learned(event, node)
        case CallEvent.MESSAGE if event.first:
            return say(Kind.MESSAGE)
        case CallEvent.KEPT if event.first:
            return say(Kind.MESSAGE, seconds=event.detail("extra"))
        case CallEvent.REFUSED if event.first:
            return say(Kind.REFUSED, reason=event.detail("extra") or "limit")
        case CallEvent.RATING if event.first:
            return say(Kind.ENDED, cause=NORMAL, by="agent")
        case CallEvent.RATED if event.first:
            return say(Kind.RATED, rating=event.detail("extra"))
        case "HANGUP" | "CHAN_END" if event.context == RATING_CONTEXT:
            return []
        case "HANGUP" if event.first:
            return say(Kind.ENDED, cause=event.detail("hangupcause"), by=_ender(event))
        case "CHAN_END" if event.first:
            return say(Kind.ENDED)
    return []


def _of_place(event: ChannelEvent, node: str) -> list[Fact]:
    """What an event of a kept place's channels says of the citizen's call."""

    def say(kind: Kind, **data: str) -> list[Fact]:
        return [fact(node, call_of(event.linkedid), Source.CEL, kind, event.at, **data)]

    match event.type:
        case "BRIDGE_ENTER" | "BRIDGE_EXIT":
            agents = [(agent, one) for one in _together(event) if (agent := extension(one))]
            return say(Kind.TAKEN, agent=agents[0][0], channel=agents[0][1]) if len(agents) == 1 else []
        case CallEvent.PLACE_CALLED:
            return say(Kind.CALLED)
        case CallEvent.PLACE_MET:
            return say(Kind.CONNECTED, citizen=event.channel)
        case CallEvent.PLACE_OVER:
            return say(Kind.OVER)
        case "APP_START" if event.app.lower() == "queue":
            return say(Kind.QUEUED, queue=event.appdata.split(",")[0])
        case CallEvent.MESSAGE:
            return say(Kind.MESSAGE)
        case CallEvent.KEPT:
            return say(Kind.MESSAGE, seconds=event.detail("extra"))
        case "HANGUP" if event.detail("hangupsource") == event.channel and endpoint(event.channel) == TRUNK:
            return say(Kind.ENDED, cause=event.detail("hangupcause"), by="citizen")
        case "HANGUP" if event.context in ENDERS and event.channel.startswith(PLACE):
            return say(Kind.ENDED, cause=event.detail("hangupcause"), by=ENDERS[event.context])
    return []


def _of_spoken(event: ChannelEvent, node: str) -> list[Fact]:
    """What an event says of a call that speaks."""
    kind = {"ANSWER": Kind.ANSWERED, CallEvent.CONFIRMED: Kind.CONFIRMED, "HANGUP": Kind.ENDED}.get(event.type)
    if kind is None or not event.first:
        return []
    data = {"cause": event.detail("hangupcause")} if kind is Kind.ENDED else {}
    return [fact(node, event.linkedid, Source.CEL, kind, event.at, **data)]


LEARNABLE = frozenset({Kind.ROUTED, Kind.REFUSED, Kind.SELF_SERVED})
"""What only a flow can know."""


def learned_data(kind: Kind, data: Mapping[str, str]) -> str:
    """What a flow learned, as its user event carries it: printable ASCII that neither quoting nor a comma touches."""
    return urlencode({"kind": kind.value, **data}, quote_via=quote)


def _learned(event: ChannelEvent, node: str) -> list[Fact]:
    data = dict(parse_qsl(event.detail("extra")))
    kind = data.pop("kind", "")
    if kind not in LEARNABLE or not data.keys() <= KEYS[Kind(kind)]:
        return []
    return [fact(node, event.linkedid, Source.AGI, Kind(kind), event.at, **data)]


def _arrival(event: ChannelEvent) -> dict[str, str]:
    if event.context == STAFF:
        return _dialled(event.exten)
    return {
        "direction": Direction.INBOUND,
        "caller": event.caller,
        "dialled": event.exten,
        "channel": event.channel,
    }


def _dialled(number: str) -> dict[str, str]:
    """Whom an agent calls: a colleague, or somebody outside."""
    if is_extension(number):
        return {"direction": Direction.INTERNAL}
    return {"direction": Direction.OUTBOUND, "caller": number}


def _together(event: ChannelEvent) -> list[str]:
    """The two who are in a bridge once this channel has come or gone, telephones or a kept place; nobody while there is
    only one, or a third, who takes nothing over."""
    here = [*event.peer.split(","), *([event.channel] if event.type == "BRIDGE_ENTER" else [])]
    here = [one for one in here if endpoint(one) or one.startswith(PLACE)]
    return here if len(here) == 2 else []


def _connection(event: ChannelEvent) -> list[dict[str, str]]:
    """Who is connected with whom now. Where one of three has gone, whose call it is is known only beside an agent."""
    both = _together(event)
    if not both or (event.type == "BRIDGE_EXIT" and len([one for one in both if extension(one)]) != 1):
        return []
    first, other = reversed(both) if event.first else both
    if endpoint(first) == TRUNK and (agent := extension(other)):
        return [{"agent": agent, "channel": other, "citizen": first}]
    if (agent := extension(first)) and endpoint(other) == TRUNK:
        return [{"agent": agent, "channel": first, "citizen": other}]
    if endpoint(first) == endpoint(other) == TRUNK:
        return [{"channel": other, "citizen": first}]
    return [{"agent": extension(other) or "", "channel": other}]


def _ender(event: ChannelEvent) -> str:
    """Who hung up, from `hangupsource`: a channel, `dialplan/...`, or nobody: then Asterisk itself."""
    who = event.detail("hangupsource")
    if who.startswith("dialplan"):
        return ENDERS.get(event.context, "dialplan")
    if not endpoint(who):
        return BY_SYSTEM
    if extension(who):
        return "agent"
    outbound = event.context == STAFF or extension(event.channel) is not None
    return "citizen" if who == event.channel or outbound else "outside"
