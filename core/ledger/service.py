"""Writing the ledger, and sealing it: each row's digest covers the row and the digest before it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.db import Database
from core.ledger.models import LedgerEntry
from core.locks import lock
from core.rows import insert_rows

SEAL_BATCH = 5_000
LEDGER = cast(Table, LedgerEntry.__table__)
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


async def record_each(
    session: AsyncSession, actor: Actor, action: str, subject: str, at: datetime, told: Mapping[object, dict[str, Any]]
) -> None:
    """The same act on many, in one statement: what is said of each by its id."""
    same = {"actor_id": actor.user_id, "actor_name": actor.name, "action": action, "subject": subject, "at": at}
    rows = [{**same, "subject_id": str(id), "detail": detail} for id, detail in told.items()]
    await insert_rows(session, LEDGER, rows)


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
        last = await head(session)
        seal_no, digest = last.place, last.digest
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


@dataclass(frozen=True)
class Link:
    """A place in the chain, from 1 without gaps, and the digest there; 0 and zeros before the first."""

    place: int = 0
    digest: str = _ZERO


async def head(session: AsyncSession) -> Link:
    """The last link."""
    wanted = select(LedgerEntry.seal, LedgerEntry.digest).where(LedgerEntry.seal.is_not(None))
    last = (await session.execute(wanted.order_by(LedgerEntry.seal.desc()).limit(1))).one_or_none()
    return Link(last[0] or 0, last[1] or _ZERO) if last else Link()


async def verify(session: AsyncSession, after: Link = Link(), until: Link | None = None) -> int | None:
    """The first place behind `after` where the chain is broken, or None when every sealed row is as it was sealed.

    With `until` the chain has to lead there, and rows behind it are left alone.
    """
    wanted = select(LedgerEntry).where(LedgerEntry.seal > after.place).order_by(LedgerEntry.seal)
    if until:
        wanted = wanted.where(LedgerEntry.seal <= until.place)
    at = after
    rows = await session.stream_scalars(wanted.execution_options(yield_per=SEAL_BATCH))
    async for entry in rows:
        at = Link(at.place + 1, digest_of(entry, at.digest))
        if entry.seal != at.place or entry.digest != at.digest:
            return at.place
        session.expunge(entry)
    if until and at != until:
        return min(at.place + 1, until.place)
    return None
