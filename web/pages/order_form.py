"""The draft as a form: what the order holds, what the machine proposes, and which unit the catalogue suggests."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from core.identity.models import Unit
from crm.county.categories import LABELS
from crm.county.data import Power, UnitKind
from crm.installed import installed
from crm.queries.people import handles
from crm.tickets.access import sees_identity
from crm.tickets.models import Ticket
from crm.tickets.perform import Offer, offers
from crm.tickets.states import Act
from crm.tickets.suggesting import Suggestion, suggest
from web.context import Context

Options = list[tuple[str, str]]
MOST_POWERS = 200
"""So many lines of the power list are offered; any other's code may be typed."""


@dataclass(frozen=True)
class Proposed:
    """One field's proposal as the page shows it."""

    field: str
    value: str
    words: str
    reason: str
    confidence: int
    """Per cent."""


@dataclass(frozen=True)
class OrderForm:
    """Everything that the form's template needs."""

    ticket: Ticket
    offered: Sequence[Offer]
    categories: Options
    matters: Options
    areas: Options
    units: Sequence[Unit]
    proposals: dict[str, Proposed]
    suggestion: Suggestion
    powers: Sequence[Power]
    """Lines of the power list whose units are suggested."""
    shows_identity: bool
    in_full: bool
    """Whether the caller stands there in full: the agent's own call, on record. Else masked until asked for."""

    @property
    def lead(self) -> str:
        """The proposed lead's id; empty where nobody is proposed."""
        return str(self.suggestion.lead.id) if self.suggestion.lead else ""

    @property
    def assist(self) -> frozenset[str]:
        """The catalogue's assisting units, where it proposes the lead."""
        return frozenset(str(unit.id) for unit in self.suggestion.assist)

    @property
    def acts(self) -> frozenset[Act]:
        """What is offered, by name."""
        return frozenset(offer.act for offer in self.offered)


async def build(ctx: Context, ticket: Ticket) -> OrderForm:
    """The form of an open order."""
    here = installed()
    units = (await ctx.session.scalars(select(Unit).where(Unit.active).order_by(Unit.code))).all()
    found = await suggest(ctx.session, ticket)
    powers = here.powers.of_units([one.unit.code for one in found.candidates])[:MOST_POWERS]
    in_full = await handles(ctx.session, ctx.actor, ticket)
    hidden = set() if in_full else {"caller_name"}
    areas = [(unit.code, unit.name) for unit in here.county.units.values() if UnitKind(unit.kind).territorial]
    return OrderForm(
        ticket,
        await offers(ctx.session, ctx.actor, ticket),
        [(category.value, label) for category, label in LABELS.items()],
        [(matter.code, f"{matter.group} · {matter.name}") for matter in here.county.matters.values()],
        areas,
        units,
        {
            name: _proposed(name, one)
            for name, one in ticket.proposals.items()
            if name not in hidden | set(ticket.accepted)
        },
        found,
        powers,
        sees_identity(ctx.actor, ticket),
        in_full,
    )


def _proposed(name: str, one: dict[str, Any]) -> Proposed:
    words = "……".join(str(source["text"]) for source in one.get("sources", []))
    return Proposed(name, str(one["value"]), words, str(one["reason"]), round(100 * float(one["confidence"])))
