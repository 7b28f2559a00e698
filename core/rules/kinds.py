"""What is decided by two persons: policy, calendar, dispatch catalogue and power list, and who may do it."""

from dataclasses import dataclass
from enum import StrEnum

from core.permissions import Permission


class Kind(StrEnum):
    """What a version is of."""

    POLICY = "policy"
    CALENDAR = "calendar"
    CATALOGUE = "catalogue"
    POWERS = "powers"

    @property
    def label(self) -> str:
        """As staff read it."""
        return _LABELS[self]

    @property
    def duties(self) -> "Duties":
        """Who may do what about it."""
        return DUTIES[self]

    @property
    def longest(self) -> int:
        """No text of this kind is longer, in characters."""
        return LONGEST_LIST if self in LISTS else LONGEST_TEXT


_LABELS = {
    Kind.POLICY: "运行规则",
    Kind.CALENDAR: "工作日历",
    Kind.CATALOGUE: "派单目录",
    Kind.POWERS: "权责清单",
}
LISTS = (Kind.CATALOGUE, Kind.POWERS)
"""Lists that are imported whole; like a calendar they are in force from their confirmation."""
LONGEST_TEXT = 200_000
LONGEST_LIST = 4_000_000
"""A county's power list has some thousand lines."""


class Standing(StrEnum):
    """How far a version is."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"proposed": "待确认", "confirmed": "已确认", "withdrawn": "已撤回"}[self.value]


@dataclass(frozen=True)
class Duties:
    """The permissions of the two persons."""

    propose: Permission
    confirm: Permission


DUTIES = {
    Kind.POLICY: Duties(Permission.POLICY_PROPOSE, Permission.POLICY_CONFIRM),
    Kind.CALENDAR: Duties(Permission.CALENDAR_PROPOSE, Permission.CALENDAR_CONFIRM),
    Kind.CATALOGUE: Duties(Permission.LISTS_PROPOSE, Permission.LISTS_CONFIRM),
    Kind.POWERS: Duties(Permission.LISTS_PROPOSE, Permission.LISTS_CONFIRM),
}
