"""The words of the linkage register, and what a record needs before it is complete. Pure."""

from datetime import datetime
from enum import StrEnum

from callflow.phones.rules import Became

OUT, IN = "out", "in"
DIRECTIONS = {OUT: "转出", IN: "转入"}


class Way(StrEnum):
    """方式: how the matter went from one line to the other."""

    CONSULT = "consult"
    CONFERENCE = "conference"
    TRANSFER = "transfer"
    TOLD = "told"
    RECEIVED = "received"

    @property
    def label(self) -> str:
        """As staff read it."""
        return _WAYS[self]

    @property
    def direction(self) -> str:
        """`OUT` to another line, or `IN` from one."""
        return IN if self is Way.RECEIVED else OUT


_WAYS = {
    Way.CONSULT: "咨询",
    Way.CONFERENCE: "三方通话",
    Way.TRANSFER: "转接",
    Way.TOLD: "仅告知",
    Way.RECEIVED: "对方转来",
}
BY_TELEPHONE = frozenset({Way.CONSULT, Way.CONFERENCE, Way.TRANSFER})
BECAME = {Became.JOINED: Way.CONFERENCE, Became.HANDED_OVER: Way.TRANSFER}
"""What a consultation turns into."""


class Result(StrEnum):
    """结果: what the other line did; of what was received, what it was told."""

    TAKEN = "taken"
    SELF = "self"
    UNREACHED = "unreached"
    DECLINED = "declined"
    REPORTED = "reported"
    RETURNED = "returned"
    OTHER = "other"

    @property
    def label(self) -> str:
        """As staff read it."""
        return _RESULTS[self]

    def fits(self, way: Way) -> bool:
        """Whether a record of this way may end so."""
        return self is Result.OTHER or (self in _OF_RECEIVED) == (way.direction == IN)


_RESULTS = {
    Result.TAKEN: "已接警处置",
    Result.SELF: "已告知来电人自行拨打",
    Result.UNREACHED: "未接通",
    Result.DECLINED: "对方不受理",
    Result.REPORTED: "已向对方反馈办理结果",
    Result.RETURNED: "已退回对方",
    Result.OTHER: "其他",
}
_OF_RECEIVED = frozenset({Result.REPORTED, Result.RETURNED})


class Reach(StrEnum):
    """Whether the other line has answered the telephone."""

    RINGS = "rings"
    ANSWERED = "answered"
    MISSED = "missed"

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"rings": "正在呼叫", "answered": "已接通", "missed": "未接通"}[self.value]


def reach(answered_at: datetime | None, *, over: bool) -> Reach:
    """`over`: the attempt has ended."""
    if answered_at is not None:
        return Reach.ANSWERED
    return Reach.MISSED if over else Reach.RINGS


def lacking(way: Way, result: Result, receiver: str, note: str) -> dict[str, str]:
    """Field -> what a complete record still lacks: the receiver of what was taken, the words where none fit."""
    missing = {}
    if not result.fits(way):
        missing["result"] = f"“{way.label}”不能登记为“{result.label}”"
    if result is Result.TAKEN and not receiver:
        missing["receiver"] = "请填写接警人或工号，对方未报的填“未报”"
    if result in (Result.OTHER, Result.REPORTED, Result.RETURNED) and len(note) < 2:
        missing["note"] = "请写明情况"
    return missing
