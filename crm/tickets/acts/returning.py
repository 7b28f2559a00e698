"""退回: asked by a unit inside its window, decided by the centre, never a way to gain time (第十二条(三), D8–D10)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import new_id
from core.forms import Clean
from crm.procedure import ReturnsPolicy, TargetsPolicy
from crm.tickets.acts.disputing import open_dispute
from crm.tickets.acts.pausing import resume
from crm.tickets.case import Case
from crm.tickets.dues import last_day, move
from crm.tickets.input import Words
from crm.tickets.models import Assignment, ReturnRequest
from crm.tickets.parts import Outcome, end_part, end_round
from crm.tickets.rules import Given, Objection, Told, effect
from crm.tickets.said import said
from crm.tickets.states import By, Stage


class Ground(StrEnum):
    """Why a unit returns: an item of 第十条, or not its duty; in a rework only a changed competence (D20)."""

    ITEM_1 = "item-1"
    ITEM_2 = "item-2"
    ITEM_3 = "item-3"
    ITEM_4 = "item-4"
    ITEM_5 = "item-5"
    ITEM_6 = "item-6"
    ITEM_7 = "item-7"
    NOT_OURS = "not-ours"
    COMPETENCE_CHANGED = "competence-changed"


class Return(Given):
    """申请退回: 依据 or 改派意见 (第十二条(三))."""

    ground: Ground
    basis: Annotated[str, Field(max_length=1000), Clean] = ""
    suggested_unit_id: UUID | None = None
    attachments: Annotated[tuple[UUID, ...], Field(max_length=20)] = ()

    def units(self) -> dict[str, list[UUID]]:
        """改派意见."""
        return {"suggested_unit_id": [self.suggested_unit_id] if self.suggested_unit_id else []}


class LateReturn(Return):
    """超时退单, approved by the bureau with a document number."""

    document: Annotated[str, Field(min_length=2, max_length=60), Clean]


class Decide(Given):
    """A decision with its reason."""

    reason: Words


class RefuseReturn(Decide):
    """不同意退回; days given back where the centre itself took too long (D9)."""

    compensation_days: Annotated[int, Field(ge=0, le=30)] = 0


class DecideAssist(Decide):
    """Which assisting unit's return is decided."""

    assignment_id: UUID


def window_ends(case: Case, part: Assignment) -> datetime | None:
    """The first instant after the window of a signed part (T07)."""
    if part.signed_at is None:
        return None
    return case.rules.due(part.signed_at, case.policy[ReturnsPolicy].window).at


def window(case: Case) -> datetime | None:
    """The same of the actor's own part."""
    return window_ends(case, case.part)


def window_is_open(case: Case) -> Objection | None:
    """D8: one working day after signing; later only with the bureau's approval."""
    ends = window_ends(case, case.part)
    if ends is None or case.at < ends:
        return None
    sentence = f"退回申请已于{said(ends)}截止；确需退回的，由政数局批准后按超时退单办理"
    return Objection(sentence, "第十二条(三)", "", "return-window-closed")


def rework_is_not_returned(case: Case, given: Return) -> Objection | None:
    """D20: a rework comes back only when the competence itself changed; a first handling never for that."""
    rework = case.round is not None and case.round.kind == "rework"
    if rework == (given.ground is Ground.COMPETENCE_CHANGED):
        return None
    return Objection("重办工单只能因职责调整退回" if rework else "请选择退回理由", "D20", "ground")


def return_is_founded(case: Case, given: Return) -> Objection | None:
    """An item of 第十条 needs its 依据; 不属于本部门职责 its 依据 or a 改派意见."""
    if len(given.basis) >= 4 or given.attachments:
        return None
    if given.ground is Ground.NOT_OURS and given.suggested_unit_id is not None:
        return None
    return Objection("请提供退回依据或改派意见", "第十二条(三)", "basis")


def suggests_another(case: Case, given: Return) -> Objection | None:
    """Nobody suggests himself."""
    if given.suggested_unit_id is None or given.suggested_unit_id != case.actor.unit_id:
        return None
    return Objection("改派意见不能是本单位", "第十二条(三)", "suggested_unit_id")


def dispute_trigger(case: Case, given: Return) -> str | None:
    """D11: the so-maniest application on the order, or one that suggests a unit which returned it itself."""
    if case.ticket.returns + 1 >= case.policy[ReturnsPolicy].disputed_from:
        return "second-return"
    returned_before = any(one.unit_id == given.suggested_unit_id for one in case.of(ReturnRequest))
    if returned_before and case.policy[ReturnsPolicy].ping_pong:
        return "ping-pong"
    return None


def is_disputed(case: Case, given: Return) -> bool:
    """Whether the return goes straight to the meeting."""
    return dispute_trigger(case, given) is not None


def not_disputed(case: Case) -> Objection | None:
    """A12.3-5: a second return is not accepted without the decision of a dispute; an assisting unit's by the bureau."""
    if case.ticket.returns < case.policy[ReturnsPolicy].disputed_from:
        return None
    return Objection("第二次退回须经争议协调决定", "第十二条(三)", "", "dispute-first")


def compensation_is_due(case: Case, given: RefuseReturn) -> Objection | None:
    """D9: at most the working days that the review took beyond the first, and never more than policy gives; nothing
    where the clock stood still anyway."""
    if not given.compensation_days:
        return None
    if case.policy[ReturnsPolicy].stops_clock:
        return Objection("退回审核期间已停止计时，不再补工作日", "D9", "compensation_days")
    request = the_request(case, By.LEAD)
    took = working_days(case, request.requested_at, case.at)
    most = min(case.policy[ReturnsPolicy].most_compensation, max(0, took - case.policy[TargetsPolicy].return_review))
    if given.compensation_days <= most:
        return None
    return Objection(f"审核用时{took}个工作日，最多可补{most}个工作日", "D9", "compensation_days")


