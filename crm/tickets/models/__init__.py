"""Tables of the work order, by theme."""

from crm.tickets.models.attachment import Attachment
from crm.tickets.models.closing import FollowUp, Rating, SupervisionCandidate, Verification
from crm.tickets.models.handling import Assignment, DueChange, Extension, Retype, Round, StatutoryLimit
from crm.tickets.models.order import NumberCounter, Ticket, TicketEvent
from crm.tickets.models.replying import InternalStep, QualityCheck, Reply
from crm.tickets.models.returning import Dispute, DisputeAttendee, Refusal, ReturnRequest
from crm.tickets.models.secrecy import IdentityRequest, Unmasking
from crm.tickets.models.typed import TypedFields

__all__ = [
    "Assignment",
    "Attachment",
    "Dispute",
    "DisputeAttendee",
    "DueChange",
    "Extension",
    "FollowUp",
    "IdentityRequest",
    "InternalStep",
    "NumberCounter",
    "QualityCheck",
    "Rating",
    "Refusal",
    "Reply",
    "ReturnRequest",
    "Retype",
    "Round",
    "StatutoryLimit",
    "SupervisionCandidate",
    "Ticket",
    "TicketEvent",
    "TypedFields",
    "Unmasking",
    "Verification",
]
