"""Background work on copies: making one, and destroying its file when its time is over."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from core.clock import now
from core.jobs import JobContext, defer, job
from core.live import hint
from crm.datarequests.collecting import collect
from crm.datarequests.models import DataPackage, DataRequest
from crm.datarequests.package import pack
from crm.datarequests_policy import DataRequestsPolicy
from crm.installed import installed
from recordings.store.port import Store, digest_of

TOPIC = "data-requests"


@dataclass(frozen=True)
class Shelf:
    """Where copies lie meanwhile, as a process's service."""

    store: Store


@job("crm.data-package")
async def build(ctx: JobContext, request_id: str) -> None:
    """Make the copy of a request. Done twice it makes it once; withdrawn meanwhile, not at all."""
    shelf, id = ctx.service(Shelf), UUID(request_id)
    policy = installed().policy[DataRequestsPolicy]
    async with ctx.db.session() as session:
        row, package = await session.get_one(DataRequest, id), await session.get_one(DataPackage, id)
        if package.ready_at or package.gone_at:
            return
        held = await collect(session, row)
    with await pack(held, shelf.store if policy.package_sound else None) as file:
        digest = await asyncio.to_thread(digest_of, file)
        size = file.tell()
        key = f"packages/{id}.zip"
        await shelf.store.delete(key)  # what a try before this one left behind
        await shelf.store.put(key, file, digest)
    async with ctx.db.session() as session:
        package = await session.get_one(DataPackage, id, with_for_update=True)
        package.store_key, package.size, package.digest, package.counts = key, size, digest, held.counts
        package.ready_at, package.expires_at = now(), now() + timedelta(days=policy.package_days)
        at = now() if package.gone_at else package.expires_at
        await defer(session, destroy, at=at, lock=f"data-package:{id}", request_id=request_id)
        hint(session, TOPIC, id)


@job("crm.data-package-end")
async def destroy(ctx: JobContext, request_id: str) -> None:
    """Destroy the file of a copy whose time is over, or that is no longer wanted."""
    shelf, id = ctx.service(Shelf), UUID(request_id)
    async with ctx.db.session() as session:
        package = await session.get_one(DataPackage, id, with_for_update=True)
        if package.gone_at is None and (package.expires_at is None or package.expires_at > now()):
            return
        if package.store_key:
            await shelf.store.delete(package.store_key)
        package.gone_at, package.store_key = package.gone_at or now(), ""
        hint(session, TOPIC, id)
