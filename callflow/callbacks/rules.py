"""Who is called back. Pure."""

from datetime import datetime, time, timedelta
from enum import StrEnum

from callflow.policy import LinePolicy
from callflow.rules import Direction, Outcome, View, waited
from core.clock import SHANGHAI, local


class Reason(StrEnum):
    """Why a citizen is called back."""

    ABANDONED = "abandoned"
    INTERRUPTED = "interrupted"
    MESSAGE = "message"
    KEPT = "kept"

    @property
    def label(self) -> str:
        """As staff read it."""
        return _LABELS[self]


_LABELS = {
    Reason.ABANDONED: "未接通",
    Reason.INTERRUPTED: "通话中断",
    Reason.MESSAGE: "留言",
    Reason.KEPT: "保留排队未接通",
}


def reason(view: View, policy: LinePolicy) -> Reason | None:
    """Why this ended call asks for a call-back; None: it does not.

    Whoever was cut off, kept a place or spoke to the message box is called back in any case, whoever gave up only after
    `abandoned_after_s` with us.
    """
    if view.direction is not Direction.INBOUND:
        return None
    match view.outcome:
        case Outcome.MESSAGE:
            return Reason.MESSAGE
        case Outcome.KEPT:
            return Reason.KEPT
        case Outcome.INTERRUPTED:
            return Reason.INTERRUPTED if view.caller else None
        case Outcome.ABANDONED if view.caller and waited(view) >= timedelta(seconds=policy.abandoned_after_s):
            return Reason.ABANDONED
    return None


def quiet(policy: LinePolicy) -> timedelta:
    """How long one task covers further calls of the same number."""
    return timedelta(minutes=policy.callback_quiet_min)


def next_try(at: datetime, policy: LinePolicy) -> datetime:
    """When a citizen who was not reached at this moment is called again: as the next time of the day begins, never the
    one in which it was tried."""
    tried = local(at)
    begins = [time.fromisoformat(band.partition("-")[0]) for band in policy.callback_bands]
    days = (tried.date(), tried.date() + timedelta(days=1))
    starts = (datetime.combine(day, begin, SHANGHAI) for day in days for begin in begins)
    return next(start for start in starts if start > tried)
