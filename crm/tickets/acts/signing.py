"""签收 and 阅知 (第十三条, 第五条, D6, D7)."""

from sqlalchemy.ext.asyncio import AsyncSession

from crm.tickets.acts.returning import window_ends
from crm.tickets.case import Case
from crm.tickets.rules import Heard, Nothing, Told, effect
from crm.tickets.said import said
from crm.tickets.states import By, Stage


@effect(Nothing)
async def sign(session: AsyncSession, case: Case, given: Nothing) -> Told:
    """The unit takes the order; late or not, its handling clock stays (D7), its return window opens (D8)."""
    part = case.part
    part.signed_at, part.signed_by, part.stage = case.at, case.actor.user_id, Stage.HANDLING
    in_time = part.sign_due_at is None or case.at < part.sign_due_at
    ends = window_ends(case, part)
    heard = Heard(f"确需退回的，请在{said(ends)}前申请。") if ends is not None and part.role != By.SUB else None
    return Told({}, {"role": part.role, "in_time": in_time}, result=heard)


@effect(Nothing)
async def acknowledge(session: AsyncSession, case: Case, given: Nothing) -> Told | None:
    """The copied department has read it; once."""
    if case.part.read_at is not None:
        return None
    case.part.read_at = case.at
    return Told({}, {"read": True})
