"""派单: order to units, clocks, history and SMS, all in one transaction (第十二条(二), 第十三条)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.calendar import Due
from core.clock import now
from core.errors import Invalid
from core.events import publish
from core.identity.models import Unit
from crm.clocks import Rules, days_as_json, rules_at
from crm.county.categories import Category
from crm.county.data import UnitKind
from crm.installed import installed
from crm.policy import LimitsPolicy, SmsPolicy
from crm.sms.models import Sms
from crm.sms.rules import SmsState
from crm.sms.service import queue_receipt
from crm.sms.text import receipt
from crm.tickets.events import TicketDispatched
from crm.tickets.history import append
from crm.tickets.models import Assignment, Round, Ticket
from crm.tickets.rules import Act, State, decide
from crm.tickets.service import at_version, facts_of, remember_caller, summary

LONGEST_BASIS = 200
MAX_ASSIST = 10
ASSIST_EARLIER_FROM_DAYS = 5
"""D29: with a limit of five days or more an assisting unit has one working day less than the lead."""


@dataclass(frozen=True)
class Order:
    """What the dispatcher decides. `basis`: why these units; empty takes the catalogue's, if it says the same."""

    lead_unit_id: UUID | None
    assist_unit_ids: tuple[UUID, ...] = ()
    basis: str = ""
    identity_checked: bool = False


@dataclass(frozen=True)
class Dispatched:
    """What came of it. `say` is what the agent must tell by voice when no SMS can reach the caller."""

    ticket: Ticket
    due: Due
    sms: Sms
    say: str | None


async def dispatch(session: AsyncSession, actor: Actor, ticket_id: UUID, version: int, order: Order) -> Dispatched:
    """Dispatch a draft or confirmed order. Raises Conflict when somebody acted first, Invalid with its fields."""
    ticket = await at_version(session, actor, ticket_id, version)
    units = await _units(session, order)
    lead = units.get(order.lead_unit_id) if order.lead_unit_id else None
    facts = facts_of(
        ticket,
        identity_checked=order.identity_checked,
        lead_named=lead is not None,
        accused_leads=lead is not None and ticket.sealed and _is_named(lead.code, f"{ticket.title}{ticket.content}"),
    )
    transition = decide(actor, State(ticket.state), Act.DISPATCH, facts)
    assert lead is not None  # the guards have seen to both
    assert facts.category is not None
    assists = [units[unit_id] for unit_id in dict.fromkeys(order.assist_unit_ids) if unit_id != lead.id]
    basis = _basis(ticket, lead, order.basis)
    at = now()
    rules = rules_at(at)
    if rules is None:
        raise Invalid("before-regulation", "本办法施行之前不能派发工单（第三十二条）。")
    row, ends, limit = await _round(session, ticket, facts.category, rules, at)
    _assign(session, ticket, row, actor, lead, assists, basis, limit, rules)
    ticket.state = State.DISPATCHED
    ticket.version += 1
    ticket.first_dispatched_at = ticket.first_dispatched_at or row.dispatched_at
    ticket.due_at, ticket.lead_unit_id = row.due_at, lead.id
    await remember_caller(session, ticket)
    after = summary(ticket) | {
        "round": row.n,
        "lead": lead.name,
        "assist": [unit.name for unit in assists],
        "basis": basis,
        "limit_days": limit,
        "due_at": ends.at.isoformat(),
        "provisional": ends.provisional,
        "identity_checked": order.identity_checked,
    }
    await append(session, ticket, actor, Act.DISPATCH, origin="desk", article=transition.article, after=after)
    sms = await _receipt(session, ticket)
    await publish(session, TicketDispatched(ticket_id=ticket.id, round_id=row.id))
    say = f"{sms.reason}：{ticket.number}，查询码 {ticket.query_code}。"
    return Dispatched(ticket, ends, sms, say if sms.state == SmsState.NOT_APPLICABLE else None)


