"""争议协调: the bureau convenes the units' leaders in person, the centre decides (第十二条(三), D10, D11)."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import new_id
from core.forms import Clean
from crm.procedure import TargetsPolicy
from crm.tickets.acts.pausing import resume
from crm.tickets.case import Case
from crm.tickets.input import Line, Words
from crm.tickets.models import Dispute, DisputeAttendee, ReturnRequest
from crm.tickets.rules import Given, Objection, Told, effect
from crm.tickets.states import By, Stage


class Call(Given):
    """提交协调 by a person: 推诿扯皮."""

    reason: Words


class Attendee(Given):
    """分管领导 of a unit, and that he signed the minutes, or why not."""

    unit_id: UUID
    name: Annotated[str, Field(min_length=2, max_length=40), Clean]
    position: Line = ""
    signed: bool = False
    unsigned_reason: Annotated[str, Field(max_length=100), Clean] = ""


class Meeting(Given):
    """协调会: when, where, who chaired it, who sat there and signed, what was said; the scan of the signed minutes."""

    held_at: AwareDatetime
    place: Annotated[str, Field(max_length=60), Clean] = ""
    chair: Line = ""
    attendees: Annotated[tuple[Attendee, ...], Field(min_length=1, max_length=30)]
    minutes: Words
    document: Annotated[str, Field(max_length=60), Clean] = ""
    attachments: Annotated[tuple[UUID, ...], Field(max_length=20)] = ()

    def units(self) -> dict[str, list[UUID]]:
        """Whose leaders sat there."""
        return {"attendees": [one.unit_id for one in self.attendees]}


class Minutes(Given):
    """会议纪要扫描件, signed after the meeting was put on record and its record printed."""

    attachments: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=20)]


class Uphold(Given):
    """原单位承办."""

    decision: Words


def open_dispute(session: AsyncSession, case: Case, trigger: str, request: ReturnRequest | None) -> None:
    """立即召集: within the policy's target (T09)."""
    session.add(
        Dispute(
            id=new_id(),
            ticket_id=case.ticket.id,
            round_id=case.handling.id,
            return_request_id=request.id if request else None,
            opened_at=case.at,
            opened_by=case.actor.user_id,
            trigger=trigger,
            convene_due_at=case.rules.due(case.at, case.policy[TargetsPolicy].dispute_meeting).at,
        )
    )


def the_dispute(case: Case) -> Dispute | None:
    """The one that is open."""
    return next((one for one in case.of(Dispute) if one.closed_at is None), None)


def meeting_was_held(case: Case) -> Objection | None:
    """当面解决: nothing is decided before the leaders met."""
    dispute = the_dispute(case)
    if dispute is not None and dispute.held_at is not None:
        return None
    return Objection("请先由政数局召集协调会并登记", "第十二条(三)", "", "no-meeting")


def a_meeting_is_on_record(case: Case) -> Objection | None:
    """Of the newest dispute, be it decided or not."""
    if (disputes := case.of(Dispute)) and disputes[-1].held_at is not None:
        return None
    return Objection("尚未登记协调会，没有会议纪要", "第十二条(三)", "", "no-meeting")


def meeting_is_past(case: Case, given: Meeting) -> Objection | None:
    """After the dispute began, before now."""
    dispute = the_dispute(case)
    if dispute is not None and dispute.opened_at <= given.held_at <= case.at:
        return None
    return Objection("会议时间应在提交协调之后、此刻之前", "第十二条(三)", "held_at")


def returning_unit_sat_there(case: Case, given: Meeting) -> Objection | None:
    """The unit that returned it is heard."""
    lead = case.lead
    if lead is None or any(one.unit_id == lead.unit_id for one in given.attendees):
        return None
    return Objection("参会人员应包括申请退回单位的分管领导", "第十二条(三)", "attendees")


def minutes_are_signed(case: Case, given: Meeting) -> Objection | None:
    """F12.3-3: whoever sat there signed the minutes, or it is on record why not."""
    if all(one.signed or len(one.unsigned_reason) >= 2 for one in given.attendees):
        return None
    return Objection("请确认参会人员已在纪要上签字，或注明未签字的原因", "第十二条(三)", "attendees")


def settle_dispute(case: Case, outcome: str, decision: str, **what: object) -> Dispute:
    """The decision is written down and the dispute ends."""
    dispute = the_dispute(case)
    assert dispute is not None  # a guard has seen to it
    dispute.outcome, dispute.decision = outcome, decision
    for name, value in what.items():
        setattr(dispute, name, value)
    dispute.closed_at, dispute.closed_by = case.at, case.actor.user_id
    for request in case.of(ReturnRequest):
        if request.state == "disputed":
            request.state = "refused" if outcome == "same" else "accepted"
            request.decided_at, request.decided_by, request.reason = case.at, case.actor.user_id, decision
    return dispute


@effect(Call)
async def call_dispute(session: AsyncSession, case: Case, given: Call) -> Told:
    """A person of the centre or the bureau sees 推诿扯皮."""
    request = next(
        (one for one in case.of(ReturnRequest) if one.state in {"open", "forwarded"} and _of_lead(case, one)), None
    )
    if request is not None:
        request.state = "disputed"
    case.role(By.LEAD)[0].stage = Stage.RETURNING
    open_dispute(session, case, "person", request)
    return Told({}, {"trigger": "person"}, given.reason)


@effect(Meeting)
async def record_meeting(session: AsyncSession, case: Case, given: Meeting) -> Told:
    """Who sat there and what was said; the centre decides afterwards."""
    dispute = the_dispute(case)
    assert dispute is not None
    dispute.held_at, dispute.minutes, dispute.document = given.held_at, given.minutes, given.document
    dispute.place, dispute.chair, dispute.recorded_by = given.place, given.chair, case.actor.user_id
    dispute.attachments = [str(one) for one in given.attachments]
    for one in given.attendees:
        session.add(DisputeAttendee(dispute_id=dispute.id, **one.model_dump()))
    units = [case.units[one.unit_id].name for one in given.attendees]
    signed = [case.units[one.unit_id].name for one in given.attendees if one.signed]
    kept = {"held_at": given.held_at.isoformat(), "attendees": units, "signed": signed}
    return Told({}, kept, given.minutes)


@effect(Minutes)
async def file_minutes(session: AsyncSession, case: Case, given: Minutes) -> Told:
    """The scan joins what was filed with the meeting; nothing that is there goes."""
    dispute = case.of(Dispute)[-1]
    dispute.attachments = [*dispute.attachments, *(str(one) for one in given.attachments)]
    return Told({}, {"files": len(given.attachments)})


@effect(Uphold)
async def uphold(session: AsyncSession, case: Case, given: Uphold) -> Told:
    """The same unit: its original clock stands (D10)."""
    asked = next((one for one in case.of(ReturnRequest) if one.state == "disputed" and _of_lead(case, one)), None)
    dispute = settle_dispute(case, "same", given.decision)
    case.role(By.LEAD)[0].stage = Stage.HANDLING
    after = await resume(session, case, asked)
    return Told({}, {"dispute": str(dispute.id)} | after, given.decision)


def _of_lead(case: Case, request: ReturnRequest) -> bool:
    return any(part.id == request.assignment_id for part in case.role(By.LEAD))
