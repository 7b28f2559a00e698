"""When a minute has no human on the line, and how such minutes become one incident. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from callflow.agents.presence import TALKABLE
from callflow.agents.rules import PauseReason

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Desk:
    """One logged-in agent: the telephone's state, and why it takes no calls (None: it does)."""

    device: str
    reason: str | None


def minute_of(at: datetime) -> datetime:
    """The minute that `at` lies in."""
    return at.replace(second=0, microsecond=0)


def staffed(desks: Iterable[Desk], *, on_duty: bool, duty_counts: bool) -> bool:
    """第二条: whether a human serves the line: at a desk, also while talking or wrapping up, but neither on a break
    nor where the telephone rang in vain; a duty mobile where the bureau reads it so."""
    working = (None, PauseReason.WRAP_UP)
    return any(d.device in TALKABLE and d.reason in working for d in desks) or (on_duty and duty_counts)


def missed(last_minute: datetime, minute: datetime) -> int:
    """Minutes between two observations that nobody observed."""
    return max(0, int((minute - last_minute) / MINUTE) - 1)
