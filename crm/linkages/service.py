"""The linkage register kept: a record begins with the key that calls the other line, and is complete with its result
(F14-5, A14-3)."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from callflow.phones.models import CallLeg
from callflow.phones.rules import Became
from callflow.rules import Direction
from core.actor import Actor
from core.clock import now
from core.db import new_id
from core.edits import apply, readable, require_seen
from core.errors import Conflict, Invalid, NotFound
from core.ledger import record
from core.live import hint
from core.permissions import Permission
from crm.emergencies.proposals import tell
from crm.emergencies.service import event_of
from crm.linkages.lines import Line
from crm.linkages.models import Linkage
from crm.linkages.rules import BECAME, BY_TELEPHONE, Result, Way, lacking
from crm.tickets.access import get, several
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, of_call, open_draft

TOPIC = "linkages"
WRONG = "填写的内容有误，请按提示修改。"


@dataclass(frozen=True)
class Fields:
    """What a person writes of a record; without a result it stays open."""

    receiver: str = ""
    reference: str = ""
    result: Result | None = None
    note: str = ""


async def begin(session: AsyncSession, actor: Actor, call: Call, line: Line, way: Way, leg: CallLeg) -> Linkage | None:
    """The agent calls another line about the citizen of this call: the record begins with the call.

    None for a call that no citizen began, which has no order. A call whose draft is not there yet gets it now.
    """
    if call.direction != Direction.INBOUND:
        return None
    ticket = await of_call(session, call.id)
    if ticket is None:
        opening = Opening("phone", call.id, call.caller, call.original_hotline, actor.user_id, call.connected_at)
        ticket = await open_draft(session, opening)
    return await _add(session, actor, ticket, line, way, leg_id=leg.id)


async def became(session: AsyncSession, leg_id: UUID, what: Became) -> None:
    """Who was asked has joined, or has the citizen: the consultation was a conference, or a transfer."""
    if what not in BECAME:
        return
    changed = update(Linkage).where(Linkage.leg_id == leg_id).values(way=BECAME[what]).returning(Linkage.ticket_id)
    for ticket_id in (await session.scalars(changed)).all():
        _told(session, ticket_id)


async def add(
    session: AsyncSession,
    actor: Actor,
    ticket_id: UUID,
    line: Line,
    way: Way,
    fields: Fields,
    started_at: datetime | None = None,
) -> Linkage:
    """Registered by hand: the number was only told, a desk's telephone called it, or another line handed us the matter.

    Raises NotFound("no-such-order"), Invalid.
    """
    actor.require(Permission.ORDER_EDIT)
    ticket = await get(session, actor, ticket_id)
    if started_at and started_at > now():
        raise Invalid("invalid-input", WRONG, fields={"started_at": "时间不能晚于现在。"})
    _complete(way, fields)
    row = await _add(session, actor, ticket, line, way, fields=fields, started_at=started_at)
    if fields.result:
        await _done(session, actor, row, ticket)
    return row


async def received(
    session: AsyncSession, actor: Actor, ticket: Ticket, line: Line, fields: Fields, at: datetime | None
) -> Linkage:
    """Another line has handed over this matter; at the desk whoever registers it owes the result, else nobody yet."""
    return await _add(session, actor, ticket, line, Way.RECEIVED, fields=fields, started_at=at)


async def save(session: AsyncSession, actor: Actor, linkage_id: UUID, version: int, fields: Fields) -> Linkage:
    """Write what is known so far, or complete it with its result. What is complete, only a lead corrects.

    Raises NotFound("no-linkage"), Conflict, Invalid.
    """
    actor.require(Permission.ORDER_EDIT)
    row = await session.get(Linkage, linkage_id, with_for_update=True, populate_existing=True)
    found = await several(session, actor, {row.ticket_id}) if row else {}
    if row is None or row.ticket_id not in found:
        raise NotFound("no-linkage", "没有这条联动记录。")
    require_seen(row, version)
    complete = row.done_at is not None
    if complete and not actor.may(Permission.EMERGENCY_LEAD):
        raise Conflict("linkage-complete", "联动结果已经登记，只有班长等负责人可以更正。")
    if complete and fields.result is None:
        raise Invalid("invalid-input", WRONG, fields={"result": "请选择结果"})
    _complete(Way(row.way), fields)
    values: dict[str, Any] = asdict(fields)
    if fields.result and not complete:
        values |= {"done_at": now(), "done_by_name": actor.name}
    changed = apply(row, values)
    if not changed:
        return row
    if fields.result:
        await _done(session, actor, row, found[row.ticket_id], corrected=complete)
    else:
        await record(session, actor, "linkage.save", "order", row.ticket_id, line=row.line, changed=readable(changed))
    _told(session, row.ticket_id)
    return row


def _complete(way: Way, fields: Fields) -> None:
    missing = lacking(way, fields.result, fields.receiver, fields.note) if fields.result else {}
    if missing:
        raise Invalid("invalid-input", WRONG, fields=missing)


async def _add(
    session: AsyncSession,
    actor: Actor,
    ticket: Ticket,
    line: Line,
    way: Way,
    *,
    leg_id: UUID | None = None,
    fields: Fields = Fields(),
    started_at: datetime | None = None,
) -> Linkage:
    person = actor.user_id if actor.may(Permission.ORDER_EDIT) else None
    row = Linkage(id=new_id(), ticket_id=ticket.id, way=way, line=line.name, number=line.number, leg_id=leg_id)
    row.agent_id, row.agent_name, row.started_at = person, actor.name[:40], started_at or now()
    row.receiver, row.reference, row.note, row.result = fields.receiver, fields.reference, fields.note, fields.result
    if fields.result:
        row.done_at, row.done_by_name = now(), actor.name[:40]
    session.add(row)
    await session.flush()
    await record(session, actor, "linkage.begin", "order", ticket.id, line=line.name, way=way)
    if way in BY_TELEPHONE:
        await _time_line(session, actor, ticket, f"{ticket.number} {way.label}{line.name}")
    _told(session, ticket.id)
    return row


async def _done(session: AsyncSession, actor: Actor, row: Linkage, ticket: Ticket, *, corrected: bool = False) -> None:
    assert row.result
    result = Result(row.result).label
    told = {"line": row.line, "result": row.result, "receiver": row.receiver}
    await record(session, actor, "linkage.correct" if corrected else "linkage.result", "order", ticket.id, **told)
    by = f"，{row.receiver}" if row.receiver else ""
    note = f"：{row.note}" if row.note else ""
    head = "更正联动结果 " if corrected else ""
    text = f"{head}{ticket.number} {Way(row.way).label}{row.line}{by}，{result}{note}"
    await _time_line(session, actor, ticket, text)


async def _time_line(session: AsyncSession, actor: Actor, ticket: Ticket, text: str) -> None:
    event = await event_of(session, ticket.id)
    if event is not None:
        tell(session, event, text, actor.name)


def _told(session: AsyncSession, ticket_id: UUID) -> None:
    hint(session, "order", ticket_id)
    hint(session, TOPIC)
