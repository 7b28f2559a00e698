"""The rules that a command of the terminal reckons by: a file's, or those of this instance."""

from pathlib import Path

import crm.installed  # noqa: F401 - defines every section of the policy
from core import policy
from core.calendar import WorkCalendar, official
from core.policy import Policy
from hotline.settings import Settings


def from_file(file: Path) -> tuple[Policy, WorkCalendar]:
    """A policy file with the calendar of the program. Raises `Invalid("bad-policy")`."""
    return policy.load(file), official()


def of_instance(settings: Settings) -> tuple[Policy, WorkCalendar]:
    """The county's file with the calendar of the program."""
    return from_file(settings.core.county / "policy.toml")
