"""A unit's inner flow: its steps one after the other, each with a soft time; and 告知 the citizen (第八条(三))."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AwareDatetime, Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.forms import Clean
from core.permissions import Permission
from crm.members.details import FlowStep, step_due
from crm.tickets.acts.replying import Contact
from crm.tickets.case import Case
from crm.tickets.input import Words
from crm.tickets.models import InternalStep
from crm.tickets.rules import Given, Objection, Told, effect
from crm.tickets.said import said


class Step(Given):
    """内部流转: the next step; `needs_leader` for 呈批."""

    name: Annotated[str, Field(min_length=2, max_length=40), Clean]
    note: Annotated[str, Field(max_length=500), Clean] = ""
    needs_leader: bool = False
    soft_due_at: AwareDatetime | None = None


class StepDone(Given):
    """The step's result."""

    result: Words


class Informed(Given):
    """告知: the unit told the citizen that it has the order, and who handles it."""

    contact_method: Contact
    contact_at: AwareDatetime
    contact_person: Annotated[str, Field(min_length=2, max_length=40), Clean]
    note: Annotated[str, Field(max_length=500), Clean] = ""


def step_lies_inside(case: Case, given: Step) -> Objection | None:
    """A08-3: a step never goes beyond the unit's own due."""
    due_at = case.part.due_at
    if given.soft_due_at is None or due_at is None or case.at < given.soft_due_at <= due_at:
        return None
    return Objection(f"内部时限应在本单位办理时限（{said(due_at)}）之内", "第八条(三)", "soft_due_at")


def no_step_is_open(case: Case) -> Objection | None:
    """One step after the other."""
    step = open_step(case)
    return Objection(f"“{step.name}”尚未完成", "第八条(三)", "", "step-open") if step else None


def a_step_is_open(case: Case) -> Objection | None:
    """There is something to finish, and the right person does it."""
    step = open_step(case)
    if step is None:
        return Objection("没有进行中的内部步骤", "第八条(三)", "", "no-step")
    if step.needs_leader and not case.actor.may(Permission.ORDER_UNIT_LEAD):
        return Objection(f"“{step.name}”由本单位分管领导办理，外出时由其B角办理", "第八条(三)", "", "leader-step")
    return None


def steps_are_done(case: Case) -> Objection | None:
    """呈批 is not skipped."""
    return no_step_is_open(case)


def not_informed_yet(case: Case) -> Objection | None:
    """Once is enough; what follows is the answer."""
    informed = case.part.informed_at
    return Objection(f"已于{said(informed)}告知诉求人", "第八条(三)", "", "informed") if informed else None


def informed_while_handling(case: Case, given: Informed) -> Objection | None:
    """After the order came, and not in the future."""
    if case.part.dispatched_at <= given.contact_at <= case.at:
        return None
    return Objection(f"告知时间应在{said(case.part.dispatched_at)}派发之后、此刻之前", "第八条(三)", "contact_at")


@effect(Step)
async def open_a_step(session: AsyncSession, case: Case, given: Step) -> Told:
    """A step that the unit's flow does not hold; never moves the statutory due."""
    step = _open(session, case, given.name, note=given.note, needs_leader=given.needs_leader)
    step.soft_due_at = given.soft_due_at
    return Told({}, {"step": given.name, "needs_leader": given.needs_leader}, given.note)


@effect(StepDone)
async def finish_step(session: AsyncSession, case: Case, given: StepDone) -> Told:
    """The step's result; the next of the flow begins."""
    step = open_step(case)
    assert step is not None  # a guard has seen to it
    step.done_at, step.done_by, step.result = case.at, case.actor.user_id, given.result
    await session.flush()  # one is open at a time
    following = begin_flow(session, case, [FlowStep.model_validate(one) for one in step.rest])
    return Told({}, {"step": step.name} | ({"next": following.name} if following else {}), given.result)


@effect(Informed)
async def inform(session: AsyncSession, case: Case, given: Informed) -> Told:
    """F08-3: told by whom, when and how; the answer of 第十二条(四) is another thing."""
    case.part.informed_at = given.contact_at
    kept: dict[str, Any] = {"contact_method": given.contact_method, "contact_at": given.contact_at.isoformat()}
    return Told({}, kept | {"contact_person": given.contact_person}, given.note)


def begin_flow(session: AsyncSession, case: Case, steps: Sequence[FlowStep]) -> InternalStep | None:
    """The first of these steps; it carries the others along, so that a later change of the details leaves them be."""
    if not steps:
        return None
    first, part = steps[0], case.part
    step = _open(session, case, first.name, needs_leader=first.needs_leader)
    step.soft_due_at = step_due(first, case.rules, case.at, part.inner_due_at, part.due_at)
    step.rest = [one.model_dump(mode="json") for one in steps[1:]]
    return step


def open_step(case: Case) -> InternalStep | None:
    """The step that one's own part is in."""
    mine = case.mine
    steps = case.rows.get(InternalStep, [])
    return next((one for one in steps if mine is not None and one.assignment_id == mine.id and not one.done_at), None)


def _open(session: AsyncSession, case: Case, name: str, *, needs_leader: bool, note: str = "") -> InternalStep:
    part = case.part
    count = sum(one.assignment_id == part.id for one in case.rows.get(InternalStep, []))
    step = InternalStep(ticket_id=case.ticket.id, assignment_id=part.id, n=count + 1, name=name, note=note)
    step.needs_leader, step.opened_at, step.opened_by = needs_leader, case.at, case.actor.user_id
    session.add(step)
    return step
