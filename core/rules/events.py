"""What happens to the rules."""

from typing import ClassVar

from core.events import Event


class RulesConfirmed(Event):
    """A second person confirmed a version: a calendar is in force now, a policy from its instant on."""

    name: ClassVar[str] = "rules.confirmed"

    kind: str
    version: str
