"""What is true of all orders at all times (requirements 2.3), asked of the tables as they are."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm.clocks import rules_of
from crm.tickets.models import (
    Assignment,
    DueChange,
    Extension,
    ReturnRequest,
    Round,
    SupervisionCandidate,
    Ticket,
    TicketEvent,
)
from crm.tickets.states import ENDS, WITH_UNITS, By, Stage, State

CAUSES = {"calendar", "retype", "upgrade", "extension", "statutory", "compensation", "suspension"}
AWAY = {"returned", "recalled"}


async def broken(session: AsyncSession) -> list[str]:
    """Every invariant that some order breaks, in words; none is as it should be."""
    tickets = list(await session.scalars(select(Ticket)))
    rows: dict[type, dict[UUID, list[Any]]] = {}
    for kind in (Round, Assignment, DueChange, Extension, ReturnRequest, SupervisionCandidate, TicketEvent):
        rows[kind] = defaultdict(list)
        for row in await session.scalars(select(kind).order_by(kind.id)):
            rows[kind][row.ticket_id].append(row)
    found = []
    for ticket in tickets:
        of = {kind: by_ticket[ticket.id] for kind, by_ticket in rows.items()}
        for check in (_one_lead, _dues, _archive, _order_of_time, _owner_and_timer, _history):
            found += [f"{check.__name__} {ticket.number} ({ticket.state}): {what}" for what in check(ticket, of)]
    return found + list(_sums(tickets, rows))


def _one_lead(ticket: Ticket, of: dict[type, list[Any]]) -> Iterator[str]:
    """(1) Exactly one open lead in each open round, one open round in each state with units, none elsewhere."""
    open_rounds = [one for one in of[Round] if one.closed_at is None]
    if len(open_rounds) != (State(ticket.state) in WITH_UNITS):
        yield f"{len(open_rounds)} open rounds"
    for made in of[Round]:
        parts = [part for part in of[Assignment] if part.round_id == made.id]
        leads = [part for part in parts if part.role == By.LEAD and part.closed_at is None]
        if len(leads) != (made.closed_at is None):
            yield f"round {made.n} has {len(leads)} open leads"
        if made.closed_at is not None and any(part.closed_at is None for part in parts):
            yield f"round {made.n} ended and left a part"
        for part in parts:
            if (part.closed_at is not None) != (part.stage == Stage.CLOSED) or (part.outcome is None) != (
                part.closed_at is None
            ):
                yield f"part {part.role} is {part.stage}, ended {part.closed_at}, outcome {part.outcome}"


def _dues(ticket: Ticket, of: dict[type, list[Any]]) -> Iterator[str]:
    """(2) Every due is where its dispatch and its rows of changes put it, and each row has its event."""
    seqs = {event.seq: event for event in of[TicketEvent]}
    opened = [event for event in of[TicketEvent] if event.act in {"dispatch", "settle", "rework"}]
    for made, event in zip(of[Round], opened, strict=True):
        due = datetime.fromisoformat(event.after["due_at"])
        for change in (one for one in of[DueChange] if one.round_id == made.id and one.assignment_id is None):
            if change.before != due or change.cause not in CAUSES or change.seq not in seqs:
                yield f"round {made.n}: change {change.cause} from {change.before}, was {due}"
            due = change.after
        if made.due_at != due:
            yield f"round {made.n} is due {made.due_at}, rows say {due}"
        held = rules_of(made.policy_version).held_to(due, ticket.upstream_due_at, made.dispatched_at)
        for part in of[Assignment]:
            if part.closed_at is None and part.round_id == made.id and part.role == By.LEAD and part.due_at != held:
                yield f"lead of round {made.n} is due {part.due_at}, it is held to {held}"
        if made.closed_at is None and ticket.due_at != held:
            yield f"the order's copy is {ticket.due_at}, it is held to {held}"


def _archive(ticket: Ticket, of: dict[type, list[Any]]) -> Iterator[str]:
    """(3) Nothing under supervision is archived."""
    waiting = [one for one in of[SupervisionCandidate] if one.state in {"open", "confirmed"}]
    if ticket.state == State.ARCHIVED and waiting:
        yield "archived under supervision"


def _order_of_time(ticket: Ticket, of: dict[type, list[Any]]) -> Iterator[str]:
    """(4) 签收 after 派发, 退回 after 签收, 延期 before the due."""
    for part in of[Assignment]:
        if part.signed_at is not None and part.signed_at < part.dispatched_at:
            yield "signed before it was dispatched"
        asked = [one for one in of[ReturnRequest] if one.assignment_id == part.id]
        if any(part.signed_at is None or one.requested_at < part.signed_at for one in asked):
            yield "returned before it was signed"
        if any(one.requested_at >= one.window_ends_at and not one.late for one in asked):
            yield "returned after its window"
    if any(one.applied_at >= one.due_before for one in of[Extension]):
        yield "extended after its due"
    if sum(not one.exceptional and one.state == "granted" for one in of[Extension]) > 1:
        yield "extended twice"
    if ticket.extension_pending != any(one.state == "open" for one in of[Extension]):
        yield "the flag of a waiting extension is wrong"


def _owner_and_timer(ticket: Ticket, of: dict[type, list[Any]]) -> Iterator[str]:
    """(5) A state has an owner and a timer, or is an end."""
    state = State(ticket.state)
    if (ticket.state_due_at is None) != (state in ENDS):
        yield f"timer {ticket.state_due_at}"


def _history(ticket: Ticket, of: dict[type, list[Any]]) -> Iterator[str]:
    """One event for each act, without gaps, and together they lead to the state."""
    events = sorted(of[TicketEvent], key=lambda event: event.seq)
    if [event.seq for event in events] != list(range(1, ticket.version + 1)):
        yield f"events {[event.seq for event in events]} at version {ticket.version}"
    state: str = State.DRAFT
    for event in events:
        if "state" in event.after:
            if event.before["state"] != state:
                yield f"event {event.seq} leaves {event.before['state']}, the order was {state}"
            state = event.after["state"]
    if state != ticket.state:
        yield f"its history leads to {state}"


def _sums(tickets: list[Ticket], rows: dict[type, dict[UUID, list[Any]]]) -> Iterator[str]:
    """(6) What units have, without what they returned, is what there is."""
    by_unit: Counter[UUID] = Counter()
    gone = set()
    for part in (part for parts in rows[Assignment].values() for part in parts if part.role == By.LEAD):
        if part.outcome in AWAY:
            gone.add(part.round_id)
        else:
            by_unit[part.unit_id] += 1
    there = [made for rounds in rows[Round].values() for made in rounds if made.id not in gone]
    if by_unit.total() != len(there):
        yield f"units have {by_unit.total()} handlings, there are {len(there)}"
    reports = sum(ticket.master_id is not None for ticket in tickets)
    counted = sum(ticket.report_count - 1 for ticket in tickets if ticket.repeat_of is None)
    if counted != reports:
        yield f"{reports} orders are merged, masters count {counted}"
