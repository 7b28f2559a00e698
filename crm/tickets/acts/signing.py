"""签收 and 阅知 (第十三条, 第五条, D6, D7), and the unit's own mechanism that begins with it (第八条(三), 第三十条)."""

from sqlalchemy.ext.asyncio import AsyncSession

from crm.members.details import inner_due
from crm.members.service import details_of
from crm.tickets.acts.flowing import begin_flow
from crm.tickets.acts.returning import window_ends
from crm.tickets.case import Case
from crm.tickets.parts import Outcome, end_part
from crm.tickets.rules import Heard, Nothing, Told, effect
from crm.tickets.said import said
from crm.tickets.states import By, Stage


@effect(Nothing)
async def sign(session: AsyncSession, case: Case, given: Nothing) -> Told:
    """The unit takes the order; late or not, its handling clock stays (D7), its return window opens (D8).

    F30-1: by its own details it has an inner due, a first step, and a time to inform the citizen in; none of them
    moves the county's due.
    """
    part = case.part
    part.signed_at, part.signed_by, part.stage = case.at, case.actor.user_id, Stage.HANDLING
    in_time = part.sign_due_at is None or case.at < part.sign_due_at
    details = await details_of(session, part.unit_id)
    part.inner_due_at = inner_due(details, case.rules, case.category, part.dispatched_at, part.due_at)
    if details.inform is not None and part.role == By.LEAD and part.due_at is not None:
        part.inform_due_at = min(case.rules.due(case.at, details.inform).at, part.due_at)
    step = begin_flow(session, case, details.steps)
    after = {"role": part.role, "in_time": in_time} | ({"step": step.name} if step else {})
    ends = window_ends(case, part)
    heard = Heard(f"确需退回的，请在{said(ends)}前申请。") if ends is not None and part.role != By.SUB else None
    return Told({}, after, result=heard)


@effect(Nothing)
async def acknowledge(session: AsyncSession, case: Case, given: Nothing) -> Told | None:
    """The copied department has read it, once; with that 知会 is over for its unit."""
    if case.part.read_at is not None:
        return None
    case.part.read_at = case.at
    if case.part.role == By.READER:
        end_part(case, case.part, Outcome.READ)
    return Told({}, {"read": True})
