"""What an order's clock runs by: the policy of its dispatch, the newest calendar, and how they are read.

A round keeps the version in force at its dispatch, and its later acts (extension, return, retyping) read that
version (D35); days are counted by the newest calendar, because a notice tells what was only expected before (D4).
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core import calendar as counting
from core.calendar import ClockPolicy, Due, Limit, Reading, WorkCalendar
from core.policy import Policy
from crm.installed import installed


@dataclass(frozen=True)
class Rules:
    """One policy and one calendar; `policy[LimitsPolicy]` and so on as ever."""

    policy: Policy
    calendar: WorkCalendar

    @property
    def reading(self) -> Reading:
        """D2 and D3 as this policy has them."""
        return self.policy[ClockPolicy].reading

    def due(self, dispatched_at: datetime, limit: int | Limit) -> Due:
        """自派发之日起: signing, return window, handling, whatever runs from an instant (第十三条)."""
        return counting.due(dispatched_at, limit, self.calendar, self.reading)

    def extended(self, last_day: date, more: int) -> Due:
        """延期 by `more` working days from the original due date (第十五条, D16)."""
        return counting.extended(last_day, more, self.calendar, self.reading)

    def retyped(self, dispatched_at: datetime, limit: int | Limit, at: datetime, least: int = 1) -> Due:
        """改类 at `at`: the new limit from the same 派发之日, `least` working days from then on at least (D13)."""
        return counting.retyped(dispatched_at, limit, at, self.calendar, self.reading, least)


def rules_at(dispatched_at: datetime) -> Rules | None:
    """What a dispatch at this instant runs by; None before the regulation: such an order has no due (A32-1)."""
    book = installed().rules
    policy = book.policy_at(dispatched_at)
    return Rules(policy, book.calendar) if policy else None


def rules_of(policy_version: str) -> Rules:
    """What later acts on a round run by. LookupError when no such policy was ever in force here."""
    book = installed().rules
    policy = book.policy_of(policy_version)
    if policy is None:
        raise LookupError(f"no policy {policy_version}")
    return Rules(policy, book.calendar)


def days_as_json(due: Due) -> list[dict[str, Any]]:
    """The explanation as a round stores it: `{"day": "2026-02-28", "number": 5, "reason": "春节调休"}`."""
    return [{"day": one.day.isoformat(), "number": one.number, "reason": one.reason} for one in due.days]
