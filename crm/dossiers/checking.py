"""The check 核验 of a dossier: every entry is read and compared with its manifest, every manifest with its signature
and with the one before."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core import ledger
from core.actor import SYSTEM, Actor
from core.clock import now
from core.db import Database
from core.errors import NotFound
from core.jobs import JobContext, defer, job
from core.live import hint
from crm.dossiers.closing import parts_of, text_of
from crm.dossiers.exporting import find
from crm.dossiers.fates import ended
from crm.dossiers.keeper import DossierKeeper
from crm.dossiers.manifest import Entry, folder, link, parse
from crm.dossiers.models import Dossier, DossierObject, DossierPart
from recordings.proof.signing import signed_by
from recordings.store.digests import digests_while_read
from recordings.store.port import Damaged, Store

LONGEST = Dossier.finding.type.length


async def ask(session: AsyncSession, actor: Actor, dossier_id: UUID) -> Dossier:
    """Have it checked. Raises NotFound."""
    dossier = await find(session, actor, dossier_id)
    await ledger.record(session, actor, "dossier.check", "order", dossier.ticket_id)
    await defer(session, run, queueing_lock=f"dossier-check:{dossier.id}", dossier_id=str(dossier.id))
    return dossier


@job("crm.check-dossier", queue="dossiers")
async def run(ctx: JobContext, *, dossier_id: str) -> None:
    """Read everything and write down what was found."""
    await check(ctx.db, ctx.service(DossierKeeper), UUID(dossier_id))


async def check(db: Database, keeper: DossierKeeper, dossier_id: UUID) -> list[str]:
    """What is wrong, a sentence each. Raises Unavailable while the store is away."""
    async with db.session() as session:
        parts = await parts_of(session, dossier_id)
        found = await session.scalars(select(DossierObject).where(DossierObject.dossier_id == dossier_id))
        objects = {one.path: one for one in found}
        gone = await ended(session, objects)
    findings = of_chain(parts)
    for part in parts:
        for entry in parse(part.manifest.encode(), "manifest").entries:
            kept = objects.get(f"{folder(part.n)}/{entry.path}")
            if kept is None or kept.path in gone:
                continue
            wrong = await compare(keeper.store, kept.store_key, entry)
            findings += [f"第{part.n}卷“{entry.title}”（{entry.path}）：{wrong}"] if wrong else []
    async with db.session() as session:
        dossier = await session.get_one(Dossier, dossier_id)
        said = "\n".join(findings)[:LONGEST]
        if said != dossier.finding:
            await ledger.record(session, SYSTEM, "dossier.checked", "order", dossier.ticket_id, findings=findings[:50])
        dossier.checked_at, dossier.finding = now(), said
        hint(session, "dossier", dossier.id)
    return findings


def of_chain(parts: Sequence[DossierPart]) -> list[str]:
    """Signatures, and that each part names the one before."""
    findings, previous = list[str](), link(None)
    for n, part in enumerate(parts):
        text = text_of(part)
        if part.n != n or part.previous != previous:
            findings.append(f"第{part.n}卷：与前一卷不相衔接")
        if not signed_by(part.public_key, part.signature, text):
            findings.append(f"第{part.n}卷：签名不符，卷内目录被改动")
        previous = link(text)
    return findings


async def compare(store: Store, key: str, entry: Entry) -> str:
    """What is wrong with an entry's bytes, in Chinese; empty: nothing."""
    try:
        digests, size = await digests_while_read(store.read(key))
    except NotFound:
        return "文件不存在"
    except Damaged as error:
        return f"文件已损坏或被改动：{error.why}"
    if (size, digests.sha256, digests.sm3) != (entry.size, entry.sha256, entry.sm3):
        return "内容与卷内目录的摘要不符"
    return ""
