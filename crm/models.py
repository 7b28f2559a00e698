"""All tables of this package."""

from crm.citizens.models import Citizen
from crm.search.models import TicketWords
from crm.sms.models import Sms, SmsEvent, SmsReceipt, SmsReply
from crm.tickets.models import Assignment, NumberCounter, Round, Ticket, TicketEvent

__all__ = [
    "Assignment",
    "Citizen",
    "NumberCounter",
    "Round",
    "Sms",
    "SmsEvent",
    "SmsReceipt",
    "SmsReply",
    "Ticket",
    "TicketEvent",
    "TicketWords",
]
