"""What other parts may learn of emergencies."""

from typing import ClassVar
from uuid import UUID

from core.events import Event


class EmergencyChanged(Event):
    """Somebody decided something about an event: that it is one, which orders belong to it, that it is over."""

    name: ClassVar[str] = "crm.emergency-changed"
    event_id: UUID
