"""A person's own inbox: reading it, and noting what was read."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import now
from core.db import paged
from core.errors import NotFound
from core.live import hint
from crm.notices.models import Notice


async def inbox(
    session: AsyncSession,
    user_id: UUID,
    *,
    unread_only: bool = False,
    words: Collection[str] = (),
    oldest_first: bool = False,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> Sequence[Notice]:
    """A page of this person's notices, from behind `after` on; all `words` stand in their texts."""
    wanted = select(Notice).where(Notice.user_id == user_id).limit(limit)
    for word in words:
        wanted = wanted.where(Notice.text.contains(word, autoescape=True))
    if unread_only:
        wanted = wanted.where(Notice.read_at.is_(None))
    wanted = paged(wanted, Notice.created_at, Notice.id, after, oldest_first=oldest_first)
    return (await session.scalars(wanted)).all()


async def read(session: AsyncSession, user_id: UUID, notice_id: UUID | None = None) -> None:
    """Note one of this person's notices, or all, as read. Raises NotFound, also for another person's."""
    if notice_id is not None:
        known = select(Notice.id).where(Notice.id == notice_id, Notice.user_id == user_id)
        if await session.scalar(known) is None:
            raise NotFound("no-such-notice", "没有这条通知。")
    mine = update(Notice).where(Notice.user_id == user_id, Notice.read_at.is_(None))
    if notice_id is not None:
        mine = mine.where(Notice.id == notice_id)
    await session.execute(mine.values(read_at=now()).execution_options(synchronize_session=False))
    hint(session, "notices")


async def unread(session: AsyncSession, user_id: UUID) -> int:
    """How many this person has not read."""
    wanted = select(func.count()).select_from(Notice).where(Notice.user_id == user_id, Notice.read_at.is_(None))
    return await session.scalar(wanted) or 0
