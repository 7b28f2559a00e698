"""Looking at a package on the screen: its page as an export has it, masked; originals leave by an export alone."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core import ledger
from core.actor import Actor
from core.clock import now
from core.errors import Conflict
from crm.dossiers.exporting import find, package_of
from crm.dossiers.manifest import Entry, instant, newest
from crm.dossiers.models import Dossier
from crm.dossiers.page import page
from crm.dossiers.writing import JSON, Package, damaged
from recordings.store.digests import sha256
from recordings.store.port import Store

LEFT = "原件随导出取得"


async def ask(session: AsyncSession, actor: Actor, dossier_id: UUID) -> tuple[Dossier, Package]:
    """What is to be shown; the look goes on record. Raises NotFound, Conflict("not-closed")."""
    dossier = await find(session, actor, dossier_id)
    package = await package_of(session, dossier.id, frozenset())
    if not package.parts:
        raise Conflict("not-closed", "档案包正在成卷，请稍后再看。")
    await ledger.record(session, actor, "dossier.read", "order", dossier.ticket_id)
    return dossier, package


async def shown(store: Store, actor: Actor, title: str, package: Package, nonce: str) -> str:
    """The page. Raises Conflict("package-damaged"), Unavailable."""
    manifests = [part for part, _ in package.parts]
    present = newest(manifests)
    documents: dict[str, bytes] = {}
    withheld: dict[str, str] = dict(package.withheld)
    for path, entry in package.going():
        if entry.media_type != JSON:
            withheld[path] = LEFT
        elif present[entry.path][1] is entry:
            documents[entry.path] = await _document(store, package.keys, path, entry)
    about: dict[str, Any] = {"number": "", "at": instant(now()), "by": actor.name, "reason": "", "title": title}
    about |= {"identity": False, "sound": False, "nonce": nonce}
    return page(manifests, documents, withheld, about, package.destroyed)


async def _document(store: Store, keys: Mapping[str, str], path: str, entry: Entry) -> bytes:
    data = b"".join([block async for block in store.read(keys[path])])
    if sha256(data).hex() != entry.sha256:
        raise damaged(entry)
    return data
