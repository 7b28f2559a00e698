"""What other parts may learn of orders."""

from typing import ClassVar
from uuid import UUID

from core.events import Event


class TicketDispatched(Event):
    """An order went to its units; its clocks run."""

    name: ClassVar[str] = "crm.ticket-dispatched"
    ticket_id: UUID
    round_id: UUID
