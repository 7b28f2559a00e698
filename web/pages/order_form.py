"""The draft as a form: what the order holds, what the machine proposes, and which unit the catalogue suggests."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from core.identity.models import Unit
from crm.county.categories import LABELS
from crm.county.data import UnitKind
from crm.county.locate import locate
from crm.county.route import Route as Suggestion
from crm.installed import installed
from crm.policy import LimitsPolicy
from crm.procedure import RetypePolicy
from crm.queries.people import handles
from crm.tickets.access import sees_identity
from crm.tickets.models import Ticket
from crm.tickets.perform import Offer, offers
from crm.tickets.states import Act
from web.context import Context

Options = list[tuple[str, str]]
SURE = 95
"""Per cent: a name of the gazetteer, as it is written there."""


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
    lead: str
    suggestion: str
    shows_identity: bool
    in_full: bool
    """Whether the caller stands there in full: the agent's own call, on record. Else masked until asked for."""
    repeated: int | None
    """The limit that a person may choose, in working days: it was reported often enough for it (第十三条, D14)."""

    @property
    def acts(self) -> frozenset[Act]:
        """What is offered, by name."""
        return frozenset(offer.act for offer in self.offered)


async def build(ctx: Context, ticket: Ticket) -> OrderForm:
    """The form of an open order."""
    here = installed()
    units = (
        await ctx.session.scalars(select(Unit).where(Unit.active, Unit.parent_unit_id.is_(None)).order_by(Unit.code))
    ).all()
    located = locate(ticket.address, here.gazetteer, here.county) if ticket.address and not ticket.area else None
    area = ticket.area or (located.area if located and "area" not in ticket.accepted else None)
    found: Suggestion = here.catalogue.route(ticket.matter, area)
    lead = next((str(unit.id) for unit in units if unit.code == found.lead), "")
    in_full = await handles(ctx.session, ctx.actor, ticket)
    hidden = set() if in_full else {"caller_name"}
    areas = [(unit.code, unit.name) for unit in here.county.units.values() if UnitKind(unit.kind).territorial]
    often = ticket.report_count >= here.policy[RetypePolicy].repeated_from
    proposals = {
        name: _proposed(name, one)
        for name, one in ticket.proposals.items()
        if name not in hidden | set(ticket.accepted)
    }
    if located and "area" not in ticket.accepted:
        proposals.setdefault("area", Proposed("area", located.area, "", f"发生地点{located.reason}", SURE))
    return OrderForm(
        ticket,
        await offers(ctx.session, ctx.actor, ticket),
        [(category.value, label) for category, label in LABELS.items()],
        [(matter.code, f"{matter.group} · {matter.name}") for matter in here.county.matters.values()],
        areas,
        units,
        proposals,
        lead,
        found.reason,
        sees_identity(ctx.actor, ticket),
        in_full,
        here.policy[LimitsPolicy].repeated if often else None,
    )


def _proposed(name: str, one: dict[str, Any]) -> Proposed:
    words = "……".join(str(source["text"]) for source in one.get("sources", []))
    return Proposed(name, str(one["value"]), words, str(one["reason"]), round(100 * float(one["confidence"])))
