"""What a call's state amounts to: its times in order, and its outcome. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from callflow.fold import Field, State
from callflow.variables import Refusal


class Direction(StrEnum):
    """Who called whom, seen from the hotline."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class Outcome(StrEnum):
    """How a call ended."""

    ANSWERED = "answered"  # 接通
    OUTSIDE = "outside"  # answered by a duty mobile or the outside number
    MESSAGE = "message"  # 留言
    ABANDONED = "abandoned"  # the caller gave up before anybody answered
    REFUSED = "refused"  # a limit applied
    SELF_SERVICE = "self-service"  # served by keypad alone
    KEPT = "kept"  # hung up to be called back in turn, and not reached
    INTERRUPTED = "interrupted"  # Asterisk died or was stopped under it
    FAILED = "failed"  # never answered by the hotline itself

    @property
    def label(self) -> str:
        """As staff read it."""
        return _LABELS[self]


_LABELS = {
    Outcome.ANSWERED: "已接通",
    Outcome.OUTSIDE: "外线接听",
    Outcome.MESSAGE: "已留言",
    Outcome.ABANDONED: "未接通",
    Outcome.REFUSED: "已限制",
    Outcome.SELF_SERVICE: "自助查询",
    Outcome.KEPT: "保留排队未接通",
    Outcome.INTERRUPTED: "通话中断",
    Outcome.FAILED: "接入失败",
}
RATINGS = ("1", "2", "3", "4", "5")
"""Keys by which a caller rates the agent's service."""
BY_SYSTEM = "system"
"""Who ended a call when Asterisk hung up by itself: a shutdown, a lost media stream, an administrator."""


@dataclass(frozen=True)
class View:
    """The row that a state stands for. Instants are aware; `outcome` is None until the call has ended."""

    direction: Direction
    arrived_at: datetime
    caller: str | None
    dialled: str | None
    original_hotline: str | None
    queue: str | None
    citizen_channel: str | None
    agent: str | None
    """Extension of the agent who talked last."""
    outside: str | None
    """`duty/<which>` where a duty mobile accepted the call."""
    agent_channel: str | None
    answered_at: datetime | None
    queued_at: datetime | None
    connected_at: datetime | None
    ended_at: datetime | None
    cause: int | None
    ended_by: str | None
    message_seconds: int | None
    rating: int | None
    """What the caller thought of the agent's service, 1 to 5, 5 the best."""
    outcome: Outcome | None


def view(state: State) -> View:
    """The row of a state with at least one fact."""

    def value(field: Field) -> str | None:
        return state[field].value if field in state else None

    def at(field: Field) -> datetime | None:
        return state[field].at if field in state else None

    arrived = state[Field.ARRIVED_AT].at
    ended = _ended(state) or at(Field.INTERRUPTED_AT) or at(Field.GONE_AT)
    cause = value(Field.CAUSE)
    return View(
        direction=_direction(value(Field.DIRECTION)),
        arrived_at=arrived,
        caller=value(Field.CALLER),
        dialled=value(Field.DIALLED),
        original_hotline=value(Field.ORIGINAL_HOTLINE),
        queue=value(Field.QUEUE),
        citizen_channel=value(Field.CITIZEN_CHANNEL),
        agent=value(Field.AGENT),
        outside=value(Field.OUTSIDE),
        agent_channel=value(Field.AGENT_CHANNEL),
        answered_at=at(Field.ANSWERED_AT),
        queued_at=at(Field.QUEUED_AT),
        connected_at=at(Field.CONNECTED_AT),
        ended_at=max(ended, arrived) if ended else None,
        cause=int(cause) if cause and cause.isdigit() and len(cause) < 5 else None,
        ended_by=value(Field.ENDED_BY) or (BY_SYSTEM if Field.INTERRUPTED_AT in state else None),
        message_seconds=_seconds(value(Field.MESSAGE)),
        rating=int(rated) if (rated := value(Field.RATING)) in RATINGS else None,
        outcome=outcome(state) if ended else None,
    )


def outcome(state: State) -> Outcome:
    """How an ended call ended; a later, better source may still change it.

    A message that was begun counts until somebody says that it is empty, and outranks an interruption, since
    something was said and is kept. A full queue refuses nobody: who leaves no message there gave up. Where Asterisk
    ended a call by itself, the call is interrupted.
    """
    if Field.MESSAGE in state and _seconds(state[Field.MESSAGE].value) != 0:
        return Outcome.MESSAGE
    if Field.REFUSED in state and state[Field.REFUSED].value != Refusal.QUEUE_FULL:
        return Outcome.REFUSED
    connected = Field.CONNECTED_AT in state
    died = Field.INTERRUPTED_AT in state and _ended(state) is None
    stopped = Field.ENDED_BY in state and state[Field.ENDED_BY].value == BY_SYSTEM
    if died or stopped:
        return Outcome.INTERRUPTED
    if connected:
        return Outcome.ANSWERED if Field.AGENT in state else Outcome.OUTSIDE
    if Field.KEPT_AT in state:
        return Outcome.KEPT
    if Field.SELF_SERVED in state and Field.QUEUED_AT not in state:
        return Outcome.SELF_SERVICE
    if Field.ANSWERED_AT in state or Field.QUEUED_AT in state:
        return Outcome.ABANDONED
    return Outcome.FAILED


def _ended(state: State) -> datetime | None:
    """When it ended; who hangs up and keeps the place is still being served."""
    needed = (Field.ENDED_AT, Field.OVER_AT) if Field.KEPT_AT in state else (Field.ENDED_AT,)
    return max(state[one].at for one in needed) if set(needed) <= set(state) else None


def waited(view: View) -> timedelta:
    """How long the caller was with us before an agent came or the call ended; zero while unknown."""
    until = view.connected_at or view.ended_at
    return until - view.arrived_at if until else timedelta(0)


def _direction(value: str | None) -> Direction:
    return Direction(value) if value in set(Direction) else Direction.INBOUND


def _seconds(value: str | None) -> int | None:
    try:
        return max(0, round(float(value))) if value is not None else None
    except (ValueError, OverflowError):
        return None
