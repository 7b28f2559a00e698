"""会议材料, 领导批示 and 其他材料: put to an order at any time of its life, also when it is archived (第十二条(九))."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core import ledger
from core.actor import Actor
from core.clock import now, today
from core.db import Database, new_id
from core.errors import Conflict, Denied, Invalid
from core.live import hint
from crm.dossiers import jobs
from crm.dossiers.models import CaseMaterial, Dossier, MaterialKind
from crm.dossiers.rules import MAY_ADD
from crm.papers import Checked
from crm.tickets import access, files
from crm.tickets.models import Attachment
from crm.tickets.states import State
from recordings.store.port import Store


@dataclass(frozen=True)
class Material:
    """What is said of it."""

    kind: MaterialKind
    title: str
    dated: date
    author: str
    note: str = ""


async def add(db: Database, store: Store, actor: Actor, ticket_id: UUID, what: Material, file: Checked) -> CaseMaterial:
    """Keep it, encrypted like every attachment; of an archived order it becomes an addendum.

    Raises NotFound, Denied, Invalid, Conflict("wrong-state"), Unavailable; then nothing is kept.
    """
    async with db.session() as session:
        await _open(session, actor, ticket_id, what)
    [kept] = await files.keep(store, actor, ticket_id, [file])
    try:
        async with db.session() as session:
            await _open(session, actor, ticket_id, what)
            return await _added(session, actor, kept, what)
    except BaseException:
        await files.discard(store, [kept])
        raise


async def _added(session: AsyncSession, actor: Actor, kept: Attachment, what: Material) -> CaseMaterial:
    await files.catalogue(session, [kept])
    made = CaseMaterial(id=new_id(), ticket_id=kept.ticket_id, attachment_id=kept.id, kind=what.kind)
    made.title, made.dated, made.author, made.note = what.title, what.dated, what.author, what.note
    made.added_at, made.added_by, made.added_by_name = now(), actor.user_id, actor.name
    session.add(made)
    told: dict[str, Any] = {"kind": what.kind.value, "digest": kept.digest, "size": kept.size}
    await ledger.record(session, actor, "material.add", "order", kept.ticket_id, **told)
    if await session.scalar(select(Dossier.id).where(Dossier.ticket_id == kept.ticket_id)):
        await jobs.ask(session, kept.ticket_id, f"补充{what.kind.label}", actor.name)
    hint(session, "order", kept.ticket_id)
    return made


async def _open(session: AsyncSession, actor: Actor, ticket_id: UUID, what: Material) -> None:
    """Raises what speaks against it."""
    ticket = await access.get(session, actor, ticket_id)
    if not any(map(actor.may, MAY_ADD)):
        raise Denied("not-permitted", "您没有补充归档材料的权限。")
    if ticket.state in (State.DRAFT, State.VOID):
        raise Conflict("wrong-state", f"工单处于“{State(ticket.state).label}”状态，没有可归档的材料。")
    if what.dated > today():
        raise Invalid("bad-date", "日期不能晚于今天。", fields={"dated": "日期不能晚于今天。"})


async def of_order(session: AsyncSession, ticket_id: UUID) -> Sequence[CaseMaterial]:
    """Those of an order, by their dates."""
    wanted = select(CaseMaterial).where(CaseMaterial.ticket_id == ticket_id)
    return (await session.scalars(wanted.order_by(CaseMaterial.dated, CaseMaterial.id))).all()