@effect(Return)
async def apply_return(session: AsyncSession, case: Case, given: Return) -> Told:
    """The unit asks; its clock runs on (D9)."""
    part, trigger = case.part, None
    if part.role == By.LEAD:
        trigger = dispute_trigger(case, given)
    request = _request(session, case, part, given)
    request.state = "disputed" if trigger else "open"
    await session.flush()
    if trigger:
        open_dispute(session, case, trigger, request)
    return Told({}, _kept(case, given, request) | {"dispute": trigger}, given.basis, result=request)


@effect(LateReturn)
async def return_late(session: AsyncSession, case: Case, given: LateReturn) -> Told:
    """The bureau lets the lead return after its window; counted as 超时退单."""
    [part] = case.role(By.LEAD)
    request = _request(session, case, part, given)
    request.late, request.document = True, given.document
    return Told({}, _kept(case, given, request) | {"late": True, "document": given.document}, given.basis)


@effect(Decide)
async def accept_return(session: AsyncSession, case: Case, given: Decide) -> Told:
    """The order comes back to the centre; the unit's part is out of its on-time denominators (D10)."""
    request = settle_request(case, By.LEAD, "accepted", given.reason)
    end_round(case, Outcome.RETURNED, "工单已退回")
    ticket = case.ticket
    ticket.lead_unit_id = ticket.overdue_at = None
    ticket.due_at, ticket.provisional = case.due_at, False
    return Told({}, {"request": str(request.id)}, given.reason)


@effect(RefuseReturn)
async def refuse_return(session: AsyncSession, case: Case, given: RefuseReturn) -> Told:
    """The unit handles it; its due stands to the second, unless the centre gives back days of its own delay."""
    request = settle_request(case, By.LEAD, "refused", given.reason)
    request.compensation_days = given.compensation_days
    case.role(By.LEAD)[0].stage = Stage.HANDLING
    after: dict[str, object] = {"request": str(request.id)}
    if given.compensation_days:
        ends = case.rules.extended(last_day(case), given.compensation_days)
        basis = f"退回审核超时补{given.compensation_days}个工作日：{given.reason}"
        await move(session, case, ends, "compensation", basis)
        after |= {"due_at": ends.at.isoformat(), "compensation_days": given.compensation_days}
    else:
        after |= await resume(session, case, request)
    return Told({}, after, given.reason)


@effect(DecideAssist)
async def accept_assist_return(session: AsyncSession, case: Case, given: DecideAssist) -> Told:
    """An assisting unit is released; the lead goes on."""
    request = settle_request(case, By.ASSIST, "accepted", given.reason, given.assignment_id)
    end_part(case, _part(case, given.assignment_id), Outcome.RETURNED)
    return Told({}, {"request": str(request.id)}, given.reason)


@effect(DecideAssist)
async def refuse_assist_return(session: AsyncSession, case: Case, given: DecideAssist) -> Told:
    """An assisting unit stays."""
    request = settle_request(case, By.ASSIST, "refused", given.reason, given.assignment_id)
    _part(case, given.assignment_id).stage = Stage.HANDLING
    return Told({}, {"request": str(request.id)}, given.reason)


def assist_has_asked(case: Case, given: DecideAssist) -> Objection | None:
    """There is an open request of that assisting unit."""
    asked = any(one.assignment_id == given.assignment_id and one.state == "open" for one in case.of(ReturnRequest))
    if asked and any(part.id == given.assignment_id for part in case.role(By.ASSIST)):
        return None
    return Objection("该协办单位没有待审核的退回申请", "第十二条(三)", "assignment_id")


def the_request(case: Case, by: By, assignment_id: UUID | None = None) -> ReturnRequest:
    """The request that waits: of the lead, or of that part."""
    wanted = assignment_id or case.role(by)[0].id
    waiting = {"open", "forwarded", "disputed"}
    return next(one for one in case.of(ReturnRequest) if one.assignment_id == wanted and one.state in waiting)


def settle_request(case: Case, by: By, state: str, reason: str, assignment_id: UUID | None = None) -> ReturnRequest:
    """The waiting request is decided."""
    request = the_request(case, by, assignment_id)
    request.state, request.reason = state, reason
    request.decided_at, request.decided_by = case.at, case.actor.user_id
    return request


def working_days(case: Case, since: datetime, until: datetime) -> int:
    """The number of the working day, counted from the one after `since`, on which `until` lies."""
    days = 1
    while case.rules.due(since, days).at <= until:
        days += 1
    return days


def _part(case: Case, assignment_id: UUID) -> Assignment:
    return next(part for part in case.open_parts if part.id == assignment_id)


def _request(session: AsyncSession, case: Case, part: Assignment, given: Return) -> ReturnRequest:
    request = ReturnRequest(
        id=new_id(),
        ticket_id=case.ticket.id,
        round_id=case.handling.id,
        assignment_id=part.id,
        unit_id=part.unit_id,
        requested_at=case.at,
        requested_by=case.actor.user_id,
        window_ends_at=window_ends(case, part) or case.at,
        ground=given.ground,
        basis=given.basis,
        suggested_unit_id=given.suggested_unit_id,
        attachments=[str(one) for one in given.attachments],
        review_due_at=case.rules.due(case.at, case.policy[TargetsPolicy].return_review).at,
        state="open",
    )
    session.add(request)
    part.stage = Stage.RETURNING
    case.ticket.returns += 1
    return request


def _kept(case: Case, given: Return, request: ReturnRequest) -> dict[str, object]:
    suggested = case.units[given.suggested_unit_id].name if given.suggested_unit_id else ""
    return {"request": str(request.id), "ground": given.ground, "suggested": suggested}
