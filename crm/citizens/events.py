"""What other parts may learn of citizens: that what is held on a number may be used for less from now on, or again."""

from typing import ClassVar
from uuid import UUID

from core.events import Event


class RestrictionPlaced(Event):
    """限制处理 of a number began; which number, says the row `Restriction` of this id."""

    name: ClassVar[str] = "citizens.restriction-placed"
    restriction_id: UUID
    by_id: UUID
    """Who decided it."""


class RestrictionLifted(Event):
    """限制处理 of a number ended; another one of the same number may still stand."""

    name: ClassVar[str] = "citizens.restriction-lifted"
    restriction_id: UUID
    by_id: UUID
