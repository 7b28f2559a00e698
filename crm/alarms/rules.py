"""How an alarm climbs from contact to contact, and how it ends. Pure.

Minutes are counted in natural time, at night and on holidays too (D30, T18). A rung begins when its contact is told,
never before: after an outage nobody is skipped whom nobody called.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from crm.county.emergencies import Level
from crm.emergencies_policy import EmergencyPolicy


class How(StrEnum):
    """How an alarm ended."""

    KEYPAD = "keypad"
    SIGNED = "signed"
    PERSON = "person"
    OVER = "over"

    @property
    def label(self) -> str:
        """As the screens say it."""
        return _LABELS[self]


_LABELS = {How.KEYPAD: "电话按键确认", How.SIGNED: "已签收工单", How.PERSON: "人工联系到", How.OVER: "不再需要通知"}


@dataclass(frozen=True, repr=False)
class Contact:
    """Whom one may call: a duty contact, or without `id` the unit's registered duty phone. `phone` in E.164."""

    id: UUID | None
    name: str
    phone: str


def next_contact(on_duty: Sequence[Contact], called: Collection[str]) -> Contact | None:
    """The first of those on duty whose number was not called yet; None: nobody is left."""
    return next((one for one in on_duty if one.phone not in called), None)


def patience(policy: EmergencyPolicy, level: Level) -> timedelta:
    """So long a contact has to confirm before the next one is called: the target of signing."""
    return timedelta(minutes=policy.sign_life_minutes if level is Level.LIFE else policy.sign_utility_minutes)


def calls_again(ended: datetime, every: timedelta, until: datetime) -> datetime | None:
    """When the same contact is called again after a call that nobody confirmed; None: not any more."""
    at = ended + every
    return at if at < until else None
