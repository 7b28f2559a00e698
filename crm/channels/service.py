"""Opening an order for a channel, by the same command that opens one for a call."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.accounts.channels import Channel
from core.actor import Actor
from core.clock import now
from core.errors import Conflict, Invalid
from core.locks import lock
from core.permissions import Permission
from crm.channels.models import ChannelOrder
from crm.emergencies.proposals import look
from crm.emergencies.subscribers import written
from crm.linkages.lines import police
from crm.linkages.service import Fields, received
from crm.tickets.acts.intake import area_is_known, matter_is_known
from crm.tickets.input import Correction
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, open_draft

CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""How far ahead a channel's clock may run."""


@dataclass(frozen=True)
class Handover:
    """F09-2: what a channel hands over. `given` is what its person wrote; `phone` is E.164, None: anonymous.

    `reference`: the demand's number there; empty where the desk registers one that has none.
    """

    reference: str
    given: Correction
    phone: str | None = None
    received_at: datetime | None = None
    incident_number: str | None = None
    incident_at: datetime | None = None
    incident_operator: str = ""
    """Who there handed it over, by name or number."""
    attachments: tuple[dict[str, Any], ...] = ()


async def submit(session: AsyncSession, actor: Actor, channel: Channel, handover: Handover) -> Ticket:
    """The draft, for an agent to check as one from a call: the centre accepts a matter, not the channel (第十二条(一)).

    Raises Conflict("reference-taken") for a number under which this account has opened an order.
    """
    actor.require(Permission.ORDER_SUBMIT)
    return await _receive(session, actor, channel, handover, "api")


async def register(session: AsyncSession, actor: Actor, channel: Channel, handover: Handover) -> Ticket:
    """The draft of a demand that reached the desk itself: a letter, a visitor, a call from 110, a paper from above.

    Without a number of its own it is kept under the order's. Raises as `submit`.
    """
    actor.require(Permission.ORDER_EDIT)
    if channel is Channel.UNIT:
        raise Invalid("invalid-input", "请选择诉求渠道。", fields={"channel": "单位系统不提交诉求。"})
    return await _receive(session, actor, channel, handover, "desk")


async def _receive(session: AsyncSession, actor: Actor, channel: Channel, handover: Handover, origin: str) -> Ticket:
    _check(channel, handover)
    if handover.reference:
        await lock(session, f"channel-order:{actor.user_id}:{handover.reference}")
        if number := await _number_under(session, actor, handover.reference):
            sentence = f"该渠道编号已提交过，工单号 {number}。"
            raise Conflict("reference-taken", sentence, fields={"reference": sentence})
    opening = Opening(channel.value, phone=handover.phone, agent_id=actor.user_id, given=handover.given, origin=origin)
    ticket = await open_draft(session, opening, actor)
    session.add(
        ChannelOrder(
            ticket_id=ticket.id,
            account_id=actor.user_id,
            reference=handover.reference or ticket.number,
            received_at=handover.received_at,
            incident_number=handover.incident_number,
            incident_at=handover.incident_at,
            attachments=list(handover.attachments),
        )
    )
    await session.flush()
    await look(session, ticket, written(ticket))
    if channel is Channel.POLICE:
        at, told = handover.received_at, Fields(handover.incident_operator, handover.incident_number or "")
        await received(session, actor, ticket, await police(session), told, at)
    return ticket


async def _number_under(session: AsyncSession, actor: Actor, reference: str) -> str | None:
    same = (ChannelOrder.account_id == actor.user_id, ChannelOrder.reference == reference)
    found: str | None = await session.scalar(
        select(Ticket.number).join(ChannelOrder, ChannelOrder.ticket_id == Ticket.id).where(*same)
    )
    return found


def _check(channel: Channel, handover: Handover) -> None:
    """Codes exist, times have been, and 110's fields come from 110 and nobody else."""
    wrong, latest = dict[str, str](), now() + CLOCKS_DIFFER
    for guard in (matter_is_known, area_is_known):
        if objection := guard(None, handover.given):
            wrong[objection.field] = f"{objection.sentence}。"
    for name, at in (("received_at", handover.received_at), ("incident_at", handover.incident_at)):
        if at is not None and at > latest:
            wrong[name] = "时间不能晚于现在。"
    if channel is Channel.POLICE:
        if not handover.incident_number:
            wrong["incident_number"] = "110转办请填写警情编号。"
        if handover.incident_at is None:
            wrong["incident_at"] = "110转办请填写报警时间。"
    elif handover.incident_number or handover.incident_at or handover.incident_operator:
        wrong["incident_number"] = "只有110转办填写警情编号、报警时间和转办人。"
    if wrong:
        raise Invalid("invalid-input", "填写的内容有误，请按提示修改。", fields=wrong)
