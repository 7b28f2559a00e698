"""What is decided by two persons: the policy and the calendar, and who may propose and confirm each."""

from dataclasses import dataclass
from enum import StrEnum

from core.permissions import Permission


class Kind(StrEnum):
    """What a version is of."""

    POLICY = "policy"
    CALENDAR = "calendar"

    @property
    def label(self) -> str:
        """As staff read it."""
        return "运行规则" if self is Kind.POLICY else "工作日历"

    @property
    def duties(self) -> "Duties":
        """Who may do what about it."""
        return DUTIES[self]


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
}
