"""What pages show of dossiers: the list, one dossier with its catalogue, the part of an order's page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import midnight
from core.db import among, paged
from crm.dossiers.closing import parts_of
from crm.dossiers.exporting import find
from crm.dossiers.fates import ended
from crm.dossiers.manifest import Manifest, folder, parse
from crm.dossiers.models import Dossier, DossierExport, DossierObject, DossierPart
from crm.dossiers.page import Item, catalogue
from crm.dossiers.rules import visible_to

SHOWN_EXPORTS = 10


@dataclass(frozen=True)
class Wanted:
    """Words of number or title, and days of archiving, both included."""

    words: Sequence[str] = ()
    first: date | None = None
    last: date | None = None
    only: str = ""
    """`wrong`, `imported`, or all."""
    oldest_first: bool = False


@dataclass(frozen=True)
class Listed:
    """One line of the list."""

    dossier: Dossier
    parts: int
    entries: int
    size: int


@dataclass(frozen=True)
class Whole:
    """One dossier."""

    dossier: Dossier
    parts: Sequence[DossierPart]
    manifests: Sequence[Manifest]
    items: Sequence[Item]
    exports: Sequence[DossierExport]


async def listed(
    session: AsyncSession, actor: Actor, wanted: Wanted, after: tuple[datetime, UUID] | None, limit: int
) -> list[Listed]:
    """By the time of archiving."""
    query = select(Dossier).where(visible_to(actor))
    for word in wanted.words:
        query = query.where(
            Dossier.number.icontains(word, autoescape=True) | Dossier.title.contains(word, autoescape=True)
        )
    if wanted.first:
        query = query.where(Dossier.archived_at >= midnight(wanted.first))
    if wanted.last:
        query = query.where(Dossier.archived_at < midnight(wanted.last + timedelta(days=1)))
    if wanted.only == "wrong":
        query = query.where(Dossier.finding != "")
    if wanted.only == "imported":
        query = query.where(Dossier.imported_at.is_not(None))
    query = paged(query, Dossier.archived_at, Dossier.id, after, oldest_first=wanted.oldest_first).limit(limit)
    found = (await session.scalars(query)).all()
    sums = await session.execute(
        select(
            DossierPart.dossier_id,
            func.count().label("parts"),
            func.sum(DossierPart.entries).label("entries"),
            func.sum(DossierPart.size).label("size"),
        )
        .where(among(DossierPart.dossier_id, [one.id for one in found]))
        .group_by(DossierPart.dossier_id)
    )
    counted = {row.dossier_id: (row.parts, row.entries, int(row.size)) for row in sums}
    return [Listed(one, *counted.get(one.id, (0, 0, 0))) for one in found]


async def whole(session: AsyncSession, actor: Actor, dossier_id: UUID) -> Whole:
    """One dossier with its catalogue. Raises NotFound("no-such-dossier")."""
    dossier = await find(session, actor, dossier_id)
    parts = await parts_of(session, dossier.id)
    manifests = [parse(one.manifest.encode(), "manifest") for one in parts]
    objects = (await session.scalars(select(DossierObject).where(DossierObject.dossier_id == dossier.id))).all()
    here = {one.path for one in objects}
    every = [f"{folder(part.part)}/{entry.path}" for part in manifests for entry in part.entries]
    gone = await ended(session, every)
    items = catalogue(manifests, {path: "absent" for path in every if path not in here}, gone)
    asked = select(DossierExport).where(DossierExport.dossier_id == dossier.id)
    exports = (await session.scalars(asked.order_by(DossierExport.asked_at.desc()).limit(SHOWN_EXPORTS))).all()
    return Whole(dossier, parts, manifests, items, exports)


async def of_order(
    session: AsyncSession, actor: Actor, ticket_id: UUID
) -> tuple[Dossier, Sequence[DossierPart]] | None:
    """An order's dossier and its parts; None where it has none, or the actor may not know of it."""
    found = await session.scalar(select(Dossier).where(Dossier.ticket_id == ticket_id, visible_to(actor)))
    return (found, await parts_of(session, found.id)) if found else None
