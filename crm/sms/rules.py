"""What may become of a message. Pure."""

import re
from enum import StrEnum


class SmsState(StrEnum):
    """状态 of a message."""

    QUEUED = "queued"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"

    @property
    def label(self) -> str:
        """As staff read it."""
        return _LABELS[self]


_LABELS = {
    SmsState.QUEUED: "待发送",
    SmsState.SUBMITTING: "发送中",
    SmsState.SUBMITTED: "已提交网关",
    SmsState.DELIVERED: "已送达",
    SmsState.FAILED: "发送失败",
    SmsState.UNKNOWN: "结果不明",
    SmsState.NOT_APPLICABLE: "不适用",
}

_FINAL_STATUS = {
    "DELIVRD": SmsState.DELIVERED,
    "EXPIRED": SmsState.FAILED,
    "DELETED": SmsState.FAILED,
    "UNDELIV": SmsState.FAILED,
    "REJECTD": SmsState.FAILED,
}
_AWAITING = {SmsState.SUBMITTED, SmsState.UNKNOWN}


def after_report(state: SmsState, status: str) -> SmsState:
    """The state after a delivery report (SMPP 3.4 5.2.28); a report never changes what is already final."""
    return _FINAL_STATUS.get(status.upper(), state) if state in _AWAITING else state


_OPERATORS_CODE = re.compile(r"([A-Z]{2}):\w+")
_NOTHING_HEARD = {"MA", "MC", "CA", "DA", "SA", "IA", "IC"}
"""Somebody on the way did not answer or report (CMPP 3.0, 8.4.5.1 table 1): the message may have arrived."""


def operators_status(stat: str, error: str = "") -> tuple[str, str]:
    """Stat of a Chinese operator -> status as in SMPP and error. Its own codes (`MK:0001`) are failures, except those
    that say that nothing was heard."""
    code = _OPERATORS_CODE.fullmatch(stat)
    if code is None:
        return stat, error
    return "UNKNOWN" if code[1] in _NOTHING_HEARD else "UNDELIV", error or stat


def resolutions(state: SmsState) -> tuple[str, ...]:
    """What a person may decide about a message in this state."""
    return {SmsState.UNKNOWN: ("delivered", "failed", "resend"), SmsState.FAILED: ("resend",)}.get(state, ())
