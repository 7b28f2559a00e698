"""Commands on orders: open, propose, correct, confirm, drop. Each locks the ticket first, then checks its version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import SYSTEM, Actor
from core.clock import local, now
from core.db import among
from core.errors import Conflict, Invalid
from core.live import hint
from core.locks import lock
from crm.citizens.service import known, remember
from crm.county.categories import Category
from crm.installed import installed
from crm.policy import OrdersPolicy
from crm.tickets.access import get
from crm.tickets.history import add, append
from crm.tickets.identity import traces
from crm.tickets.input import Correction
from crm.tickets.models import Ticket
from crm.tickets.numbers import new_code, next_numbers
from crm.tickets.rules import Act, Facts, State, decide
from crm.tickets.spoken import SpokenState, spoken_state


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


async def open_draft(session: AsyncSession, opening: Opening, actor: Actor = SYSTEM) -> Ticket:
    """同步形成工单 (第十二条(一)): the draft of this call, made once however often it is asked for."""
    [ticket] = await open_drafts(session, [opening], actor)
    return ticket


async def open_drafts(session: AsyncSession, openings: Sequence[Opening], actor: Actor = SYSTEM) -> list[Ticket]:
    """The drafts of several calls at once, in their order: as many statements as one takes."""
    calls = {opening.call_id: opening for opening in openings if opening.call_id is not None}
    await lock(session, *(f"draft:{call_id}" for call_id in calls))
    existing = await session.scalars(select(Ticket).where(among(Ticket.call_id, calls)))
    made = {ticket.call_id: ticket for ticket in existing} if calls else {}
    for call_id, ticket in made.items():
        if ticket.opened_by is None and call_id is not None:
            ticket.opened_by = calls[call_id].agent_id
    missing = [opening for opening in openings if opening.call_id is None or opening.call_id not in made]
    fresh = await _open(session, missing, actor)
    made |= {ticket.call_id: ticket for ticket in fresh if ticket.call_id is not None}
    rest = iter(ticket for ticket in fresh if ticket.call_id is None)
    return [next(rest) if opening.call_id is None else made[opening.call_id] for opening in openings]


async def _open(session: AsyncSession, openings: Sequence[Opening], actor: Actor) -> list[Ticket]:
    if not openings:
        return []
    policy = installed().policy[OrdersPolicy]
    citizens = await known(session, *(opening.phone for opening in openings if opening.phone))
    moments = [opening.at or now() for opening in openings]
    numbers = await next_numbers(session, policy, [local(at).date() for at in moments])
    tickets = []
    for opening, at, number in zip(openings, moments, numbers, strict=True):
        citizen = citizens.get(opening.phone) if opening.phone else None
        ticket = Ticket(
            number=number,
            query_code=new_code(policy),
            state=State.DRAFT,
            version=1,
            source=opening.source,
            call_id=opening.call_id,
            original_hotline=opening.original_hotline,
            citizen_id=citizen.id if citizen else None,
            caller_phone=opening.phone,
            caller_name=citizen.name if citizen else None,
            anonymous=opening.phone is None,
            opened_at=at,
            opened_by=opening.agent_id,
        )
        for name, value in given_of(opening).items():
            setattr(ticket, name, value)
        ticket.sealed = ticket.category == Category.REPORT
        tickets.append(ticket)
    session.add_all(tickets)
    await session.flush()
    for ticket, opening in zip(tickets, openings, strict=True):
        after = {"number": ticket.number, "source": ticket.source, "original_hotline": ticket.original_hotline}
        after |= given_of(opening)
        add(session, ticket, actor, Act.OPEN, origin=opening.origin, article="第十二条(一)", after=after)
    await session.flush()
    return tickets


def given_of(opening: Opening) -> dict[str, Any]:
    """The fields that came with the opening; none where a call was opened."""
    return opening.given.given() if opening.given else {}


async def of_call(session: AsyncSession, call_id: UUID, *, for_update: bool = False) -> Ticket | None:
    """The order of a call."""
    wanted = select(Ticket).where(Ticket.call_id == call_id)
    if for_update:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    found: Ticket | None = await session.scalar(wanted)
    return found


FILLED = ("category", "matter", "title", "content", "address", "area", "occurred", "caller_name", "confidential")
"""Fields that the machine may fill while no person has decided them."""


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
    ticket = await at_version(session, actor, ticket_id, version)
    transition = decide(actor, State(ticket.state), Act.CORRECT, facts_of(ticket))
    given = correction.given()
    _check_codes(given)
    changed = {name: value for name, value in given.items() if getattr(ticket, name) != value}
    fresh = set(given) - set(ticket.accepted)
    if not changed and not fresh:
        return ticket
    before = {name: getattr(ticket, name) for name in changed}
    for name, value in changed.items():
        setattr(ticket, name, value)
    decided = {"by": str(actor.user_id), "name": actor.name, "at": now().isoformat()}
    ticket.accepted = ticket.accepted | dict.fromkeys(given, decided)
    ticket.sealed = ticket.category == Category.REPORT
    ticket.version += 1
    after = changed | {"accepted": sorted(fresh - set(changed))}
    await append(
        session, ticket, actor, Act.CORRECT, origin=origin, article=transition.article, before=before, after=after
    )
    return ticket


async def confirm(session: AsyncSession, actor: Actor, ticket_id: UUID, version: int) -> Ticket:
    """The agent stands for the order's words; it now waits for its dispatch (待派单)."""
    ticket = await at_version(session, actor, ticket_id, version)
    transition = decide(actor, State(ticket.state), Act.CONFIRM, facts_of(ticket))
    ticket.state = State.CONFIRMED
    ticket.version += 1
    await remember_caller(session, ticket)
    await append(session, ticket, actor, Act.CONFIRM, origin="desk", article=transition.article, after=summary(ticket))
    return ticket


