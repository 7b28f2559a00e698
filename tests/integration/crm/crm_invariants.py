"""What is true of all orders at all times (requirements 2.3), asked of the tables as they are."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm.clocks import rules_of
from crm.tickets.models import (
    Assignment,
    Dispute,
    DueChange,
    Extension,
    IdentityRequest,
    Refusal,
    ReturnRequest,
    Retype,
    Round,
    SupervisionCandidate,
    Ticket,
    TicketEvent,
)
from crm.tickets.states import ENDS, OPEN, WITH_UNITS, Act, By, Stage, State
from crm.tickets.table import BY_ACT

CAUSES = {"calendar", "retype", "upgrade", "extension", "statutory", "compensation", "suspension"}
AWAY = {"returned", "recalled"}
WAITING = {"open", "forwarded", "disputed", "proposed"}
KINDS: tuple[type[Any], ...] = (
    Round,
    Assignment,
    DueChange,
    Extension,
    ReturnRequest,
    Retype,
    IdentityRequest,
    Dispute,
    Refusal,
    SupervisionCandidate,
    TicketEvent,
)
STAGES = {
    State.DISPATCHED: Stage.TO_SIGN,
    State.HANDLING: Stage.HANDLING,
    State.RETURNING: Stage.RETURNING,
    State.DISPUTED: Stage.RETURNING,
    State.CHECKING: Stage.SUBMITTED,
}
"""Where the lead's part stands in each state with units."""


async def broken(session: AsyncSession) -> list[str]:
    """Every invariant that some order breaks, in words; none is as it should be."""
    tickets = list(await session.scalars(select(Ticket)))
    rows: dict[type, dict[UUID, list[Any]]] = {}
    for kind in KINDS:
        rows[kind] = defaultdict(list)
        for row in await session.scalars(select(kind).order_by(kind.id)):
            rows[kind][row.ticket_id].append(row)
    found = []
    for ticket in tickets:
        of = {kind: by_ticket[ticket.id] for kind, by_ticket in rows.items()}
        for check in (_one_lead, _dues, _archive, _order_of_time, _owner_and_timer, _waiting, _history):
            found += [f"{check.__name__} {ticket.number} ({ticket.state}): {what}" for what in check(ticket, of)]
    return found + list(_sums(tickets, rows))


def _one_lead(ticket: Ticket, of: dict[type, list[Any]]) -> Iterator[str]:
    """(1) Exactly one open lead in each open round, one open round in each state with units, none elsewhere."""
    for part in of[Assignment]:
        if (part.role == By.READER) != (part.round_id is None) or (part.role == By.READER and part.due_at is not None):
            yield f"part {part.role} is of round {part.round_id}, due {part.due_at}"
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
            if part.role == By.LEAD and part.closed_at is None and part.stage != STAGES.get(State(ticket.state)):
                yield f"the lead's part is {part.stage}"


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
    if any(one.state == "open" for one in waiting) and ticket.state not in BY_ACT[Act.DISMISS_CANDIDATE][0].before:
        yield "a candidate waits where nobody can decide it"


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


def _owner_and_timer(ticket: Ticket, of: dict[type, list[Any]]) -> Iterator[str]:
    """(5) A state has an owner and a timer, or is an end."""
    state = State(ticket.state)
    if (ticket.state_due_at is None) != (state in ENDS):
        yield f"timer {ticket.state_due_at}"
    [lead] = [part for part in of[Assignment] if part.role == By.LEAD and part.closed_at is None] or [None]
    runs = {State.DISPATCHED: lead and lead.sign_due_at, State.HANDLING: lead and lead.due_at}
    if state in runs and ticket.state_due_at != runs[state]:
        yield f"timer {ticket.state_due_at}, the lead owes it until {runs[state]}"


def _waiting(ticket: Ticket, of: dict[type, list[Any]]) -> Iterator[str]:
    """What waits for a decision waits in a round, a part, a state in which it can be decided; else it has ended."""
    state = State(ticket.state)
    open_rounds = {made.id for made in of[Round] if made.closed_at is None}
    open_parts = {part.id: part for part in of[Assignment] if part.closed_at is None}
    for kind, key, there in (
        *((kind, "assignment_id", set(open_parts)) for kind in (ReturnRequest, Extension, IdentityRequest)),
        *((kind, "round_id", open_rounds) for kind in (Retype, ReturnRequest, Extension)),
    ):
        if any(one.state in WAITING and getattr(one, key) not in there for one in of[kind]):
            yield f"{kind.__name__} waits although its {key.removesuffix('_id')} has ended"
    if ticket.extension_pending != any(one.state in WAITING for one in of[Extension]):
        yield "the flag of a waiting extension is wrong"
    asked = {one.assignment_id: one.state for one in of[ReturnRequest] if one.state in WAITING}
    for part in open_parts.values():
        called = state is State.DISPUTED and part.role == By.LEAD  # a person called the meeting, nobody asked
        if (part.stage == Stage.RETURNING) != (part.id in asked) and not (called and part.id not in asked):
            yield f"part {part.role} is {part.stage}, its return {asked.get(part.id)}"
        if part.role == By.LEAD and part.id in asked and (asked[part.id] == "disputed") != (state is State.DISPUTED):
            yield f"the lead's return is {asked[part.id]}"
    if any(one.closed_at is None for one in of[Dispute]) != (state is State.DISPUTED):
        yield "dispute and state do not fit"
    if any(one.state == "proposed" for one in of[Refusal]) and state not in OPEN:
        yield "a refusal waits for its second person"


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
    yield from _reports(tickets, rows)


def _reports(tickets: list[Ticket], rows: dict[type, dict[UUID, list[Any]]]) -> Iterator[str]:
    """An order counts itself, what was merged into it, what it repeats, and what those stand for: each once.

    What joins a repeated order afterwards is no earlier report: so the count lies between what is certain and all.
    """
    by_number = {ticket.number: ticket.id for ticket in tickets}
    merged: dict[UUID, list[UUID]] = defaultdict(list)
    repeated: dict[UUID, list[UUID]] = defaultdict(list)
    for ticket in tickets:
        if ticket.master_id is not None:
            merged[ticket.master_id].append(ticket.id)
        for event in rows[TicketEvent][ticket.id]:
            if event.act == "repeat":
                repeated[ticket.id].append(by_number[event.after["repeat_of"]])
    for ticket in tickets:
        least, most = len(_linked(ticket.id, merged)), len(_linked(ticket.id, merged, repeated))
        least += ticket.repeat_of is not None and ticket.repeat_of not in _linked(ticket.id, merged)
        if not least <= ticket.report_count <= most:
            yield f"{ticket.number} counts {ticket.report_count} reports, there are {least} to {most}"


def _linked(start: UUID, *ways: dict[UUID, list[UUID]]) -> set[UUID]:
    """Everything that can be reached."""
    seen, left = {start}, [start]
    while left:
        there = left.pop()
        fresh: Iterable[UUID] = {one for way in ways for one in way.get(there, ())} - seen
        seen |= set(fresh)
        left += fresh
    return seen
