"""Which numbers may be dialled, how a citizen is passed on. Pure; the dialplan has the same patterns."""

import re
from collections.abc import Iterable
from enum import StrEnum

_ONE = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]"}


def may_dial(number: str, patterns: Iterable[str]) -> bool:
    """Whether `number`, as it is dialled, fits one of the patterns whole."""
    return any(re.fullmatch("".join(_ONE.get(c, c) for c in one), number, re.ASCII) for one in patterns)


class Way(StrEnum):
    """What the agent wants of the other side."""

    CONSULT = "consult"
    TRANSFER = "transfer"
    TAKE_OVER = "takeover"
    """The shift lead takes the citizen."""

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"consult": "咨询", "transfer": "转接", "takeover": "班长接管"}[self.value]


class Beside(StrEnum):
    """How the shift lead is in an agent's call; each is an extension of `[hotline-lead]`."""

    LISTEN = "listen"
    WHISPER = "whisper"
    BARGE = "barge"


class Became(StrEnum):
    """What became of it."""

    JOINED = "joined"
    HANDED_OVER = "handed-over"
    DROPPED = "dropped"
    BACK = "back"

    @property
    def label(self) -> str:
        """As staff read it."""
        return _LABELS[self]


_LABELS = {
    Became.JOINED: "三方通话",
    Became.HANDED_OVER: "已转交",
    Became.DROPPED: "已结束",
    Became.BACK: "无人接听，已退回",
}
