"""Which channels belong to a call that speaks, and how it ended. Pure."""

from enum import StrEnum
from uuid import UUID

MARK = "spoken-"
BUSY = "17"
SILENT = frozenset({"", "0", "16", "18", "19", "127"})
"""Q.850 causes of a telephone that nobody took: no answer, or our own patience at its end."""


class Outcome(StrEnum):
    """What became of it."""

    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    NO_ANSWER = "no-answer"
    BUSY = "busy"
    FAILED = "failed"
    FORBIDDEN = "forbidden"
    LATE = "late"
    LOST = "lost"

    @property
    def label(self) -> str:
        """As staff read it."""
        return _LABELS[self]


_LABELS = {
    Outcome.CONFIRMED: "已按键确认",
    Outcome.UNCONFIRMED: "接听后未确认",
    Outcome.NO_ANSWER: "无人接听",
    Outcome.BUSY: "占线",
    Outcome.FAILED: "未能接通",
    Outcome.FORBIDDEN: "号码不在允许外呼的范围内",
    Outcome.LATE: "未能及时拨出",
    Outcome.LOST: "结果不明",
}


def linkedid_of(id: UUID) -> str:
    """What Asterisk is told to call the channel."""
    return f"{MARK}{id.hex}"


def id_of(linkedid: str) -> UUID | None:
    """The call that speaks to which a channel's linkedid belongs; None: to another call."""
    if not is_spoken(linkedid):
        return None
    try:
        return UUID(linkedid.removeprefix(MARK))
    except ValueError:
        return None


def is_spoken(linkedid: str) -> bool:
    """Whether this is the linkedid of a call that speaks, which is no citizen's and no agent's call."""
    return linkedid.startswith(MARK)


def ended(cause: str, *, answered: bool) -> Outcome:
    """How a call ended that nobody confirmed, by its Q.850 cause."""
    if answered:
        return Outcome.UNCONFIRMED
    if cause == BUSY:
        return Outcome.BUSY
    return Outcome.NO_ANSWER if cause in SILENT else Outcome.FAILED
