"""What an order's clock runs by: the policy of its dispatch, the newest calendar, and how they are read.

A round keeps the version in force at its dispatch, and its later acts (extension, return, retyping) read that
version (D35); days are counted by the newest calendar, because a notice tells what was only expected before (D4).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from core import calendar as counting
from core.calendar import ClockPolicy, Due, Limit, Reading, WorkCalendar
from core.clock import local
from core.policy import Policy
from crm.installed import installed
from crm.procedure import UpstreamPolicy


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

    def before(self, due_at: datetime, days: int) -> datetime:
        """The same time so many working days before a due instant (D29, F08-6, D33)."""
        first = day = local(due_at - timedelta(microseconds=1)).date()
        while days:
            day -= timedelta(days=1)
            days -= self.calendar.kind(day).works
        return due_at - (first - day)

    def held_to(
        self, due_at: datetime | None, upstream_due_at: datetime | None, since: datetime | None = None
    ) -> datetime | None:
        """D33: a city's order is held to the county's due or to the city's less the buffer, whichever is earlier.

        `since`: its dispatch. Nobody is late before he had the order: what the city set for before that binds the
        centre, not the unit.
        """
        if upstream_due_at is None:
            return due_at
        early = self.before(upstream_due_at, self.policy[UpstreamPolicy].buffer_wd)
        for city in (early, upstream_due_at):
            if since is None or city > since:
                return city if due_at is None else min(due_at, city)
        return due_at


def rules_at(dispatched_at: datetime) -> Rules | None:
    """What a dispatch at this instant runs by; None before the regulation: such an order has no due (A32-1)."""
    book = installed().rules
    policy = book.policy_at(dispatched_at)
    return Rules(policy, book.calendar) if policy else None


def present_rules(at: datetime) -> Rules:
    """What an order that nobody dispatched yet is read by; before the regulation the first policy."""
    return rules_at(at) or Rules(installed().policy, installed().calendar)


def rules_of(policy_version: str) -> Rules:
    """What later acts on a round run by. LookupError when no such policy was ever in force here."""
    book = installed().rules
    policy = book.policy_of(policy_version)
    if policy is None:
        raise LookupError(f"no policy {policy_version}")
    return Rules(policy, book.calendar)


def versions_where(test: Callable[[Policy], bool]) -> tuple[str, ...]:
    """The versions of the policy that read something so: whole queues ask by the version that a round keeps."""
    return tuple(one.policy.version for one in installed().rules.policies if test(one.policy))


def days_as_json(due: Due) -> list[dict[str, Any]]:
    """The explanation as a round stores it: `{"day": "2026-02-28", "number": 5, "reason": "春节调休"}`."""
    return [{"day": one.day.isoformat(), "number": one.number, "reason": one.reason} for one in due.days]
