"""The caller of an order: masked for those who may know, in full for some minutes with a reason on record."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.callbacks.models import CallbackTask
from callflow.models import Call
from core import ledger, phone
from core.actor import Actor
from core.clock import now
from core.db import new_id
from core.errors import Denied, Invalid, NotFound
from core.ledger.models import LedgerEntry
from core.locks import lock
from core.permissions import Permission
from core.personal import mask_name
from crm.installed import installed
from crm.notices.matrix import UNMASKED
from crm.notices.tell import Telling, tell
from crm.secrecy_policy import SecrecyPolicy
from crm.tickets.access import get, sees_identity
from crm.tickets.models import Assignment, IdentityRequest, Ticket, Unmasking
from crm.tickets.states import WATCHING, State

HANDLED = "personal.handle"
"""Ledger action: somebody sees a caller because the call is theirs; one row for each person and matter."""


@dataclass(frozen=True)
class Caller:
    """Name and number as they may be shown; `hidden` says why there is nothing."""

    name: str
    phone: str
    hidden: str = ""


@dataclass(frozen=True)
class Seen:
    """An order's citizen in full, until an instant; `caller` is None where only the place may be seen."""

    caller: Caller | None
    until: datetime


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
    """The number of a call-back task: in full for who claimed it until it is done, since it must be dialled, and on
    record once; masked for others."""
    if task.phone is None:
        return "未显示号码"
    if task.done_at is not None or task.claimed_by is None or task.claimed_by != actor.user_id:
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


async def reveal(session: AsyncSession, actor: Actor, ticket_id: UUID, reason: str) -> Unmasking:
    """The citizen of an order in full, for this person and some minutes; who looks and why goes on record, and who
    answers for it is told, in the same transaction (F22-2, A22-1).

    Raises Denied: without the right, where the identity is sealed, or once the unit's part has ended.
    """
    given = _reason(reason)
    ticket = await get(session, actor, ticket_id)
    if not actor.may(Permission.PERSONAL_UNMASK):
        actor.require(Permission.ORDER_CONTACT)
        if not await _at_work(session, actor, ticket):
            raise Denied("not-at-work", "本单位的承办任务已结束，不能再查看诉求人信息。")
    elif not sees_identity(actor, ticket):
        raise Denied("sealed", "举报人信息已密封，您没有查看权限。")
    at = now()
    look = Unmasking(id=new_id(), ticket_id=ticket.id, unit_id=actor.unit_id, reason=given, at=at)
    look.until = at + timedelta(minutes=installed().policy[SecrecyPolicy].unmask_minutes)
    look.user_id = actor.user_id or look.id
    session.add(look)
    await ledger.record(session, actor, "personal.unmask", "order", ticket.id, reason=given)
    await session.flush()
    units = ((actor.unit_id, None),) if actor.unit_id else ()
    await tell(session, [Telling(f"unmasking:{look.id}", ticket.id, UNMASKED, units, None)])
    return look


async def unmasked(session: AsyncSession, actor: Actor, ticket: Ticket) -> Seen | None:
    """What this person may see now after having given a reason, and until when; None where nothing is open.

    The place is shown to who handles the order; name and number only where they are not hidden from the actor, or a
    unit's request to see them was granted (F22-3).
    """
    wanted = select(Unmasking.until).where(
        Unmasking.ticket_id == ticket.id, Unmasking.user_id == actor.user_id, Unmasking.until > now()
    )
    until = await session.scalar(wanted.order_by(Unmasking.until.desc()).limit(1))
    if until is None:
        return None
    if not sees_identity(actor, ticket) and not await identity_granted(session, actor, ticket):
        return Seen(None, until)
    number = phone.show(ticket.caller_phone) if ticket.caller_phone else "号码未显示"
    return Seen(Caller(ticket.caller_name or "", number), until)


async def identity_granted(session: AsyncSession, actor: Actor, ticket: Ticket) -> bool:
    """Whether the actor's unit may see who is behind the order, as the director of the centre decided."""
    if actor.unit_id is None:
        return False
    wanted = select(IdentityRequest.id).where(
        IdentityRequest.ticket_id == ticket.id,
        IdentityRequest.unit_id == actor.unit_id,
        IdentityRequest.state == "granted",
        IdentityRequest.until > now(),
    )
    return await session.scalar(wanted.limit(1)) is not None


async def _at_work(session: AsyncSession, actor: Actor, ticket: Ticket) -> bool:
    wanted = select(Assignment.id).where(
        Assignment.ticket_id == ticket.id,
        Assignment.unit_id == actor.unit_id,
        Assignment.role.not_in(WATCHING),
        Assignment.closed_at.is_(None),
    )
    return await session.scalar(wanted.limit(1)) is not None
