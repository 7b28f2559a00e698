"""What other parts may learn of a call, each exactly once."""

from typing import ClassVar
from uuid import UUID

from core.events import Event


class CallArrived(Event):
    """A call reached the hotline, or left it for a citizen."""

    name: ClassVar[str] = "callflow.call-arrived"
    call_id: UUID


class CallConnected(Event):
    """An agent, or somebody outside, talks with the citizen."""

    name: ClassVar[str] = "callflow.call-connected"
    call_id: UUID


class CallEnded(Event):
    """The call is over; `outcome` as known then."""

    name: ClassVar[str] = "callflow.call-ended"
    call_id: UUID
    outcome: str


class MessageLeft(Event):
    """The call is over and its caller spoke to the message box."""

    name: ClassVar[str] = "callflow.message-left"
    call_id: UUID
