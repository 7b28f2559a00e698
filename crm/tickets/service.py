"""Commands on orders: open, propose, correct, confirm, drop. Each locks the ticket first, then checks its version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import SYSTEM, Actor
from core.clock import local, now
from core.db import among, new_id
from core.live import hint
from core.locks import lock
from core.rows import insert_rows
from crm.citizens.service import known
from crm.clocks import present_rules
from crm.county.categories import Category
from crm.installed import installed
from crm.policy import OrdersPolicy
from crm.procedure import TargetsPolicy
from crm.tickets.acts.intake import FILLED
from crm.tickets.history import entry, write
from crm.tickets.input import Correction
from crm.tickets.models import Ticket
from crm.tickets.numbers import new_code, next_numbers
from crm.tickets.perform import perform
from crm.tickets.spoken import SpokenState, spoken_state
from crm.tickets.states import Act, State

TICKETS = cast(Table, Ticket.__table__)


UNWRITTEN: dict[str, Any] = {"category": None, "matter": None, "area": None, "confidential": False}
UNWRITTEN |= {"title": "", "content": "", "address": "", "occurred": "", "subject": "", "demand": ""}
"""What nobody has written yet: rows of one statement have the same columns."""


@dataclass(frozen=True)
class Opening:
    """What is known when an order begins. `source`: `phone`, `message`, or a channel without a call, whose person
    has written `given` already."""

    source: str
    call_id: UUID | None = None
    phone: str | None = None
    original_hotline: str | None = None
    agent_id: UUID | None = None
    at: datetime | None = None
    given: Correction | None = None
    origin: str = "call"
    upstream_number: str | None = None
    upstream_due_at: datetime | None = None
    example: bool = False


async def open_draft(session: AsyncSession, opening: Opening, actor: Actor = SYSTEM) -> Ticket:
    """同步形成工单 (第十二条(一)): the draft of this call, made once however often it is asked for."""
    [ticket_id] = await open_drafts(session, [opening], actor)
    return await session.get_one(Ticket, ticket_id)


async def open_drafts(session: AsyncSession, openings: Sequence[Opening], actor: Actor = SYSTEM) -> list[UUID]:
    """The ids of the drafts of several calls at once, in their order: as many statements as one takes."""
    calls = {opening.call_id: opening for opening in openings if opening.call_id is not None}
    made: dict[UUID, UUID] = {}
    if calls:
        await lock(session, *(f"draft:{call_id}" for call_id in calls))
        existing = await session.execute(
            select(TICKETS.c.id, TICKETS.c.call_id, TICKETS.c.opened_by).where(among(TICKETS.c.call_id, calls))
        )
        for ticket_id, call_id, opened_by in existing:
            made[call_id] = ticket_id
            if opened_by is None and (agent_id := calls[call_id].agent_id):
                await session.execute(update(Ticket).where(Ticket.id == ticket_id).values(opened_by=agent_id))
    missing = [opening for opening in openings if opening.call_id is None or opening.call_id not in made]
    fresh = await _open(session, missing, actor)
    made |= {opening.call_id: id for opening, id in zip(missing, fresh, strict=True) if opening.call_id is not None}
    rest = iter(id for opening, id in zip(missing, fresh, strict=True) if opening.call_id is None)
    return [next(rest) if opening.call_id is None else made[opening.call_id] for opening in openings]


async def _open(session: AsyncSession, openings: Sequence[Opening], actor: Actor) -> list[UUID]:
    if not openings:
        return []
    policy = installed().policy[OrdersPolicy]
    citizens = await known(session, *(opening.phone for opening in openings if opening.phone))
    moments = [opening.at or now() for opening in openings]
    owed = timedelta(minutes=installed().policy[TargetsPolicy].draft_minutes)
    numbers = await next_numbers(session, policy, [local(at).date() for at in moments])
    rules = present_rules(now())
    tickets: list[dict[str, Any]] = []
    for opening, at, number in zip(openings, moments, numbers, strict=True):
        citizen = citizens.get(opening.phone) if opening.phone else None
        given = given_of(opening)
        tickets.append(
            {
                "id": new_id(),
                "number": number,
                "query_code": new_code(policy),
                "state": State.DRAFT,
                "version": 1,
                "source": opening.source,
                "call_id": opening.call_id,
                "original_hotline": opening.original_hotline,
                "citizen_id": citizen.id if citizen else None,
                "caller_phone": opening.phone,
                "caller_name": citizen.name if citizen else None,
                "anonymous": opening.phone is None,
                "opened_at": at,
                "state_since": at,
                "state_due_at": at + owed,
                "opened_by": opening.agent_id,
                "sealed": given.get("category") == Category.REPORT,
                "upstream_number": opening.upstream_number,
                "upstream_due_at": opening.upstream_due_at,
                "due_at": rules.held_to(None, opening.upstream_due_at),
                "example": opening.example,
            }
            | UNWRITTEN
            | given
        )
    await insert_rows(session, TICKETS, tickets)
    stories = []
    for ticket, opening in zip(tickets, openings, strict=True):
        after = {name: ticket[name] for name in ("number", "source", "original_hotline")} | given_of(opening)
        if opening.upstream_number:
            after["upstream_number"] = opening.upstream_number
        story = entry(ticket["id"], 1, actor, Act.OPEN, origin=opening.origin, article="第十二条(一)", after=after)
        stories.append(story)
    await write(session, stories)
    return [ticket["id"] for ticket in tickets]


def given_of(opening: Opening) -> dict[str, Any]:
    """The fields that came with the opening; none where a call was opened."""
    return opening.given.given() if opening.given else {}


async def of_call(session: AsyncSession, call_id: UUID, *, for_update: bool = False) -> Ticket | None:
    """The order of a call."""
    wanted = select(Ticket).where(Ticket.call_id == call_id)
    if for_update:
        wanted = wanted.with_for_update(key_share=True).execution_options(populate_existing=True)
    found: Ticket | None = await session.scalar(wanted)
    return found


async def propose(session: AsyncSession, ticket: Ticket, proposals: dict[str, dict[str, Any]]) -> bool:
    """Replace the machine's proposals of a locked draft, and fill what no person decided -> whether anything changed.

    No version and no event: the machine states nothing, and a person's edit must not fail for it.
    """
    if ticket.state != State.DRAFT or ticket.proposals == proposals:
        return False
    ticket.proposals = proposals
    for name in FILLED:
        if name in ticket.accepted or name not in proposals:
            continue
        value: Any = proposals[name]["value"]
        if name == "caller_name" and ticket.caller_name:
            continue
        setattr(ticket, name, value == "true" if name == "confidential" else value)
    ticket.sealed = ticket.category == Category.REPORT
    await session.flush()
    hint(session, "order", ticket.id)
    return True


async def correct(
    session: AsyncSession, actor: Actor, ticket_id: UUID, version: int, correction: Correction, *, origin: str = "desk"
) -> Ticket:
    """A person decides fields; what is given counts as accepted even where it equals the proposal."""
    return (await perform(session, actor, ticket_id, version, Act.CORRECT, correction, origin=origin)).ticket


async def confirm(session: AsyncSession, actor: Actor, ticket_id: UUID, version: int) -> Ticket:
    """The agent stands for the order's words; it now waits for its dispatch (待派单)."""
    return (await perform(session, actor, ticket_id, version, Act.CONFIRM)).ticket


async def void(session: AsyncSession, actor: Actor, ticket_id: UUID, version: int, ground: str) -> Ticket:
    """无效呼叫: wrong number, silence, nothing asked; `ground` as the policy lists it."""
    return (await perform(session, actor, ticket_id, version, Act.VOID, {"void_ground": ground})).ticket


__all__ = [
    "Opening",
    "SpokenState",
    "confirm",
    "correct",
    "of_call",
    "open_draft",
    "open_drafts",
    "propose",
    "spoken_state",
    "void",
]
