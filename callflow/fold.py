"""Facts into one state: a join-semilattice, so that order, repetition and grouping change nothing.

The state keeps, for each field, one stamp: the claim that won so far. `merge` takes the greater of two stamps
in a total order, and a maximum is commutative, associative and idempotent; hence the fold is too.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from callflow.facts import Fact, Kind, Source


class Field(StrEnum):
    """What a state can say about a call. Fields that end in `_at` are instants, their value is empty."""

    ARRIVED_AT = "arrived_at"
    DIRECTION = "direction"
    CALLER = "caller"
    DIALLED = "dialled"
    ORIGINAL_HOTLINE = "original_hotline"
    CITIZEN_CHANNEL = "citizen_channel"
    ANSWERED_AT = "answered_at"
    QUEUED_AT = "queued_at"
    QUEUE = "queue"
    CONNECTED_AT = "connected_at"
    AGENT = "agent"
    OUTSIDE = "outside"
    AGENT_CHANNEL = "agent_channel"
    REFUSED = "refused"
    SELF_SERVED = "self_served"
    MESSAGE = "message"
    KEPT_AT = "kept_at"
    CALLED_AT = "called_at"
    OVER_AT = "over_at"
    RATING = "rating"
    ENDED_AT = "ended_at"
    CAUSE = "cause"
    ENDED_BY = "ended_by"
    INTERRUPTED_AT = "interrupted_at"
    GONE_AT = "gone_at"


class Stamp(NamedTuple):
    """One claim: how far its source is trusted on this field, when, and what."""

    rank: int
    at: datetime
    value: str


State = Mapping[Field, Stamp]
EMPTY: State = {}

_TRUST = (Source.RECORDING, Source.CDR, Source.QUEUE_LOG, Source.AGI, Source.AMI, Source.CEL)
"""From least to most: CEL has the event's own microseconds; AMI stands for what only the
list of channels tells, that a call is over; queue_log and CDR have whole seconds; a CDR is one of several of a call."""
_TRUST_ON: dict[Field, tuple[Source, ...]] = {
    # The queue that the caller waited in last outranks the one that the flow meant; only the flow knows
    # which hotline was dialled before the merger; only who looks at a message's sound knows whether anything was said.
    Field.MESSAGE: (*_TRUST[1:], Source.RECORDING),
}
_LAST = frozenset({Field.QUEUE, Field.AGENT, Field.OUTSIDE, Field.AGENT_CHANNEL, Field.ENDED_AT})
_LAST_TOO = frozenset(
    {
        Field.CITIZEN_CHANNEL,
        Field.DIRECTION,
        Field.CAUSE,
        Field.ENDED_BY,
        Field.ORIGINAL_HOTLINE,
        Field.MESSAGE,
        Field.GONE_AT,
    }
)
KEEP_LAST = _LAST | _LAST_TOO
"""Fields where the later claim of equally trusted sources wins; in all others the earlier one does."""
BEGUN = "begun"
"""Value of a message of which only the beginning is known."""
IMPLIED = 0
"""Rank of what a fact implies: whatever happened in a call, the call had arrived by then."""

_INSTANT: dict[Kind, Field] = {
    Kind.ARRIVED: Field.ARRIVED_AT,
    Kind.ANSWERED: Field.ANSWERED_AT,
    Kind.QUEUED: Field.QUEUED_AT,
    Kind.CONNECTED: Field.CONNECTED_AT,
    Kind.KEPT: Field.KEPT_AT,
    Kind.CALLED: Field.CALLED_AT,
    Kind.OVER: Field.OVER_AT,
    Kind.ENDED: Field.ENDED_AT,
    Kind.INTERRUPTED: Field.INTERRUPTED_AT,
    Kind.GONE: Field.GONE_AT,
}
_VALUES: dict[Kind, dict[str, Field]] = {
    Kind.ARRIVED: {
        "direction": Field.DIRECTION,
        "caller": Field.CALLER,
        "dialled": Field.DIALLED,
        "channel": Field.CITIZEN_CHANNEL,
    },
    Kind.ROUTED: {
        "original_hotline": Field.ORIGINAL_HOTLINE,
        "queue": Field.QUEUE,
        "dialled": Field.DIALLED,
    },
    Kind.QUEUED: {"queue": Field.QUEUE},
    Kind.CONNECTED: {
        "agent": Field.AGENT,
        "outside": Field.OUTSIDE,
        "channel": Field.AGENT_CHANNEL,
        "citizen": Field.CITIZEN_CHANNEL,
    },
    Kind.TAKEN: {"agent": Field.AGENT, "channel": Field.AGENT_CHANNEL},
    Kind.REFUSED: {"reason": Field.REFUSED},
    Kind.SELF_SERVED: {"what": Field.SELF_SERVED},
    Kind.RATED: {"rating": Field.RATING},
    Kind.ENDED: {"cause": Field.CAUSE, "by": Field.ENDED_BY},
}


@cache
def rank(source: Source, field: Field) -> int:
    """How far `source` is trusted on `field`; above IMPLIED."""
    return _TRUST_ON.get(field, _TRUST).index(source) + 1


def claims(fact: Fact) -> dict[Field, Stamp]:
    """What one fact says about each field."""
    stamps = {Field.ARRIVED_AT: Stamp(IMPLIED, fact.at, "")}
    if fact.kind is Kind.MESSAGE:
        seconds = fact.data.get("seconds", BEGUN)
        stamps[Field.MESSAGE] = Stamp(rank(fact.source, Field.MESSAGE), fact.at, seconds)
    if instant := _INSTANT.get(fact.kind):
        stamps[instant] = Stamp(rank(fact.source, instant), fact.at, "")
    for key, field in _VALUES.get(fact.kind, {}).items():
        if value := fact.data.get(key):
            stamps[field] = Stamp(rank(fact.source, field), fact.at, value)
    return stamps


def merge(left: State, right: State) -> State:
    """The least state that holds what both say."""
    joined = dict(left)
    for field, stamp in right.items():
        mine = joined.get(field)
        joined[field] = stamp if mine is None else _winner(field, mine, stamp)
    return joined


def _winner(field: Field, one: Stamp, other: Stamp) -> Stamp:
    if one.rank != other.rank:
        return one if one.rank > other.rank else other
    if one.at != other.at:
        return one if (one.at > other.at) == (field in KEEP_LAST) else other
    return max(one, other)


def fold(state: State, fact: Fact) -> State:
    """`state` with one more fact; pure, idempotent, commutative, order-independent."""
    return merge(state, claims(fact))


def fold_all(facts: Iterable[Fact], state: State = EMPTY) -> State:
    """`state` with all of `facts`."""
    for one in facts:
        state = fold(state, one)
    return state
