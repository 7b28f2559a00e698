"""What other parts may learn of orders."""

from typing import ClassVar
from uuid import UUID

from core.events import Event
from crm.tickets.states import Act


class TicketActed(Event):
    """Somebody did something with an order; `seq` is the event of its history that says what.

    One for each act. Facts are read from the history, so that a subscriber that comes late reads the same.
    """

    name: ClassVar[str] = "crm.ticket-acted"
    ticket_id: UUID
    seq: int
    act: Act
