"""The archive package on an order's page: when it was closed, what came later, and the papers put to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from crm import papers
from crm.dossiers import materials, queries
from crm.dossiers.models import CaseMaterial, Dossier, DossierPart, MaterialKind
from crm.dossiers.rules import MAY_ADD
from crm.tickets.models import Ticket
from web.context import Context

KINDS = {one.value: one.label for one in MaterialKind}


@dataclass(frozen=True)
class Filed:
    """What the page shows."""

    dossier: Dossier | None
    parts: Sequence[DossierPart]
    materials: Sequence[CaseMaterial]
    may_add: bool
    kinds: dict[str, str]
    largest: int


async def of_order(ctx: Context, ticket: Ticket) -> Filed | None:
    """For the centre and the bureau; None where there is nothing to show and nothing to add."""
    closed = await queries.of_order(ctx.session, ctx.actor, ticket.id)
    kept = await materials.of_order(ctx.session, ticket.id)
    may_add = any(map(ctx.actor.may, MAY_ADD))
    if not (closed or kept or may_add):
        return None
    dossier, parts = closed or (None, ())
    return Filed(dossier, parts, kept, may_add, KINDS, papers.LARGEST // 2**20)
