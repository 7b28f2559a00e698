"""Why these units (第十九条, A19-1): a line of the power list, the catalogue, or the centre's own decision. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.identity.models import Unit
from crm.installed import installed
from crm.tickets.models import Ticket

LONGEST = 200


class Cites(StrEnum):
    """On what a dispatch rests."""

    POWER = "power"
    CATALOGUE = "catalogue"
    DECISION = "decision"

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"power": "权责清单", "catalogue": "派单目录", "decision": "热线中心决定"}[self.value]


@dataclass(frozen=True)
class Citation:
    """`text` is what the order keeps; `power`: the code of the power list's line."""

    cites: Cites
    text: str
    power: str | None = None


def cite(ticket: Ticket, lead: Unit, assist: Sequence[Unit], *, power: str, basis: str) -> Citation | None:
    """What a dispatch to these units rests on: what the dispatcher named, else the catalogue where it says the same,
    else for a single unit the centre's decision; None where several units have no reason yet."""
    if power and (found := _of_power(power)):
        return found
    if basis:
        return Citation(Cites.DECISION, basis)
    route = installed().catalogue.route(ticket.matter, ticket.area)
    if route.lead == lead.code and {unit.code for unit in assist} <= set(route.assist):
        if route.power and (found := _of_power(route.power)):
            return found
        return Citation(Cites.CATALOGUE, route.basis)
    return None if assist else Citation(Cites.DECISION, "热线中心指定（第十九条）")


def _of_power(code: str) -> Citation | None:
    power = installed().powers.get(code)
    if power is None:
        return None
    return Citation(Cites.POWER, f"权责清单{power.code}：{power.name}（{power.basis}）"[:LONGEST], power.code)
