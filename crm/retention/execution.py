"""Executing an approved list, in steps that a crash may part: each looks again whether anything stands against it."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import not_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import SYSTEM, Actor
from core.clock import now, today
from core.db import Database, among
from core.errors import Conflict, Unavailable
from core.jobs import JobContext, defer, job
from core.ledger import record
from core.live import hint
from core.locks import lock, try_hold
from crm.installed import installed
from crm.retention import holds
from crm.retention.asked import answered
from crm.retention.classes import lengthen, policy
from crm.retention.holds import LOCK, TOPIC
from crm.retention.lists import NEEDS, opened, require_typed
from crm.retention.models import DisposalItem, DisposalList
from crm.retention.objects import KINDS, rows_of
from crm.retention.rules import Act, Item, Standing, due
from recordings.archived import Archived
from recordings.disposal.erase import Shredder, certify, erase, finish, open_certificate
from recordings.disposal.models import DisposalCertificate

AT_ONCE = 100
"""Objects of one transaction, and of one part of the certificate."""


async def order(session: AsyncSession, actor: Actor, list_id: UUID, seen: int, words: str) -> DisposalList:
    """Begin: from here on nobody takes it back, but what is held meanwhile stays.

    Raises as `lists.opened`, `Invalid("confirmation-words")`.
    """
    actor.require(NEEDS[Act.ORDER])
    row, number = await opened(session, list_id, seen, Act.ORDER)
    require_typed(Act.ORDER, number, words)
    row.state, row.version = Standing.EXECUTING, row.version + 1
    row.ordered_by, row.ordered_name, row.ordered_at = actor.user_id, actor.name, now()
    listed = (DisposalItem.list_id == list_id, DisposalItem.state == Item.LISTED)
    kinds = set(await session.scalars(select(DisposalItem.what).where(*listed).distinct()))
    await open_certificate(session, _certificate(row, kinds))
    await record(session, actor, "disposal.order", "disposal", row.number, objects=number)
    await defer(session, dispose, list_id=str(list_id), lock=f"dispose:{list_id}")
    hint(session, TOPIC, row.id)
    return row


def _certificate(row: DisposalList, kinds: Collection[str]) -> dict[str, object]:
    """On the bases of what stands on it."""
    book = installed().policy
    years = [kind.years for what, kind in KINDS.items() if what in kinds]
    bases = [book[section].basis[name] for section, name in years]
    said: dict[str, object] = {"number": row.number, "list_id": row.id, "words": policy().words_with_recording}
    said["basis"] = "；".join([book.title, *bases])[:500]
    names = ("proposed_at", *(f"{act}_{what}" for act in _ACTS for what in ("by", "name", "at")))
    return said | {name: getattr(row, name) for name in names}


_ACTS = ("reviewed", "approved", "confirmed", "ordered")


@job("crm.dispose")
async def dispose(ctx: JobContext, list_id: str) -> None:
    """Destroy what stands on the list, some at a time, then sign the certificate. It may run again from any point."""
    shredder = ctx.service(Shredder)
    async with try_hold(ctx.db, f"dispose:{list_id}") as held:
        if held is None:
            raise Unavailable("disposal-runs", "另一个进程正在执行这份清单。")
        await _execute(ctx.db, shredder, UUID(list_id))


async def _execute(db: Database, shredder: Shredder, id: UUID) -> None:
    async with db.session() as session:
        await lock(session, LOCK)
        await lengthen(session)
        number = (await session.get_one(DisposalList, id)).number
    more = True
    while more:
        await finish(db, shredder, number)
        async with db.session() as session:
            more = await _some(session, id)
    await certify(db, shredder, number)
    async with db.session() as session:
        row = await session.get_one(DisposalList, id, with_for_update=True)
        if row.state == Standing.EXECUTING:
            row.state, row.ended_at, row.version = Standing.DONE, now(), row.version + 1
            await answered(session, id, number)
            await record(session, SYSTEM, "disposal.done", "disposal", row.number)
            hint(session, TOPIC, row.id)


async def _some(session: AsyncSession, list_id: UUID) -> bool:
    """The next objects of the list: what may end ends, what is held or kept longer is stopped -> whether there were
    any."""
    await lock(session, LOCK)
    row = await session.get_one(DisposalList, list_id, with_for_update=True)
    if row.state == Standing.DONE:
        return False
    if row.state != Standing.EXECUTING:
        raise Conflict("wrong-state", f"清单{Standing(row.state).label}，不能执行。")
    wanted = select(DisposalItem).where(DisposalItem.list_id == list_id, DisposalItem.state == Item.LISTED)
    items = (await session.scalars(wanted.order_by(DisposalItem.object_id).limit(AT_ONCE))).all()
    if not items:
        return False
    rows = await rows_of(session, [(one.what, one.object_id) for one in items], lock=True)
    against = await _against(session, list(rows.values()))
    for item in items:
        item.why = against.get(item.object_id, "")
        item.state = Item.STOPPED if item.why else Item.DESTROYED
    certificate = await session.get_one(DisposalCertificate, row.number)
    await erase(session, certificate, [rows[one.object_id] for one in items if one.state == Item.DESTROYED])
    for one in items:
        if one.state == Item.STOPPED:
            about = ("disposal.stop", one.what, one.object_id)
            await record(session, SYSTEM, *about, reason=one.why, list=row.number)
    hint(session, TOPIC, row.id)
    return True


async def _against(session: AsyncSession, rows: Sequence[Archived]) -> dict[UUID, str]:
    """What stands against destroying each of these now, in Chinese."""
    found = {id: holds.said(some[0]) for id, some in (await holds.on(session, [row.id for row in rows])).items()}
    worked_on = await _worked_on(session, rows)
    for row in rows:
        if row.destroyed_at:
            found[row.id] = f"已由销毁证书 {row.certificate} 销毁"
        elif not due(row.protected_until, today()):
            found.setdefault(row.id, f"保存期已延长：{row.protection or '按规定'}")
        elif row.id in worked_on:
            found.setdefault(row.id, "所属工单尚未办结")
    return {id: why[:300] for id, why in found.items()}


async def _worked_on(session: AsyncSession, rows: Sequence[Archived]) -> set[UUID]:
    """Those whose matter is not over, or was taken up again."""
    found = set[UUID]()
    for kind in KINDS.values():
        ids = [row.id for row in rows if row.what == kind.what]
        found |= set(await session.scalars(select(kind.table.id).where(among(kind.table.id, ids), not_(kind.over))))
    return found
