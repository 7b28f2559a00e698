"""Cases without a database: an order in any state, and people who stand anywhere to it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from core.actor import Actor
from core.db import new_id
from core.permissions import Role
from crm.installed import installed
from crm.tickets.case import Case
from crm.tickets.models import Assignment, Round, Ticket
from crm.tickets.states import By, Stage, State
from crm.tickets.table import BY_ACT

MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
UNITS: dict[By, UUID] = {by: new_id() for by in By if by not in (By.CENTRE, By.CHANNEL)}
STRANGER = new_id()
UNIT_ROLES = frozenset({Role.UNIT_CLERK, Role.UNIT_LEADER})
STAGES = {
    State.DISPATCHED: Stage.TO_SIGN,
    State.HANDLING: Stage.HANDLING,
    State.RETURNING: Stage.RETURNING,
    State.DISPUTED: Stage.RETURNING,
    State.CHECKING: Stage.SUBMITTED,
}
"""Where the lead's part stands in a state; in others it has ended."""
TOLD = frozenset({State.SHARED, State.ARCHIVED})
"""Where a unit to which the order went for information has a part, and no other has."""


def people() -> Iterator[tuple[Role, By | None, Actor]]:
    """Every role, standing wherever its kind may stand."""
    for role in Role:
        if role not in UNIT_ROLES:
            yield role, By.CENTRE, Actor(new_id(), role.label, frozenset({role}))
            continue
        for by, unit in UNITS.items():
            yield role, by, Actor(new_id(), f"{role.label}（{by.label}）", frozenset({role}), unit)
        yield role, None, Actor(new_id(), "外单位", frozenset({role}), STRANGER)


def case(state: State, actor: Actor, *, stage: Stage | None = None, **fields: Any) -> Case:
    """An order of 投诉 in `state`, dispatched to a unit of every role; `stage`: where the other units stand."""
    ticket = Ticket(id=new_id(), state=state, version=3, category="complaint", title="占道", content="每天占道")
    ticket.address, ticket.anonymous, ticket.sealed, ticket.supervision_level = "", False, False, 0
    ticket.caller_phone, ticket.caller_name, ticket.extensions, ticket.returns = None, None, 0, 0
    ticket.extension_pending, ticket.state_since, ticket.hard, ticket.report_count = False, MONDAY, False, 1
    for name, value in fields.items():
        setattr(ticket, name, value)
    made = Case(ticket, actor, MONDAY + timedelta(hours=5))
    if state in STAGES:
        made.round = Round(id=new_id(), ticket_id=ticket.id, n=1, kind="first", limit_days=10, dispatched_at=MONDAY)
        made.round.due_at = datetime(2026, 12, 7, 16, 0, tzinfo=UTC)
        made.round.policy_version = installed().policy.version
        made.round.provisional, made.round.limit_kind = False, "category"
        for by, unit in UNITS.items():
            if by is By.READER:
                continue
            lead = by is By.LEAD
            part = Assignment(id=new_id(), ticket_id=ticket.id, round_id=made.round.id, unit_id=unit, role=by)
            part.stage = STAGES[state] if lead or stage is None else stage
            part.dispatched_at, part.due_at, part.sent_back = MONDAY, made.round.due_at, 0
            part.signed_at = None if part.stage == Stage.TO_SIGN else MONDAY + timedelta(hours=1)
            made.parts.append(part)
    if state in TOLD:
        part = Assignment(id=new_id(), ticket_id=ticket.id, unit_id=UNITS[By.READER], role=By.READER)
        part.stage = Stage.HANDLING if stage is None else stage
        made.parts.append(part)
    for lines in BY_ACT.values():
        for line in lines:
            for kind in line.reads:
                made.rows.setdefault(kind, [])
    return made
