"""Every dialplan variable and call event of the product, named once.

The templates in `asterisk_conf/` spell the same names in plain dialplan, so that they read as dialplan; a test
holds both together. A flow in `ivr/` sets variables only from here.
"""

from enum import StrEnum


class Variable(StrEnum):
    """Channel variables. "set by": who writes it; everybody may read it."""

    DONE = "HOTLINE_DONE"
    """Sentinel: a flow's own name, set as its very last act together with what it decided. Asterisk's AGISTATUS says
    SUCCESS even where the server closed at once, so nothing else proves that Python answered. Set by: flows; emptied
    by: dialplan."""
    ROUTE = "HOTLINE_ROUTE"
    """Where the call goes on: a `Route`. Set by: inbound flow."""
    QUEUE = "HOTLINE_QUEUE"
    """The queue of the present rung. Set by: rendered roster, inbound flow, ladder."""
    LEARNED = "HOTLINE_LEARNED"
    """What the inbound flow learned, as the event `HotlineLearned` says it next. Set by: inbound flow."""
    ORIGINAL = "HOTLINE_ORIGINAL"
    """The hotline that the citizen dialled before the merger, such as 12369. Set by: rendered roster, inbound."""
    DIALLED = "HOTLINE_DIALLED"
    """The number as dialled, digits and + only. Set by: dialplan."""
    URI = "HOTLINE_URI"
    """What is looked at for the caller's number, as the peer wrote it: never used as it stands. Set by: dialplan."""
    FLOW = "HOTLINE_FLOW"
    """The flow that is being asked. Set by: dialplan."""
    RUNG = "HOTLINE_RUNG"
    """The rung of the ladder where the call stands: a `Rung`; empty before the first. Set by: dialplan."""
    NEXT = "HOTLINE_NEXT"
    """The rung after this one. Set by: dialplan."""
    UNTIL = "HOTLINE_UNTIL"
    """When waiting on this rung ends, seconds since 1970. Set by: dialplan."""
    LEFT = "HOTLINE_LEFT"
    """Seconds left on this rung. Set by: dialplan."""
    PLACE = "HOTLINE_PLACE"
    """The caller's place when a key was pressed in the queue; there the caller returns. Set by: dialplan."""
    LONGEST = "HOTLINE_LONGEST"
    """How many callers may wait on this rung; 0: no limit. Set by: rendered roster, dialplan."""
    REASON = "HOTLINE_REASON"
    """Why the caller cannot be taken: a `Refusal`. Set by: inbound flow, dialplan."""
    DUTY = "HOTLINE_DUTY"
    """Which duty mobile is being called, from 1. Set by: dialplan."""
    DIAL = "HOTLINE_DIAL"
    """What Dial calls: a duty mobile or the outside number. Set by: rendered roster."""
    KEPT = "HOTLINE_KEPT"
    """Of a message: begun, then kept, empty or failed. Set by: dialplan, `agi_scripts/message_kept.py`."""
    SECONDS = "HOTLINE_SECONDS"
    """How long the kept message is; 0: nobody spoke. Set by: `agi_scripts/message_kept.py`."""
    PART = "HOTLINE_PART"
    """How many connections of this call were recorded, from 1. Set by: dialplan."""
    RECORDING = "HOTLINE_RECORDING"
    """The running recording's path without `_in.sln`; empty: none runs. Set by: dialplan."""
    WRONG = "HOTLINE_WRONG"
    """How many keys without meaning were pressed during the greeting. Set by: dialplan."""
    PATIENCE = "HOTLINE_PATIENCE"
    """After so many wrong keys the caller goes to an agent. Set by: rendered keys."""
    FAILURES = "HOTLINE_FAILURES"
    """How often in this call no state of an order could be told. Set by: status flow."""
    TRIES = "HOTLINE_TRIES"
    """How often a duty mobile, or who hears a call that speaks, was asked to press 1; or what is gone of the patience
    with a caller who rates. Set by: dialplan."""
    ACCEPT = "HOTLINE_ACCEPT"
    """The key that a duty mobile, or who hears a call that speaks, pressed. Set by: dialplan."""
    CITIZEN = "HOTLINE_CITIZEN"
    """The number that an outbound call goes to. Set by: dialplan, `callflow/places/keeper.py`."""
    ALLOWED = "HOTLINE_ALLOWED"
    """yes: the bureau allows to dial this number. Set by: rendered roster; emptied by: dialplan."""
    AGENT = "HOTLINE_AGENT"
    """Extension of the agent who was connected last. Set by: dialplan."""
    ENDER = "HOTLINE_ENDER"
    """agent: the agent has hung up in the page; outside: the agent has left the citizen with a third who is outside,
    and whose hanging up ends the call without a rating. Set by: `callflow/phones/handset.py`, before it hangs up."""
    PASS = "HOTLINE_PASS"
    """How the agent passes the citizen on: seat, outside, queue, or leg (who was asked before). Set by:
    `callflow/phones/handset.py`, before it lets the citizen go; emptied by: dialplan."""
    TO = "HOTLINE_TO"
    """To whom: extension, number, queue, or the channel of who was asked; of who joins: the citizen's channel; of a
    lead: the agent's. Set by: `callflow/phones/handset.py`."""
    HEIR = "HOTLINE_HEIR"
    """The colleague with whom the citizen stays when the agent leaves the three: extension. Set by:
    `callflow/phones/handset.py`; emptied by: dialplan."""
    KNOCK = "HOTLINE_KNOCK"
    """Why the agent is rung once more: again (the page was lost), back (nobody took the citizen). Set by: dialplan."""
    CALL = "HOTLINE_CALL"
    """The citizen's call that somebody is asked about: its linkedid. Set by: `callflow/phones/handset.py`."""
    LEG = "HOTLINE_LEG"
    """The call in which somebody is asked: its linkedid. Set by: `callflow/phones/handset.py`."""
    PROBE = "HOTLINE_PROBE"
    """yes: the line's own citizen calls, and goes no further than the menu. Set by: dialplan."""
    SINCE = "HOTLINE_SINCE"
    """When the caller began to wait, seconds since 1970. Set by: dialplan."""
    PLACED = "HOTLINE_PLACED"
    """yes: the caller's place is kept, the caller may hang up. Set by: keep flow; emptied by: dialplan."""
    RATES = "HOTLINE_RATES"
    """yes: the caller is asked how the agent's service was. Set by: rendered roster; emptied by: dialplan."""
    SAID = "HOTLINE_SAID"
    """The sound of what a call that speaks has to say. Set by: `callflow/spoken/caller.py`."""
    RATED = "HOTLINE_RATED"
    """The key that the caller pressed for it. Set by: dialplan."""


