"""Opening and ending a round and the units' parts in it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core.calendar import Due, Limit, LimitUnit
from core.db import new_id
from crm.clocks import days_as_json, rules_at
from crm.policy import LimitsPolicy
from crm.tickets.case import Case
from crm.tickets.dues import assist_due
from crm.tickets.models import Assignment, Extension, IdentityRequest, ReturnRequest, Retype, Round
from crm.tickets.states import By, Stage


class Outcome(StrEnum):
    """How a unit's part ended."""

    ACCEPTED = "accepted"
    """Its reply passed."""
    REPLIED = "replied"
    """An assisting unit that answered."""
    UNREPLIED = "unreplied"
    """An assisting unit that did not (第二十八条(一))."""
    NOTED = "noted"
    """A copied department."""
    READ = "read"
    """A unit to which the order went for information, and that has read it."""
    RETURNED = "returned"
    """Its return was accepted: out of its on-time denominators (D10)."""
    RECALLED = "recalled"
    """The round ended for another reason: the lead's return, a refusal."""


def open_round(
    session: AsyncSession, case: Case, kind: str, limit: int | Limit, *, limit_kind: str = "category"
) -> Due:
    """A new round whose 派发之日 is now (D5); the case's present one from here on."""
    rules = rules_at(case.at)
    assert rules is not None  # a guard has seen to it
    ends = rules.due(case.at, limit)
    days = limit.count if isinstance(limit, Limit) and limit.unit is LimitUnit.WORKING_DAY else None
    case.round = Round(
        id=new_id(),
        ticket_id=case.ticket.id,
        n=(case.round.n if case.round else 0) + 1,
        kind=kind,
        dispatched_at=case.at,
        limit_days=limit if isinstance(limit, int) else days,
        limit_kind=limit_kind,
        due_at=ends.at,
        provisional=ends.provisional,
        days=days_as_json(ends),
        policy_version=rules.policy.version,
        calendar_version=rules.calendar.version,
    )
    session.add(case.round)
    case.parts = []
    ticket = case.ticket
    ticket.first_dispatched_at = ticket.first_dispatched_at or case.at
    ticket.due_at, ticket.provisional, ticket.overdue_at = case.due_at, ends.provisional, None
    return ends


KEPT = (
    *("dispatched_at", "limit_days", "limit_kind", "statutory_limit_id"),
    *("due_at", "provisional", "days", "policy_version", "calendar_version"),
)
"""Of a round whose clock runs on in the next."""


def continue_round(session: AsyncSession, case: Case) -> datetime | None:
    """The order goes out again on the clock of the round that ended: 派发之日, limit and due stay (D10)."""
    old, ticket = case.handling, case.ticket
    values = {name: getattr(old, name) for name in KEPT}
    case.round = Round(id=new_id(), ticket_id=ticket.id, n=old.n + 1, kind="redispatch", **values)
    session.add(case.round)
    case.parts = []
    ticket.due_at, ticket.provisional = case.due_at, old.provisional
    return case.due_at


def add_part(session: AsyncSession, case: Case, unit_id: UUID, by: By, basis: str) -> Assignment:
    """A unit's part in the present round, with the clocks of its role (D6, D29)."""
    made = case.handling
    sign: datetime | None = case.rules.due(case.at, case.policy[LimitsPolicy].sign).at
    ends = assist_due(case) if by is By.ASSIST else case.due_at
    if by is By.COPY:
        sign = ends = None
    part = Assignment(
        id=new_id(),
        ticket_id=case.ticket.id,
        round_id=made.id,
        round=made,
        unit_id=unit_id,
        role=by,
        basis=basis,
        stage=Stage.HANDLING if by is By.COPY else Stage.TO_SIGN,
        dispatched_at=case.at,
        dispatched_by=case.actor.user_id,
        sign_due_at=sign,
        due_at=ends,
    )
    session.add(part)
    case.parts.append(part)
    if by is By.LEAD:
        case.ticket.lead_unit_id = unit_id
    return part


def end_part(case: Case, part: Assignment, outcome: Outcome) -> None:
    """The part is over."""
    part.stage, part.closed_at, part.outcome = Stage.CLOSED, case.at, outcome


def end_round(case: Case, lead: Outcome, reason: str) -> None:
    """The present round is over, and with it every part that is still open and everything that waits in it."""
    _void_waiting(case, reason)
    for part in case.open_parts:
        if part.role == By.LEAD:
            end_part(case, part, lead)
        elif part.role == By.COPY:
            end_part(case, part, Outcome.NOTED)
        elif lead is Outcome.ACCEPTED:
            end_part(case, part, Outcome.REPLIED if part.submitted_at else Outcome.UNREPLIED)
        else:
            end_part(case, part, Outcome.RECALLED)
    case.handling.closed_at = case.at


WAITING = frozenset({"open", "forwarded", "disputed", "proposed"})
REQUESTS: tuple[type[Any], ...] = (ReturnRequest, Extension, Retype, IdentityRequest)
"""What may wait for a decision while a round is open; the line of an act that ends one reads them."""


def _void_waiting(case: Case, reason: str) -> None:
    """What nobody decided falls away with what it was asked for."""
    for kind in REQUESTS:
        for row in case.rows[kind]:
            if row.state in WAITING:
                row.state = "void"
                if not isinstance(row, Retype):
                    row.reason, row.decided_at = reason, case.at
    case.ticket.extension_pending = False
