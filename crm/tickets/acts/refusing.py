"""不予受理: item, explanation, referral, told; four eyes where policy asks; reopening (第十条, 第十一条, D37)."""

from typing import Annotated

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import new_id
from core.forms import Clean
from crm.procedure import RefusalPolicy
from crm.tickets.acts.disputing import settle_dispute
from crm.tickets.case import Case
from crm.tickets.guards import another
from crm.tickets.input import Words
from crm.tickets.models import Refusal
from crm.tickets.parts import Outcome, end_round
from crm.tickets.rules import Given, Objection, Told, effect

ITEMS = {
    1: "涉及国家机密、商业秘密、个人隐私和违反社会公序良俗的事项",
    2: "涉及党委（履行行政职能的除外）、人大、政协、纪检监察、法院、检察院、军队和武警职能的事项",
    3: "已经或应当通过诉讼、仲裁、行政复议、政府信息公开等程序解决的事项",
    4: "已进入信访渠道的事项或诉求事项已依法依规办结，诉求人仍以同一事实和理由提出诉求的",
    5: "诉求事项确属没有政策、法律法规依据的",
    6: "非我县行政职权管辖范围的事项",
    7: "其他违反法律、法规、规章、规定情形的事项",
}
"""第十条."""


class Refuse(Given):
    """不予受理 with everything that 第十条 and 第十一条 ask."""

    item: Annotated[int, Field(ge=1, le=7)]
    basis: Annotated[str, Field(max_length=500), Clean] = ""
    explanation: Words
    """What the citizen was told."""
    referral: Annotated[str, Field(min_length=4, max_length=300), Clean]
    """Which body is competent, and how to reach it."""
    told: bool
    """转接去向 was told."""
    not_told_reason: Annotated[str, Field(max_length=200), Clean] = ""


class Second(Given):
    """复核意见."""

    reason: Words


def told_or_why_not(case: Case, given: Refuse) -> Objection | None:
    """A11-1: the citizen knows where to turn, or it is written why not."""
    if given.told or len(given.not_told_reason) >= 4:
        return None
    return Objection("请告知诉求人转接去向，或说明未能告知的原因", "第十一条", "not_told_reason")


def basis_is_cited(case: Case, given: Refuse) -> Objection | None:
    """Items that two persons look at cite law or policy."""
    if given.item not in case.policy[RefusalPolicy].four_eyes or len(given.basis) >= 4:
        return None
    return Objection(f"第十条第（{'一二三四五六七'[given.item - 1]}）项须写明依据", "第十条", "basis")


def needs_second(case: Case, given: Refuse) -> bool:
    """A10-2: items of the policy, which are (五) and (七) by the reading."""
    return given.item in case.policy[RefusalPolicy].four_eyes


def none_waits(case: Case) -> Objection | None:
    """While a refusal waits for its second person, nothing else is decided."""
    if waiting(case) is None:
        return None
    return Objection("不予受理待第二人复核，复核后再办理", "D37", "", "refusal-waits")


def one_waits(case: Case) -> Objection | None:
    """There is something to confirm."""
    return Objection("没有待复核的不予受理", "D37", "", "no-refusal") if waiting(case) is None else None


def second_person(case: Case) -> Objection | None:
    """Four eyes."""
    found = waiting(case)
    if found is None or another(case, found.proposed_by):
        return None
    return Objection("须由提出人以外的第二人复核", "D37", "", "four-eyes")


def waiting(case: Case) -> Refusal | None:
    """The refusal that waits for its second person."""
    return next((one for one in case.rows.get(Refusal, []) if one.state == "proposed"), None)


def drop_waiting(case: Case, reason: str) -> None:
    """The order ends in another way: a refusal that waits for its second person falls away with it."""
    row = waiting(case)
    if row is not None:
        row.state, row.second_at, row.second_reason = "void", case.at, reason


@effect(Refuse)
async def refuse_or_propose(session: AsyncSession, case: Case, given: Refuse) -> Told:
    """The order ends, and may be reopened; where two persons look at the item, it stays until the second agrees."""
    origin = "return" if case.round else "intake"
    if needs_second(case, given):
        session.add(_row(case, given, "proposed", origin))
        return Told({}, {"item": given.item, "four_eyes": True}, given.explanation)
    session.add(_row(case, given, "final", origin))
    _end(case, given.item)
    return Told({}, {"item": given.item, "told": given.told}, given.explanation)


@effect(Second)
async def confirm_refusal(session: AsyncSession, case: Case, given: Second) -> Told:
    """The second person agrees."""
    row = _second(case, "final", given.reason)
    _end(case, row.item)
    return Told({}, {"item": row.item}, given.reason)


@effect(Second)
async def reject_refusal(session: AsyncSession, case: Case, given: Second) -> Told:
    """The second person does not: the order goes on."""
    row = _second(case, "rejected", given.reason)
    return Told({}, {"item": row.item, "rejected": True}, given.reason)


@effect(Second)
async def reopen(session: AsyncSession, case: Case, given: Second) -> Told:
    """New evidence, or an error: the order begins again (F10-3)."""
    for row in case.of(Refusal):
        if row.state == "final":
            row.state, row.reopened_at, row.reopened_reason = "reopened", case.at, given.reason
            row.reopened_by = case.actor.user_id
    ticket = case.ticket
    before = {"close_kind": ticket.close_kind, "close_reason": ticket.close_reason}
    ticket.closed_at = ticket.close_kind = ticket.close_reason = None
    ticket.accepted_at = None
    return Told(before, {"reopened": True}, given.reason)


@effect(Refuse)
async def refuse_after_dispute(session: AsyncSession, case: Case, given: Refuse) -> Told:
    """由同级热线中心决定不予受理 (第十二条(三)); the meeting stands for the second person."""
    dispute = settle_dispute(case, "refuse", given.explanation)
    session.add(_row(case, given, "final", "dispute"))
    end_round(case, Outcome.RETURNED, "工单不予受理")
    _end(case, given.item)
    case.ticket.due_at, case.ticket.overdue_at = case.due_at, None
    return Told({}, {"item": given.item, "told": given.told, "dispute": str(dispute.id)}, given.explanation)


def _row(case: Case, given: Refuse, state: str, origin: str) -> Refusal:
    return Refusal(
        id=new_id(),
        ticket_id=case.ticket.id,
        origin=origin,
        state=state,
        proposed_at=case.at,
        proposed_by=case.actor.user_id,
        **given.model_dump(),
    )


def _second(case: Case, state: str, reason: str) -> Refusal:
    row = waiting(case)
    assert row is not None  # a guard has seen to it
    row.state, row.second_at, row.second_by, row.second_reason = state, case.at, case.actor.user_id, reason
    return row


def _end(case: Case, item: int) -> None:
    ticket = case.ticket
    ticket.closed_at, ticket.close_kind, ticket.close_reason = case.at, "refused", ITEMS[item]
    ticket.lead_unit_id = None
