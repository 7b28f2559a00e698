"""派单 of several confirmed orders by the catalogue: what will happen, and then exactly that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import now
from core.db import among
from core.errors import HotlineError
from core.identity.models import Unit
from crm.clocks import rules_at
from crm.county.categories import Category
from crm.installed import installed
from crm.policy import LimitsPolicy
from crm.tickets.access import visible_to
from crm.tickets.acts.dispatching import Order
from crm.tickets.dispatch import dispatch
from crm.tickets.models import Ticket
from crm.tickets.perform import foresee
from crm.tickets.states import Act


@dataclass(frozen=True)
class Planned:
    """One order of the bulk: to which units and why, until when; `against` says why it cannot go this way."""

    ticket: Ticket
    order: Order
    lead: str
    assist: tuple[str, ...]
    reason: str
    due_at: datetime | None
    against: str


@dataclass(frozen=True)
class Outcome:
    """What came of one: `refused` is the sentence of the rule, `say` what the citizen must be told by voice."""

    number: str
    refused: str = ""
    say: str = ""


async def plan(session: AsyncSession, actor: Actor, ids: Sequence[UUID]) -> list[Planned]:
    """What a dispatch by the catalogue would do with each, in the order of their numbers; changes nothing."""
    units = {unit.code: unit for unit in await session.scalars(select(Unit).where(Unit.active))}
    wanted = select(Ticket).where(among(Ticket.id, ids), visible_to(actor)).order_by(Ticket.number)
    return [await _planned(session, actor, ticket, units) for ticket in await session.scalars(wanted)]


async def _planned(session: AsyncSession, actor: Actor, ticket: Ticket, units: Mapping[str, Unit]) -> Planned:
    here = installed()
    route = here.catalogue.route(ticket.matter, ticket.area)
    lead = units.get(route.lead or "")
    assist = [units[code] for code in route.assist if code in units]
    order = Order(lead_unit_id=lead.id if lead else None, assist_unit_ids=tuple(unit.id for unit in assist))
    rules, due = rules_at(now()), None
    if rules is not None and ticket.category:
        due = rules.due(now(), rules.policy[LimitsPolicy].of(Category(ticket.category))).at
        due = rules.held_to(due, ticket.upstream_due_at, now())
    against = route.reason if lead is None else await foresee(session, actor, ticket, Act.DISPATCH, order)
    names = tuple(unit.name for unit in assist)
    return Planned(ticket, order, lead.name if lead else "", names, route.reason, due, against)


async def dispatch_all(session: AsyncSession, actor: Actor, seen: Mapping[UUID, int]) -> list[Outcome]:
    """Dispatch each as it was seen at its version; one that is refused leaves the others alone."""
    planned = [
        (one.ticket.id, one.ticket.number, one.order, one.against) for one in await plan(session, actor, list(seen))
    ]
    outcomes = []
    for id, number, order, against in planned:
        if against:
            outcomes.append(Outcome(number, against))
            continue
        try:
            async with session.begin_nested():
                done = await dispatch(session, actor, id, seen[id], order)
        except HotlineError as error:
            outcomes.append(Outcome(number, error.message))
        else:
            outcomes.append(Outcome(number, say=done.say or ""))
    return outcomes
