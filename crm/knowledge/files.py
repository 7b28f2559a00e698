"""附件 of an item: put to a draft, kept in the store, carried on into revisions, read with its version."""

import hashlib
import io
from collections.abc import AsyncIterator
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import local, now
from core.db import new_id
from core.errors import Conflict, NotFound
from core.ledger import record
from crm.knowledge import service
from crm.knowledge.models import KnowledgeFile, KnowledgeItem, KnowledgeVersion
from crm.knowledge.states import Act
from crm.knowledge.table import choose
from crm.papers import Checked
from recordings.store.port import Store

MOST = 10
"""Of one version."""


async def attach(
    session: AsyncSession, store: Store, actor: Actor, item_id: UUID, seen: int, file: Checked
) -> KnowledgeFile:
    """Keep a file with the draft: the store has it before the row says so. Raises as `choose`."""
    case = await service.locked(session, actor, item_id, seen)
    choose(Act.SAVE, case)
    there = select(func.count()).where(KnowledgeFile.version_id == case.version.id)
    if (await session.scalar(there) or 0) >= MOST:
        raise Conflict("too-many-files", f"每个版本最多 {MOST} 个附件。")
    made = KnowledgeFile(id=new_id(), version_id=case.version.id, name=file.name, media_type=file.media_type)
    made.size, made.digest = len(file.data), hashlib.sha256(file.data).hexdigest()
    made.added_at, made.added_by = now(), actor.user_id
    made.store_key = f"knowledge/{local(made.added_at):%Y/%m}/{made.id}"
    await store.put(made.store_key, io.BytesIO(file.data), made.digest)
    session.add(made)
    case.item.version += 1
    await record(session, actor, "knowledge.attach", "knowledge", case.item.number, digest=made.digest, size=made.size)
    await session.flush()
    return made


async def detach(session: AsyncSession, actor: Actor, file_id: UUID, seen: int) -> KnowledgeItem:
    """Take it from the draft again; its bytes stay for the versions that carry it. Raises as `choose`."""
    file, version = await _of(session, file_id)
    case = await service.locked(session, actor, version.item_id, seen)
    choose(Act.SAVE, case)
    if case.version.id != version.id:
        raise Conflict("wrong-state", "只能移除起草中版本的附件。")
    await session.delete(file)
    case.item.version += 1
    await record(session, actor, "knowledge.detach", "knowledge", case.item.number, digest=file.digest)
    return case.item


async def find(session: AsyncSession, actor: Actor, file_id: UUID) -> KnowledgeFile:
    """A file that the actor may read. Raises NotFound, whatever the reason is."""
    file, version = await _of(session, file_id)
    item = await session.get_one(KnowledgeItem, version.item_id)
    if not service.visible(actor, item, version):
        raise NotFound("no-such-file", "没有这个附件。")
    return file


def content(store: Store, file: KnowledgeFile) -> AsyncIterator[bytes]:
    """Its bytes, read after the session ended."""
    return store.read(file.store_key)


async def _of(session: AsyncSession, file_id: UUID) -> tuple[KnowledgeFile, KnowledgeVersion]:
    file = await session.get(KnowledgeFile, file_id)
    if file is None:
        raise NotFound("no-such-file", "没有这个附件。")
    return file, await session.get_one(KnowledgeVersion, file.version_id)
