"""An archived order with its closed package, for tests of pages."""

from pathlib import Path
from uuid import UUID

from chained_ledger import chained
from sqlalchemy import select

from core.clock import now
from core.db import Database
from core.jobs import run_pending
from core.ledger.service import seal
from core.secrets import Secrets
from crm.dossiers import checking as _checking  # noqa: F401 - its job
from crm.dossiers.closing import Cause, bring_up_to_date
from crm.dossiers.keeper import DossierKeeper
from crm.dossiers.models import Dossier
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, open_draft
from recordings.proof.signing import Signer
from recordings.store.folder import FolderStore

PHONE = "+8613800001234"


def keeper_of(home: Path) -> DossierKeeper:
    """Of the store that the web role reads."""
    return DossierKeeper.of(home, FolderStore(home / "archive"), Signer(Secrets(home / "secrets")), "弋阳12345")


async def archived(db: Database, home: Path, title: str = "路边摊占道", *, sealed: bool = False) -> Dossier:
    """An order of which only the end matters here."""
    async with db.session() as session:
        ticket = await open_draft(session, Opening("counter", phone=PHONE))
        row = await session.get_one(Ticket, ticket.id)
        row.state, row.title, row.caller_name, row.state_since, row.sealed = "archived", title, "张小明", now(), sealed
    await chained(db)
    await bring_up_to_date(db, keeper_of(home), ticket.id, Cause("归档", now(), "陈档"))
    return await dossier_of(db, ticket.id)


async def dossier_of(db: Database, ticket_id: UUID) -> Dossier:
    """The order's dossier."""
    async with db.session() as session:
        return (await session.scalars(select(Dossier).where(Dossier.ticket_id == ticket_id))).one()


async def work(db: Database, home: Path) -> None:
    """Jobs that wait, and those that they ask for."""
    for _ in range(3):
        await seal(db)
        await run_pending(db, services={DossierKeeper: keeper_of(home)})
