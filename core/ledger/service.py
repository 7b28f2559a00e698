"""Writing the ledger, and sealing it: each row's digest covers the row and the digest before it."""

import hashlib
import json
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.db import Database
from core.ledger.models import LedgerEntry
from core.locks import lock

SEAL_BATCH = 5_000
_ZERO = "0" * 64


async def record(
    session: AsyncSession,
    actor: Actor,
    action: str,
    subject: str,
    subject_id: object,
    *,
    reason: str | None = None,
    **detail: Any,
) -> None:
    """Note an act or a look in this transaction, and from where it came. `detail` is JSON without personal data."""
    if actor.address:
        detail["address"] = actor.address
    session.add(
        LedgerEntry(
            actor_id=actor.user_id,
            actor_name=actor.name,
            action=action,
            subject=subject,
            subject_id=str(subject_id),
            reason=reason,
            detail=detail,
        )
    )


def digest_of(entry: LedgerEntry, previous: str) -> str:
    """SHA-256 over the previous digest and this row in canonical JSON."""
    body = [
        previous,
        entry.id,
        entry.at.isoformat(),
        str(entry.actor_id) if entry.actor_id else None,
        entry.actor_name,
        entry.action,
        entry.subject,
        entry.subject_id,
        entry.reason,
        entry.detail,
    ]
    return hashlib.sha256(json.dumps(body, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


async def seal(db: Database) -> int:
    """Chain what committed below the oldest running transaction -> how many rows."""
    async with db.session() as session:
        if not await session.scalar(select(LedgerEntry.id).where(LedgerEntry.seal.is_(None)).limit(1)):
            return 0
        await lock(session, "ledger-sealer")
        last = (
            await session.execute(
                select(LedgerEntry).where(LedgerEntry.seal.is_not(None)).order_by(LedgerEntry.seal.desc()).limit(1)
            )
        ).scalar_one_or_none()
        seal_no, digest = (last.seal or 0, last.digest or _ZERO) if last else (0, _ZERO)
        rows = await session.scalars(
            select(LedgerEntry)
            .where(LedgerEntry.seal.is_(None), text("xid < pg_snapshot_xmin(pg_current_snapshot())"))
            .order_by(LedgerEntry.id)
            .limit(SEAL_BATCH)
        )
        count = 0
        for entry in rows:
            seal_no, count = seal_no + 1, count + 1
            digest = digest_of(entry, digest)
            entry.seal, entry.digest = seal_no, digest
        return count


async def verify(session: AsyncSession) -> int | None:
    """The first place where the chain is broken, or None when every sealed row is as it was sealed."""
    expected, previous = 0, _ZERO
    rows = await session.stream_scalars(
        select(LedgerEntry).where(LedgerEntry.seal.is_not(None)).order_by(LedgerEntry.seal)
    )
    async for entry in rows:
        expected += 1
        previous = digest_of(entry, previous)
        if entry.seal != expected or entry.digest != previous:
            return expected
    return None