async def _units(session: AsyncSession, order: Order) -> dict[UUID, Unit]:
    if len(order.assist_unit_ids) > MAX_ASSIST:
        raise Invalid("too-many-units", f"协办单位不超过{MAX_ASSIST}个。", fields={"assist_units": "协办单位过多"})
    if len(order.basis) > LONGEST_BASIS:
        raise Invalid("basis-too-long", f"派单依据不超过{LONGEST_BASIS}字。", fields={"basis": "派单依据过长"})
    wanted = {*order.assist_unit_ids, *({order.lead_unit_id} if order.lead_unit_id else set())}
    found = await session.scalars(select(Unit).where(Unit.id.in_(wanted)))
    units = {unit.id: unit for unit in found}
    for unit_id in wanted:
        field = "lead_unit" if unit_id == order.lead_unit_id else "assist_units"
        unit = units.get(unit_id)
        if unit is None or not unit.active:
            raise Invalid("no-such-unit", "承办单位不存在或已停用。", fields={field: "单位不存在或已停用"})
        if unit.kind == UnitKind.ENTERPRISE and unit.competent_unit_id is None:
            sentence = f"{unit.name}未登记主管部门，不能派单（第五条）。"
            raise Invalid("no-competent-unit", sentence, fields={field: "未登记主管部门"})
    return units


async def _round(
    session: AsyncSession, ticket: Ticket, category: Category, rules: Rules, at: datetime
) -> tuple[Round, Due, int]:
    limit = rules.policy[LimitsPolicy].of(category)
    ends = rules.due(at, limit)
    last = await session.scalar(select(func.max(Round.n)).where(Round.ticket_id == ticket.id))
    row = Round(
        ticket_id=ticket.id,
        n=(last or 0) + 1,
        kind="rework" if last else "first",
        dispatched_at=at,
        limit_days=limit,
        due_at=ends.at,
        provisional=ends.provisional,
        days=days_as_json(ends),
        policy_version=rules.policy.version,
        calendar_version=rules.calendar.version,
    )
    session.add(row)
    await session.flush()
    return row, ends, limit


def _assign(
    session: AsyncSession,
    ticket: Ticket,
    row: Round,
    actor: Actor,
    lead: Unit,
    assists: Sequence[Unit],
    basis: str,
    limit: int,
    rules: Rules,
) -> None:
    sign = rules.due(row.dispatched_at, rules.policy[LimitsPolicy].sign).at
    earlier = limit - 1 if limit >= ASSIST_EARLIER_FROM_DAYS else limit
    assist_due = rules.due(row.dispatched_at, earlier).at

    def add(unit_id: UUID, role: str, why: str, sign_due: Any, ends: Any) -> None:
        session.add(
            Assignment(
                ticket_id=ticket.id,
                round_id=row.id,
                unit_id=unit_id,
                role=role,
                basis=why,
                dispatched_at=row.dispatched_at,
                dispatched_by=actor.user_id,
                sign_due_at=sign_due,
                due_at=ends,
            )
        )

    add(lead.id, "lead", basis, sign, row.due_at)
    for unit in assists:
        add(unit.id, "assist", basis, sign, assist_due)
    copies = {unit.competent_unit_id for unit in (lead, *assists)} - {None, lead.id, *(unit.id for unit in assists)}
    for unit_id in copies:
        assert unit_id is not None
        add(unit_id, "copy", "第五条：主管部门应切实履行管理职责", None, None)


def _basis(ticket: Ticket, lead: Unit, given: str) -> str:
    """第十九条: every dispatch cites the catalogue's line or the centre's decision."""
    if given.strip():
        return given.strip()
    route = installed().catalogue.route(ticket.matter, ticket.area)
    return route.basis if route.lead == lead.code else "热线中心指定（第十九条）"


def _is_named(code: str, words: str) -> bool:
    unit = installed().county.units.get(code)
    return unit is not None and any(name in words for name in (unit.name, *unit.aliases))


async def _receipt(session: AsyncSession, ticket: Ticket) -> Sms:
    words = receipt(
        installed().policy[SmsPolicy],
        number=ticket.number,
        code=ticket.query_code,
        never=tuple(part for part in (ticket.title, ticket.address, ticket.caller_name or "") if part),
    )
    return await queue_receipt(
        session, ticket_id=ticket.id, to=ticket.caller_phone, anonymous=ticket.anonymous, text=words
    )
