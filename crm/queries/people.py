"""The caller of an order: masked for those who may know, in full only with a reason on record."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core import ledger, phone
from core.actor import Actor
from core.errors import Denied, Invalid
from core.permissions import Permission
from core.personal import mask_name
from crm.tickets.access import get, sees_identity
from crm.tickets.models import Ticket


@dataclass(frozen=True)
class Caller:
    """Name and number as they may be shown; `hidden` says why there is nothing."""

    name: str
    phone: str
    hidden: str = ""


def caller(actor: Actor, ticket: Ticket) -> Caller:
    """Masked, or hidden altogether."""
    if not sees_identity(actor, ticket):
        return Caller("", "", "举报人信息已密封" if ticket.sealed else "诉求人要求保密")
    shown = "匿名" if ticket.anonymous and not ticket.caller_name else mask_name(ticket.caller_name or "")
    return Caller(shown, phone.mask(ticket.caller_phone) if ticket.caller_phone else "号码未显示")


async def reveal(session: AsyncSession, actor: Actor, ticket_id: UUID, reason: str) -> Caller:
    """Name and number in full; who looked and why goes on record in the same transaction."""
    actor.require(Permission.PERSONAL_UNMASK)
    if not 2 <= len(reason.strip()) <= 200:
        raise Invalid("no-reason", "请填写查看原因。", fields={"reason": "请填写查看原因，2至200字"})
    ticket = await get(session, actor, ticket_id)
    if not sees_identity(actor, ticket):
        raise Denied("sealed", "举报人信息已密封，您没有查看权限。")
    await ledger.record(session, actor, "personal.unmask", "order", ticket.id, reason=reason.strip())
    number = phone.show(ticket.caller_phone) if ticket.caller_phone else "号码未显示"
    return Caller(ticket.caller_name or "", number)
