"""The draft as a form: what the order holds, what the machine proposes, and which unit the catalogue suggests."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from markupsafe import Markup
from sqlalchemy import select

from core.identity.models import Unit
from crm.county.categories import LABELS, Category
from crm.county.data import Power, UnitKind
from crm.county.locate import locate
from crm.drafts.typed import Typed, kept
from crm.installed import installed
from crm.policy import LimitsPolicy
from crm.procedure import IntakePolicy, RetypePolicy
from crm.queries.limit_now import LimitNow, limit_now
from crm.queries.people import handles
from crm.tickets.access import sees_identity
from crm.tickets.models import Ticket
from crm.tickets.perform import Offer
from crm.tickets.states import Act
from crm.tickets.suggesting import Suggestion, suggest
from web.context import Context

Options = list[tuple[str, str]]
SURE = 95
"""Per cent: a name of the gazetteer, as it is written there."""
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
    repeated: int | None
    """The limit that a person may choose, in working days: it was reported often enough for it (第十三条, D14)."""
    limit: LimitNow
    needed: dict[str, tuple[str, ...]]
    """Category -> the elements that must be told, for the marks beside the fields."""
    typed: Typed | None
    """What this person typed and has not sent."""

    @property
    def chosen_lead(self) -> str:
        """The lead unit as it was typed, else as the catalogue suggests it."""
        return self.typed.fields.get("lead_unit", self.lead) if self.typed else self.lead

    def asking(self, element: str) -> list[str]:
        """The categories in which the bureau asks for an element."""
        return [category for category, elements in self.needed.items() if element in elements]

    def settled(self, name: str) -> Markup:
        """The mark of a field that this person has written: no proposal takes its place."""
        return Markup(' data-settled="yes"') if self.typed and name in self.typed.fields else Markup()

    def value(self, name: str) -> str:
        """What stands in a field: what was typed last, else what the order holds."""
        if self.typed and name in self.typed.fields:
            return self.typed.fields[name]
        held = getattr(self.ticket, name)
        return ("true" if held else "") if isinstance(held, bool) else str(held or "")

    @property
    def lead(self) -> str:
        """The proposed lead's id; empty where nobody is proposed."""
        return str(self.suggestion.lead.id) if self.suggestion.lead else ""

    @property
    def suggested(self) -> frozenset[UUID]:
        """Whom the list offers first."""
        return frozenset(one.unit.id for one in self.suggestion.candidates)

    @property
    def assist(self) -> frozenset[str]:
        """The catalogue's assisting units, where it proposes the lead."""
        return frozenset(str(unit.id) for unit in self.suggestion.assist)

    @property
    def acts(self) -> frozenset[Act]:
        """What is offered, by name."""
        return frozenset(offer.act for offer in self.offered)


async def build(ctx: Context, ticket: Ticket, offered: Sequence[Offer]) -> OrderForm:
    """The form of an open order; `offered` is what this person may do with it."""
    here = installed()
    units = (
        await ctx.session.scalars(select(Unit).where(Unit.active, Unit.parent_unit_id.is_(None)).order_by(Unit.code))
    ).all()
    located = locate(ticket.address, here.gazetteer, here.county) if ticket.address and not ticket.area else None
    found = await suggest(ctx.session, ticket)
    powers = here.powers.of_units([one.unit.code for one in found.candidates])[:MOST_POWERS]
    in_full = await handles(ctx.session, ctx.actor, ticket)
    hidden = set() if in_full else {"caller_name"}
    typed = await kept(ctx.session, ctx.actor, ticket)
    hidden |= set(typed.fields) if typed else set()
    intake = here.policy[IntakePolicy]
    category = typed.fields.get("category", "") if typed else ""
    limit = await limit_now(ctx.session, category if category in set(Category) else ticket.category, ticket.matter)
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
        offered,
        [(category.value, label) for category, label in LABELS.items()],
        [(matter.code, f"{matter.group} · {matter.name}") for matter in here.county.matters.values()],
        areas,
        units,
        proposals,
        found,
        powers,
        sees_identity(ctx.actor, ticket),
        in_full,
        here.policy[LimitsPolicy].repeated if often else None,
        limit,
        {category.value: tuple(intake.of(category)) for category in LABELS},
        typed,
    )


def _proposed(name: str, one: dict[str, Any]) -> Proposed:
    words = "……".join(str(source["text"]) for source in one.get("sources", []))
    return Proposed(name, str(one["value"]), words, str(one["reason"]), round(100 * float(one["confidence"])))
