"""Once per key (draft-ietf-httpapi-idempotency-key-header): claim it, act, keep the answer, in one transaction."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.db import Database
from core.errors import Invalid
from core.idempotency.models import KeptAnswer

KEEP: Final = timedelta(hours=72)
"""How long a program may repeat itself: a weekend's outage on its side. Later the same key is a new act."""
EXPIRE_EVERY_S: Final = 600.0


async def claim(session: AsyncSession, account_id: UUID, key: str, fingerprint: str) -> KeptAnswer | None:
    """Take the key in this transaction -> None, or the answer that was given under it.

    Whoever asks with the same key meanwhile waits at the unique index until this transaction ends: then there is an
    answer, or (after a refusal, which leaves no row) the key is free again. Raises `Invalid("idempotency-key-reused")`
    where something else was asked for under it.
    """
    made = (
        insert(KeptAnswer)
        .values(account_id=account_id, key=key, fingerprint=fingerprint, status=0, body="", at=clock.now())
        .on_conflict_do_nothing()
        .returning(KeptAnswer.key)
    )
    if (await session.execute(made)).first() is not None:
        return None
    mine = (KeptAnswer.account_id == account_id, KeptAnswer.key == key)
    found = await session.scalar(select(KeptAnswer).where(*mine))
    if found is None:  # expired between the two statements
        return await claim(session, account_id, key, fingerprint)
    if found.fingerprint != fingerprint:
        raise Invalid("idempotency-key-reused", "该幂等键已用于另一次不同的提交，请为新的提交更换幂等键。")
    return found


async def keep(session: AsyncSession, account_id: UUID, key: str, status: int, body: str) -> None:
    """The answer, in the transaction that claimed the key."""
    mine = update(KeptAnswer).where(KeptAnswer.account_id == account_id, KeptAnswer.key == key)
    await session.execute(mine.values(status=status, body=body))


async def expire(db: Database) -> int:
    """Forget answers older than `KEEP` -> how many."""
    async with db.session() as session:
        gone = await session.execute(
            delete(KeptAnswer).where(KeptAnswer.at < clock.now() - KEEP).returning(KeptAnswer.key)
        )
        return len(gone.all())
