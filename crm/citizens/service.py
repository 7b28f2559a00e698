"""Knowing who calls: found by the number, remembered by what was last told."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import now
from core.personal import blind_index
from crm.citizens.models import Citizen


async def known(session: AsyncSession, *phones: str) -> dict[str, Citizen]:
    """The citizens who call from these E.164 numbers, as far as they are known."""
    if not phones:
        return {}
    found = await session.scalars(select(Citizen).where(Citizen.phone.among(phones)))
    return {citizen.phone: citizen for citizen in found}


async def remember(session: AsyncSession, phone: str, *, name: str | None = None, address: str | None = None) -> UUID:
    """The citizen of this number, made if new; a name or address that is given replaces the old one.

    One statement, whoever else does the same; nothing else of the session is written for it.
    """
    told = {field: value for field, value in (("name", name), ("address", address)) if value}
    made = insert(Citizen).values(phone=phone, **told)
    by_number = [blind_index(Citizen.phone)]
    kept = made.on_conflict_do_update(index_elements=by_number, set_={"updated_at": now(), **told})
    return (await session.execute(kept.returning(Citizen.id))).scalar_one()


async def release(session: AsyncSession, phone: str) -> None:
    """Nobody is known by this number any more: its citizen has another one."""
    found = update(Citizen).where(Citizen.phone.matches(phone)).values(name=None, address=None, updated_at=now())
    await session.execute(found.execution_options(synchronize_session=False))
