"""The caller of an order: masked for those who may know, in full only with a reason on record."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.callbacks.models import CallbackTask
from callflow.models import Call
from core import ledger, phone
from core.actor import Actor
from core.errors import Denied, Invalid, NotFound
from core.ledger.models import LedgerEntry
from core.locks import lock
from core.permissions import Permission
from core.personal import mask_name
from crm.tickets.access import get, sees_identity
from crm.tickets.models import Ticket
from crm.tickets.states import State

HANDLED = "personal.handle"
"""Ledger action: somebody sees a caller because the call is theirs; one row for each person and matter."""


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


async def handles(session: AsyncSession, actor: Actor, ticket: Ticket) -> bool:
    """Whether this actor sees the caller in full without being asked: the agent whose call it is, while the call
    lives or its draft is open. Goes on record once for each agent and order."""
    if ticket.call_id is None or not actor.may(Permission.ORDER_EDIT) or not sees_identity(actor, ticket):
        return False
    call = await session.get(Call, ticket.call_id)
    if call is None or actor.user_id is None or call.agent_id != actor.user_id:
        return False
    if call.ended_at is not None and ticket.state != State.DRAFT:
        return False
    await _once(session, actor, "order", ticket.id)
    return True


async def number_to_call(session: AsyncSession, actor: Actor, task: CallbackTask) -> str:
    """The number of a call-back task: in full for who claimed it, since it must be dialled, and on record once;
    masked for others."""
    if task.phone is None:
        return "未显示号码"
    if task.claimed_by is None or task.claimed_by != actor.user_id:
        return phone.mask(task.phone)
    await _once(session, actor, "callback", task.id)
    return phone.show(task.phone)


async def reveal_call(session: AsyncSession, actor: Actor, call_id: UUID, reason: str) -> str:
    """The caller's number of a call in full; sealed with the 举报 that came of it."""
    actor.require(Permission.PERSONAL_UNMASK)
    actor.require(Permission.CALL_VIEW)
    given = _reason(reason)
    call = await session.get(Call, call_id)
    if call is None:
        raise NotFound("no-call", "没有这条通话记录。")
    ticket = await session.scalar(select(Ticket).where(Ticket.call_id == call_id))
    if ticket is not None and not sees_identity(actor, ticket):
        raise Denied("sealed", "举报人信息已密封，您没有查看权限。")
    await ledger.record(session, actor, "personal.unmask", "call", call_id, reason=given)
    return phone.show(call.caller) if call.caller else "号码未显示"


async def _once(session: AsyncSession, actor: Actor, subject: str, subject_id: UUID) -> None:
    """Put it on record unless it is; a page and its live parts, fetched together, wait for one another."""
    await lock(session, f"{HANDLED}:{actor.user_id}:{subject_id}")
    seen = select(LedgerEntry.id).where(
        LedgerEntry.subject == subject,
        LedgerEntry.subject_id == str(subject_id),
        LedgerEntry.action == HANDLED,
        LedgerEntry.actor_id == actor.user_id,
    )
    if await session.scalar(seen.limit(1)) is None:
        await ledger.record(session, actor, HANDLED, subject, subject_id)


def _reason(text: str) -> str:
    """The reason as it goes on record. Raises `Invalid("no-reason")`."""
    if not 2 <= len(text.strip()) <= 200:
        raise Invalid("no-reason", "请填写查看原因。", fields={"reason": "请填写查看原因，2至200字。"})
    return text.strip()


async def reveal(session: AsyncSession, actor: Actor, ticket_id: UUID, reason: str) -> Caller:
    """Name and number in full; who looked and why goes on record in the same transaction."""
    actor.require(Permission.PERSONAL_UNMASK)
    given = _reason(reason)
    ticket = await get(session, actor, ticket_id)
    if not sees_identity(actor, ticket):
        raise Denied("sealed", "举报人信息已密封，您没有查看权限。")
    await ledger.record(session, actor, "personal.unmask", "order", ticket.id, reason=given)
    number = phone.show(ticket.caller_phone) if ticket.caller_phone else "号码未显示"
    return Caller(ticket.caller_name or "", number)
