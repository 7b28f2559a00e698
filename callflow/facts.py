"""What one source says about one call; every source speaks these words and no others."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from core.phone import from_caller_id

MAX_VALUE = 512
"""Longest value of a fact, in characters: a SIP header may be longer, nothing that a record needs is."""


class Source(StrEnum):
    """Who says it. Asterisk's journals outlive its sockets; the flow knows what the caller chose."""

    AGI = "agi"
    AMI = "ami"
    CEL = "cel"
    CDR = "cdr"
    QUEUE_LOG = "queue_log"
    RECORDING = "recording"


class Kind(StrEnum):
    """What happened, with the keys that its `data` may carry."""

    ARRIVED = "arrived"  # direction, caller (becomes E.164), dialled, channel
    ANSWERED = "answered"
    ROUTED = "routed"  # original_hotline, queue, dialled
    QUEUED = "queued"  # queue
    CONNECTED = "connected"  # agent (extension), outside (which), channel (theirs), citizen (the citizen's)
    REFUSED = "refused"  # reason
    SELF_SERVED = "self-served"  # what
    MESSAGE = "message"  # seconds; without them, it was begun and its length is not yet known
    KEPT = "kept"  # the caller hangs up and keeps the place
    TAKEN = "taken"  # agent (extension), channel: an agent is there for a kept place
    CALLED = "called"  # the citizen of a kept place is called back
    OVER = "over"  # nobody waits for a kept place any more
    RATED = "rated"  # rating: 1 to 5
    CONFIRMED = "confirmed"  # who was called heard what was said, and pressed 1
    ENDED = "ended"  # cause (Q.850), by: citizen | agent | dialplan | system
    INTERRUPTED = "interrupted"
    GONE = "gone"  # no channel is left and nobody said when it ended


class Fact(BaseModel):
    """One statement about the call (node, linkedid) at `at`.

    A channel that belongs to no call (a tap, a probe) yields no fact. Values are text without control
    characters, at most `MAX_VALUE` long; longer ones are cut, since a fact must not be lost over its length.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: str = Field(min_length=1, max_length=64)
    linkedid: str = Field(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")
    source: Source
    kind: Kind
    at: AwareDatetime
    data: Mapping[str, str] = Field(default_factory=dict)

    @field_validator("data")
    @classmethod
    def _clean(cls, data: Mapping[str, str]) -> dict[str, str]:
        clean = {key: printable(value)[:MAX_VALUE] for key, value in data.items()}
        if "caller" in clean:
            clean["caller"] = from_caller_id(clean["caller"]) or ""
        return {key: value for key, value in clean.items() if value}

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> Self:
        unknown = set(self.data) - KEYS[self.kind]
        if unknown:
            raise ValueError(f"a fact {self.kind} has no {', '.join(sorted(unknown))}")
        return self


KEYS: dict[Kind, frozenset[str]] = {
    Kind.ARRIVED: frozenset({"direction", "caller", "dialled", "channel"}),
    Kind.ANSWERED: frozenset(),
    Kind.ROUTED: frozenset({"original_hotline", "queue", "dialled"}),
    Kind.QUEUED: frozenset({"queue"}),
    Kind.CONNECTED: frozenset({"agent", "outside", "channel", "citizen"}),
    Kind.REFUSED: frozenset({"reason"}),
    Kind.SELF_SERVED: frozenset({"what"}),
    Kind.MESSAGE: frozenset({"seconds"}),
    Kind.KEPT: frozenset(),
    Kind.TAKEN: frozenset({"agent", "channel"}),
    Kind.CALLED: frozenset(),
    Kind.OVER: frozenset(),
    Kind.RATED: frozenset({"rating"}),
    Kind.CONFIRMED: frozenset(),
    Kind.ENDED: frozenset({"cause", "by"}),
    Kind.INTERRUPTED: frozenset(),
    Kind.GONE: frozenset(),
}


def printable(value: str) -> str:
    """`value` without control characters, lone surrogates and outer blanks: what a text column can hold."""
    return "".join(c for c in value if c.isprintable()).strip()


def fact(node: str, linkedid: str, source: Source, kind: Kind, at: datetime, **data: str) -> Fact:
    """A fact with its data as keywords. Raises pydantic.ValidationError for what fits no call."""
    return Fact(node=node, linkedid=linkedid, source=source, kind=kind, at=at, data=data)
