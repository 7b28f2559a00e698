"""How a question climbs. Pure.

The line is staffed at every hour (第二条), so that the minutes of a level are counted in natural time, at night and on
holidays too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from crm.scope_policy import Level, ScopePolicy


class Verdict(StrEnum):
    """What somebody above decides."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    ELSEWHERE = "elsewhere"

    @property
    def label(self) -> str:
        """As the screens say it."""
        return {"accept": "属于受理范围，予以受理", "refuse": "不予受理", "elsewhere": "告知去向或转接"}[self]


@dataclass(frozen=True)
class Reached:
    """A level that is asked from `since` to `until` (exclusive; None: to the end)."""

    n: int
    level: Level
    since: datetime
    until: datetime | None


def climb(policy: ScopePolicy, urgent: bool, n: int, since: datetime) -> Reached:
    """Level `n` (1 for the first) reached at `since`. Raises IndexError beyond the top."""
    minutes = policy.urgent_minutes if urgent else policy.level_minutes
    until = since + timedelta(minutes=minutes) if n < len(policy.levels) else None
    return Reached(n, policy.levels[n - 1], since, until)


def climbed(policy: ScopePolicy, urgent: bool, n: int, until: datetime | None, at: datetime) -> Sequence[Reached]:
    """The levels that were reached from level `n` until `at`, each exactly when the one below had its time; several
    after a night without a worker."""
    found: list[Reached] = []
    while until is not None and until <= at and n < len(policy.levels):
        one = climb(policy, urgent, n + 1, until)
        found.append(one)
        n, until = one.n, one.until
    return found
