"""Knowing who calls: found by the number, remembered by what was last told."""

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.locks import lock_key
from core.personal import blind
from crm.citizens.models import Citizen


async def known(session: AsyncSession, phone: str | None) -> Citizen | None:
    """The citizen who calls from this E.164 number, or None."""
    if phone is None:
        return None
    found: Citizen | None = await session.scalar(select(Citizen).where(Citizen.phone.matches(phone)))
    return found


async def remember(
    session: AsyncSession, phone: str, *, name: str | None = None, address: str | None = None
) -> Citizen:
    """The citizen of this number, made if new; a name or address that is given replaces the old one."""
    key = {"key": lock_key(f"citizen:{blind(phone)}")}
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), key)
    citizen = await known(session, phone)
    if citizen is None:
        citizen = Citizen(phone=phone)
        session.add(citizen)
    if name:
        citizen.name = name
    if address:
        citizen.address = address
    await session.flush()
    return citizen
