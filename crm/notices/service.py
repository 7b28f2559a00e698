"""A person's own inbox: reading it, and noting what was read."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import now
from core.errors import NotFound
from core.live import hint
from crm.notices.models import Notice


async def inbox(
    session: AsyncSession, user_id: UUID, *, unread_only: bool, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Notice]:
    """This person's notices, the newest first."""
    wanted = select(Notice).where(Notice.user_id == user_id)
    if unread_only:
        wanted = wanted.where(Notice.read_at.is_(None))
    if before:
        wanted = wanted.where(tuple_(Notice.created_at, Notice.id) < tuple_(*before))
    return (await session.scalars(wanted.order_by(Notice.created_at.desc(), Notice.id.desc()).limit(limit))).all()


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