async def void(session: AsyncSession, actor: Actor, ticket_id: UUID, version: int, reason: str) -> Ticket:
    """无效呼叫: wrong number, silence, nothing asked."""
    ticket = await at_version(session, actor, ticket_id, version)
    if len(reason) > 200:
        raise Invalid("reason-too-long", "作废原因不超过200字。", fields={"reason": "不超过200字"})
    transition = decide(actor, State(ticket.state), Act.VOID, facts_of(ticket, reason=reason))
    ticket.state, ticket.closed_at, ticket.close_reason = State.VOID, now(), reason.strip()
    ticket.version += 1
    await append(session, ticket, actor, Act.VOID, origin="desk", article=transition.article, reason=reason.strip())
    return ticket


async def at_version(session: AsyncSession, actor: Actor, ticket_id: UUID, version: int) -> Ticket:
    """The order, locked, exactly as the actor saw it. Raises NotFound or Conflict("order-changed")."""
    ticket = await get(session, actor, ticket_id, lock=True)
    if ticket.version != version:
        raise Conflict("order-changed", "工单已被其他人员修改，请刷新后再操作。")
    return ticket


def facts_of(ticket: Ticket, **more: Any) -> Facts:
    """What the guards look at."""
    words = f"{ticket.title}\n{ticket.content}\n{ticket.address}"
    return Facts(
        category=Category(ticket.category) if ticket.category else None,
        content=ticket.content,
        title=ticket.title,
        identity_traces=traces(words, name=ticket.caller_name, phone=ticket.caller_phone),
        **more,
    )


def summary(ticket: Ticket) -> dict[str, Any]:
    """The fields that a person stood for, and where each came from."""
    values = {name: getattr(ticket, name) for name in FILLED}
    return values | {
        "accepted": sorted(ticket.accepted),
        "proposed": sorted(set(ticket.proposals) - set(ticket.accepted)),
    }


async def remember_caller(session: AsyncSession, ticket: Ticket) -> None:
    """Link the order to the citizen of its number; a 举报 or an anonymous caller leaves no name behind."""
    if ticket.caller_phone is None or ticket.anonymous:
        return
    name = None if ticket.sealed or ticket.confidential else ticket.caller_name
    ticket.citizen_id = (await remember(session, ticket.caller_phone, name=name)).id


def _check_codes(given: dict[str, Any]) -> None:
    county = installed().county
    wrong: dict[str, str] = {}
    if (matter := given.get("matter")) and matter not in county.matters:
        wrong["matter"] = "请从诉求事项目录中选择"
    if (area := given.get("area")) and (area not in county.units or not county.units[area].kind.territorial):
        wrong["area"] = "请选择所属乡镇（街道）"
    if wrong:
        raise Invalid("unknown-code", "；".join(wrong.values()) + "。", fields=wrong)


__all__ = [
    "Opening",
    "SpokenState",
    "at_version",
    "confirm",
    "correct",
    "of_call",
    "open_draft",
    "open_drafts",
    "propose",
    "spoken_state",
    "void",
]
