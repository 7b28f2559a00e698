"""Every version of the policy with the instant from which it is in force, every calendar, the newest lists."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from core.calendar import WorkCalendar
from core.policy import Policy
from core.rules.kinds import Kind


@dataclass(frozen=True)
class Enacted:
    """A policy and the instant from which it is in force."""

    since: datetime
    policy: Policy


@dataclass(frozen=True)
class Listed:
    """A list that two persons decided about, as it is stored; the package that knows its lines reads it."""

    version: str
    text: str
    since: datetime


@dataclass(frozen=True, eq=False)
class Rulebook:
    """At least one policy, oldest first, and at least one calendar, oldest first."""

    policies: tuple[Enacted, ...]
    calendars: tuple[WorkCalendar, ...]
    lists: Mapping[Kind, Listed] = field(default_factory=dict)
    """The newest of each kind; none before the first was stored."""

    @classmethod
    def first(cls, policy: Policy, calendar: WorkCalendar) -> "Rulebook":
        """The county's file and the calendar of the program, before anybody decided anything else."""
        return cls((Enacted(policy.issued_at, policy),), (calendar,))

    @property
    def calendar(self) -> WorkCalendar:
        """The newest calendar: what is counted from now on is counted by it (D4)."""
        return self.calendars[-1]

    def policy_at(self, at: datetime) -> Policy | None:
        """What was in force at `at`; None before the regulation (第三十二条, D35)."""
        return next((one.policy for one in reversed(self.policies) if one.since <= at), None)

    def present(self, at: datetime) -> Policy:
        """What a process works by at `at`: the policy in force, before all of them the first."""
        return self.policy_at(at) or self.policies[0].policy

    def policy_of(self, version: str) -> Policy | None:
        """The policy of that version, whenever it was in force."""
        return next((one.policy for one in self.policies if one.policy.version == version), None)

    def calendar_of(self, version: str) -> WorkCalendar:
        """The calendar of that version; the first one for a version from before calendars had any."""
        return next((one for one in self.calendars if one.version == version), self.calendars[0])

    def with_policy(self, since: datetime, policy: Policy) -> "Rulebook":
        """This book with one more policy."""
        return replace(self, policies=tuple(sorted((*self.policies, Enacted(since, policy)), key=lambda p: p.since)))

    def with_calendar(self, calendar: WorkCalendar) -> "Rulebook":
        """This book with a newer calendar."""
        return replace(self, calendars=(*self.calendars, calendar))
