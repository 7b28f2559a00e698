"""All tables of this package."""

from crm.channels.models import ChannelOrder
from crm.citizens.models import Citizen
from crm.sms.models import Sms, SmsEvent, SmsReceipt, SmsReply
from crm.tickets.models import Assignment, NumberCounter, Round, Ticket, TicketEvent

__all__ = [
    "Assignment",
    "ChannelOrder",
    "Citizen",
    "NumberCounter",
    "Round",
    "Sms",
    "SmsEvent",
    "SmsReceipt",
    "SmsReply",
    "Ticket",
    "TicketEvent",
]
