"""限制处理: what is held on a number is kept, and used for nothing but what the citizen asked of the hotline."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import now
from core.db import new_id
from core.events import publish
from core.personal import blind_index
from crm.citizens.events import RestrictionLifted, RestrictionPlaced
from crm.citizens.models import Restriction


def restricted(number: Any) -> ColumnElement[bool]:
    """Whether a restriction stands for the number in this `Personal` column; false where there is no number."""
    standing = select(Restriction.id).where(Restriction.lifted_at.is_(None))
    return standing.where(blind_index(Restriction.phone) == blind_index(number)).exists()


async def is_restricted(session: AsyncSession, phone: str | None) -> bool:
    """Whether what is held on this E.164 number is restricted now."""
    return bool(await standing(session, phone))


async def standing(session: AsyncSession, phone: str | None) -> Sequence[Restriction]:
    """The restrictions of this number that stand, the oldest first."""
    if phone is None:
        return ()
    wanted = select(Restriction).where(Restriction.phone.matches(phone), Restriction.lifted_at.is_(None))
    return (await session.scalars(wanted.order_by(Restriction.placed_at, Restriction.id))).all()


async def place(session: AsyncSession, actor: Actor, phone: str, request_id: UUID) -> Restriction:
    """Restrict a number, once for each request, which holds the reason."""
    row: Restriction | None = await session.scalar(_of(request_id))
    if row is None:
        row = Restriction(id=new_id(), phone=phone, request_id=request_id, placed_at=now(), placed_by_name=actor.name)
        session.add(row)
        await session.flush()
        assert actor.user_id is not None  # a person decides it
        await publish(session, RestrictionPlaced(restriction_id=row.id, by_id=actor.user_id))
    return row


async def lift(session: AsyncSession, actor: Actor, request_id: UUID) -> bool:
    """End what this request placed -> whether anything stood."""
    row: Restriction | None = await session.scalar(_of(request_id).with_for_update())
    if row is None or row.lifted_at is not None:
        return False
    row.lifted_at, row.lifted_by_name = now(), actor.name
    assert actor.user_id is not None
    await publish(session, RestrictionLifted(restriction_id=row.id, by_id=actor.user_id))
    return True


def _of(request_id: UUID) -> Any:
    return select(Restriction).where(Restriction.request_id == request_id)
