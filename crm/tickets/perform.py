"""Every act on an order comes through here: lock, version, decide, effect, one event, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.errors import Conflict, Denied, HotlineError, Invalid
from core.events import publish
from core.forms import validate
from core.identity.models import Unit
from crm.referrals.models import Referral
from crm.tickets.access import one_of, several
from crm.tickets.calls import calls_with_citizen
from crm.tickets.case import Case, load, rows_by_table
from crm.tickets.events import TicketActed
from crm.tickets.history import append
from crm.tickets.models import Attachment, StatutoryLimit, Ticket, TypedFields
from crm.tickets.rules import Given, Line, Objection, choose, objections, refusal
from crm.tickets.states import OPEN, Act
from crm.tickets.table import BY_ACT, READS
from crm.tickets.targets import target


@dataclass(frozen=True)
class Done:
    """What came of an act. `changed` is False where there was nothing to do; `result` is the act's own."""

    ticket: Ticket
    seq: int
    changed: bool
    result: Any


@dataclass(frozen=True)
class Offer:
    """An act that a desk may show: what it needs, and what stands against it already."""

    act: Act
    given: type[Given]
    objection: Objection | None
    until: datetime | None = None
    """Until when it is possible (exclusive), where a clock says so."""


async def perform(
    session: AsyncSession,
    actor: Actor,
    ticket_id: UUID,
    version: int,
    act: Act,
    given: Given | Mapping[str, Any] | None = None,
    *,
    origin: str = "desk",
) -> Done:
    """Do `act` on the order as the actor saw it at `version`.

    `given`: the act's model or its raw values; nothing where it needs none. Raises NotFound (also for an order that
    the actor may not know of), Conflict (somebody was faster, or it is not the time), Denied (who), Invalid (what,
    by field); after any of them nothing has happened.
    """
    orders = await several(session, actor, {ticket_id, *_orders(act, given)}, lock=True)
    ticket = one_of(orders, ticket_id)
    if ticket.version != version:
        raise Conflict("order-changed", "工单已被其他人员修改，请刷新后再操作。")
    case = await load(session, actor, ticket, READS[act])
    lines = choose(BY_ACT[act], case)
    read = as_given(lines[0].effect.given, given)
    case.orders = {id: orders[id] for id in read.orders() if id in orders and id != ticket_id}
    await _named(session, case, read)
    line = settle(lines, case, read)
    told = await line.effect.run(session, case, read)
    if told is None:
        return Done(ticket, ticket.version, False, None)
    before, after = dict(told.before), dict(told.after)
    leaves_the_form = line.after is not None and line.after not in OPEN and case.state in OPEN
    if line.after is not None:
        before["state"], after["state"] = ticket.state, line.after
        ticket.state, ticket.state_since = line.after, case.at
    if line.after is not None or case.round is not None:
        ticket.state_due_at = target(case)
    ticket.version += 1
    await append(
        session, ticket, actor, act, origin=origin, article=line.article, reason=told.reason, before=before, after=after
    )
    if leaves_the_form:  # after the order is written: a statement before it would write the order twice
        await session.execute(delete(TypedFields).where(TypedFields.ticket_id == ticket.id))
    await publish(session, TicketActed(ticket_id=ticket.id, seq=ticket.version, act=act))
    return Done(ticket, ticket.version, True, told.result)


async def foresee(
    session: AsyncSession, actor: Actor, ticket: Ticket, act: Act, given: Given | Mapping[str, Any] | None = None
) -> str:
    """What would be said against the act if it were done now; empty when it would go through. Changes nothing."""
    try:
        case = await load(session, actor, ticket, READS[act])
        lines = choose(BY_ACT[act], case)
        read = as_given(lines[0].effect.given, given)
        case.orders = await several(session, actor, {*read.orders()} - {ticket.id}) if read.orders() else {}
        await _named(session, case, read)
        settle(lines, case, read)
    except HotlineError as error:
        return error.message
    return ""


def as_given(model: type[Given], given: Given | Mapping[str, Any] | None) -> Given:
    """The act's input, read and checked by itself. Raises Invalid with the fields."""
    if isinstance(given, model):
        return given
    if isinstance(given, Given):
        raise TypeError(f"the act is given {model.__name__}, not {type(given).__name__}")
    return validate(model, given or {})


def _orders(act: Act, given: Given | Mapping[str, Any] | None) -> list[UUID]:
    """The other orders that the input names, to be locked together with the act's own; none where it is not right."""
    model = BY_ACT[act][0].effect.given
    if model.orders is Given.orders:
        return []
    try:
        return as_given(model, given).orders()
    except Invalid:
        return []


def settle(lines: Sequence[Line], case: Case, given: Given) -> Line:
    """The one line by which the act goes through. Raises what its guards say."""
    for line in lines:
        if line.when is None or line.when[1](case, given):
            if found := objections(line, case, given):
                raise refusal(found)
            return line
    raise LookupError(f"no line of {lines[0].act} answers for this case")


async def _named(session: AsyncSession, case: Case, given: Given) -> None:
    """Everything else that the input names, before the guards look at it."""
    case.units = await _units(session, given)
    if files := given.files():
        own = select(Attachment.id).where(Attachment.id.in_(files), Attachment.ticket_id == case.ticket.id)
        case.files = frozenset(await session.scalars(own))
    if calls := given.calls():
        case.calls = frozenset(calls) & {call.id for call in await calls_with_citizen(session, case.actor, case.ticket)}
    if limits := given.limits():
        found = await session.scalars(select(StatutoryLimit).where(StatutoryLimit.id.in_(limits)))
        case.limits = {limit.id: limit for limit in found}
    if referrals := given.referrals():
        used = select(Referral).where(Referral.id.in_(referrals), Referral.retired_at.is_(None))
        case.referrals = {one.id: one for one in await session.scalars(used)}


async def _units(session: AsyncSession, given: Given) -> dict[UUID, Unit]:
    """The units that were named, and the competent departments of those."""
    wanted = {unit_id for ids in given.units().values() for unit_id in ids}
    if not wanted:
        return {}
    found = {unit.id: unit for unit in await session.scalars(select(Unit).where(Unit.id.in_(wanted)))}
    departments = {unit.competent_unit_id for unit in found.values() if unit.competent_unit_id} - set(found)
    if departments:
        found |= {unit.id: unit for unit in await session.scalars(select(Unit).where(Unit.id.in_(departments)))}
    return found


async def offers(session: AsyncSession, actor: Actor, ticket: Ticket) -> list[Offer]:
    """What the actor may attempt with an order that was read, in the table's order, each with what it needs."""
    case = await load(session, actor, ticket)
    open_lines: dict[Act, list[Line]] = {}
    for act, lines in BY_ACT.items():
        try:
            open_lines[act] = choose(lines, case)
        except (Denied, Conflict):
            continue
    reads = dict.fromkeys(kind for lines in open_lines.values() for line in lines for kind in line.reads)
    case.rows = await rows_by_table(session, ticket.id, list(reads))
    found = []
    for act, chosen in open_lines.items():
        against = objections(chosen[0], case, None)
        line = chosen[0]
        until = line.until(case) if line.until else None
        found.append(Offer(act, line.effect.given, against[0] if against else None, until))
    return found
