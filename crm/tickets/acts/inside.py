"""二级转办: a unit hands an order on to a body below it, whose answer it checks (第八条(六))."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.forms import Clean
from core.identity.profiles import Lack
from crm.tickets.case import Case
from crm.tickets.dues import earlier_by
from crm.tickets.input import Words
from crm.tickets.models import Assignment, Reply
from crm.tickets.parts import Outcome, add_part, end_part
from crm.tickets.rules import Given, Objection, Told, effect
from crm.tickets.said import said
from crm.tickets.states import By, Stage


class Delegate(Given):
    """二级转办."""

    unit_id: UUID
    note: Annotated[str, Field(max_length=500), Clean] = ""
    due_at: AwareDatetime | None = None
    """Empty: as late as it may be."""

    def units(self) -> dict[str, list[UUID]]:
        """The sub-unit."""
        return {"unit_id": [self.unit_id]}


class OfSub(Given):
    """Which sub-unit's part is meant, and why."""

    assignment_id: UUID
    reason: Words


def latest_inner(case: Case) -> datetime | None:
    """One working day before one's own due (F08-6)."""
    due_at = case.part.due_at
    return earlier_by(case, due_at, 1) if due_at is not None else None


def inner_is_possible(case: Case) -> Objection | None:
    """There is a working day left for the sub-unit."""
    latest = latest_inner(case)
    if latest is None or case.at < latest:
        return None
    return Objection("距本单位到期不足1个工作日，不能二级转办", "第八条(六)", "", "too-late-to-delegate")


def inner_due_is_earlier(case: Case, given: Delegate) -> Objection | None:
    """F08-6: inner due ≤ parent due − 1 working day."""
    latest = latest_inner(case)
    if given.due_at is None or latest is None or case.at < given.due_at <= latest:
        return None
    return Objection(f"二级承办时限不得晚于{said(latest)}", "第八条(六)", "due_at")


def sub_is_below(case: Case, given: Delegate) -> Objection | None:
    """第八条(六): a unit hands on to 站所, villages and bodies of its own."""
    unit = case.units.get(given.unit_id)
    if unit is not None and unit.parent_unit_id == case.part.unit_id:
        return None
    return Objection("只能转给本单位的下级单位", "第八条(六)", "unit_id")


def sub_can_sign(case: Case, given: Delegate) -> Objection | None:
    """Nothing is handed to where nobody could take it."""
    unit = case.units.get(given.unit_id)
    if unit is None or Lack.CLERK not in unit.lacks:
        return None
    return Objection(f"{unit.name}没有启用的经办人账号，转办后无人签收", "第八条(六)", "unit_id")


def sub_has_no_part(case: Case, given: Delegate) -> Objection | None:
    """A unit has one part in a round."""
    if all(part.unit_id != given.unit_id for part in case.open_parts):
        return None
    return Objection("该单位已在本工单中承办", "第八条(六)", "unit_id")


def sub_is_mine(case: Case, given: OfSub) -> Objection | None:
    """The sub-unit answers to one's own part."""
    if any(part.id == given.assignment_id for part in subs(case)):
        return None
    return Objection("该二级承办任务不属于本单位", "第八条(六)", "assignment_id")


def sub_has_answered(case: Case, given: OfSub) -> Objection | None:
    """There is an answer to check."""
    part = next((one for one in subs(case) if one.id == given.assignment_id), None)
    if part is None or part.stage == Stage.SUBMITTED:
        return None
    return Objection("二级承办单位尚未上报", "第八条(六)", "assignment_id")


def subs_are_done(case: Case) -> Objection | None:
    """The parent checks or recalls what it handed on before it answers."""
    if not subs(case):
        return None
    return Objection("二级承办单位的办理结果尚未审核，可审核或收回", "第八条(六)", "", "sub-open")


@effect(Delegate)
async def delegate(session: AsyncSession, case: Case, given: Delegate) -> Told:
    """A sub-unit handles it for the unit, with an earlier due; the unit answers for it."""
    part = add_part(session, case, given.unit_id, By.SUB, f"二级转办：{given.note}" if given.note else "二级转办")
    part.parent_id, part.due_at = case.part.id, given.due_at or latest_inner(case)
    if part.sign_due_at is not None and part.due_at is not None:
        part.sign_due_at = min(part.sign_due_at, part.due_at)
    name = case.units[given.unit_id].name
    return Told({}, {"sub": name, "due_at": part.due_at.isoformat() if part.due_at else None}, given.note)


@effect(OfSub)
async def approve_sub(session: AsyncSession, case: Case, given: OfSub) -> Told:
    """审核把关: the unit stands for the sub-unit's answer."""
    part = _sub(case, given.assignment_id)
    end_part(case, part, Outcome.ACCEPTED)
    part.accepted_at = case.at
    for reply in case.of(Reply):
        if reply.assignment_id == part.id and reply.state == "submitted":
            reply.state = "passed"
    return Told({}, {"sub_part": str(part.id)}, given.reason)


@effect(OfSub)
async def send_back_sub(session: AsyncSession, case: Case, given: OfSub) -> Told:
    """The sub-unit mends its answer."""
    part = _sub(case, given.assignment_id)
    part.stage, part.submitted_at, part.sent_back = Stage.HANDLING, None, part.sent_back + 1
    for reply in case.of(Reply):
        if reply.assignment_id == part.id and reply.state == "submitted":
            reply.state = "sent-back"
    return Told({}, {"sub_part": str(part.id)}, given.reason)


@effect(OfSub)
async def recall_sub(session: AsyncSession, case: Case, given: OfSub) -> Told:
    """The unit takes it back."""
    end_part(case, _sub(case, given.assignment_id), Outcome.RECALLED)
    return Told({}, {"sub_part": str(given.assignment_id)}, given.reason)


def subs(case: Case) -> list[Assignment]:
    """Open parts that answer to one's own."""
    mine = case.mine
    return [part for part in case.role(By.SUB) if mine is not None and part.parent_id == mine.id]


def _sub(case: Case, assignment_id: UUID) -> Assignment:
    return next(part for part in subs(case) if part.id == assignment_id)
