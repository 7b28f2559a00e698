"""Knowing who calls: found by the number, remembered by what was last told."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.locks import lock
from core.personal import blind
from crm.citizens.models import Citizen


async def known(session: AsyncSession, *phones: str) -> dict[str, Citizen]:
    """The citizens who call from these E.164 numbers, as far as they are known."""
    if not phones:
        return {}
    found = await session.scalars(select(Citizen).where(Citizen.phone.among(phones)))
    return {citizen.phone: citizen for citizen in found}


async def remember(
    session: AsyncSession, phone: str, *, name: str | None = None, address: str | None = None
) -> Citizen:
    """The citizen of this number, made if new; a name or address that is given replaces the old one."""
    await lock(session, f"citizen:{blind(phone)}")
    citizen = (await known(session, phone)).get(phone)
    if citizen is None:
        citizen = Citizen(phone=phone)
        session.add(citizen)
    if name:
        citizen.name = name
    if address:
        citizen.address = address
    await session.flush()
    return citizen