class Route(StrEnum):
    """What the inbound flow may decide; each is an extension of `[hotline-ladder]`."""

    FIRST = "first"
    SECOND = "second"
    DUTY = "duty"
    MESSAGE = "message"
    REFUSE = "refuse"


class Refusal(StrEnum):
    """Why a caller is not taken now; each has words of its own, and is on record."""

    CALLS = "calls"
    """So many calls of this number in so short a time."""
    CONCURRENT = "concurrent"
    """So many calls of this number at once."""
    QUEUE_FULL = "queue-full"
    """The queues are as long as they may be; the message box still takes the caller's words, and who leaves none is
    called back like everybody who gave up."""


FORBIDDEN_NUMBER = "number"
"""Reason of a refused call out: no number that the bureau allows."""


class Rung(StrEnum):
    """Steps of the overflow ladder, in order."""

    FIRST = "first"
    SECOND = "second"
    DUTY = "duty"
    OUTSIDE = "outside"
    MESSAGE = "message"


class CallEvent(StrEnum):
    """User events that the dialplan writes into CEL."""

    ARRIVED = "HotlineArrived"
    """Extra: number dialled. Here the caller's number is known for the first time, cleaned."""
    RUNG = "HotlineRung"
    """Extra: `<rung>` or `<rung>/<queue>`; for duty mobiles `duty/<which>`."""
    ACCEPTED = "HotlineAccepted"
    """A duty mobile pressed 1. Extra: which."""
    REFUSED = "HotlineRefused"
    """The caller was told why not now. Extra: a `Refusal`."""
    MESSAGE = "HotlineMessage"
    """A message was begun; its file is `<linkedid>_message.sln`. Extra: empty."""
    LEARNED = "HotlineLearned"
    """A flow learned something of the call. Extra: `kind=<kind of fact>&<key>=<value>…`, URL-encoded."""
    KEPT = "HotlineKept"
    """The message is on the disk. Extra: seconds; 0: nobody spoke."""
    TALK = "HotlineTalk"
    """A recording was started. Extra: part number."""
    DIALLED = "HotlineDialled"
    """An agent calls out, or asks a colleague. Extra: number, or extension."""
    PASSED = "HotlinePassed"
    """The agent has passed the citizen on. Extra: seat, outside, queue or leg."""
    BACK = "HotlineBack"
    """Nobody took the citizen who was passed on: back to the agent. Extra: extension."""
    PLACE_CALLED = "HotlinePlaceCalled"
    """The citizen of a kept place is called back: once, whatever comes of it."""
    PLACE_MET = "HotlinePlaceMet"
    """The citizen has answered. Written by the citizen's channel."""
    PLACE_OVER = "HotlinePlaceOver"
    """Nobody waits for the kept place any more."""
    RATING = "HotlineRating"
    """The agent has hung up, and with it the call is over; its caller is asked to rate the service."""
    CONFIRMED = "HotlineConfirmed"
    """Who was called has heard what was said, and pressed 1."""
    RATED = "HotlineRated"
    """The caller has rated it. Extra: the key, 1 to 5."""
    LOST = "HotlineLost"
    """The agent's page was lost in mid-call; the citizen hears music. Extra: extension."""
