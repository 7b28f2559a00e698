"""What other parts may learn of calls that speak."""

from typing import ClassVar
from uuid import UUID

from core.events import Event


class SpokenCallDone(Event):
    """It was confirmed, or ended without; its row says which, for `subject` and `subject_id`."""

    name: ClassVar[str] = "line.spoken-call-done"
    call_id: UUID
    subject: str
    subject_id: UUID
