"""责任核实 and what follows: rework 重办, exclusion by 第二十六条, candidates for supervision 督办 (D20, D22–D25)."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import new_id
from core.identity.models import Unit
from crm.county.categories import Category
from crm.policy import LimitsPolicy
from crm.procedure import FollowUpPolicy
from crm.tickets.acts.closing import Grade, Why, verification
from crm.tickets.acts.copying import copy_departments
from crm.tickets.acts.replying import CloseKind
from crm.tickets.case import Case
from crm.tickets.dues import held
from crm.tickets.input import Words
from crm.tickets.models import Assignment, Rating, Reply, SupervisionCandidate
from crm.tickets.parts import add_part, open_round
from crm.tickets.rules import Given, Objection, Told, effect
from crm.tickets.states import By


class Rework(Given):
    """责成重办."""

    basis: Words
    limit_days: Annotated[int | None, Field(ge=1, le=366)] = None
    """A shorter limit than the category's, when the bureau sets one."""


class Article26(StrEnum):
    """第二十六条: the two grounds, both narrow."""

    ITEM_1 = "item-1"
    ITEM_2 = "item-2"


class Exclude(Given):
    """第二十六条剔除."""

    ground: Article26
    basis: Words


class OnCandidate(Given):
    """Which candidate, and why."""

    candidate_id: UUID
    reason: Words


def was_dispatched(case: Case) -> Objection | None:
    """An answer of the centre itself has no unit that could rework it."""
    if case.round is not None:
        return None
    return Objection("即时答复的工单没有承办单位；可重新受理后派单", "第十二条(七)", "", "no-unit")


def not_longer(case: Case, given: Rework) -> Objection | None:
    """D20: the category's limit, or a shorter one."""
    most = case.policy[LimitsPolicy].of(case.category) if case.category else 0
    if given.limit_days is None or given.limit_days <= most:
        return None
    return Objection(f"重办时限不得超过{most}个工作日", "D20", "limit_days")


def ground_holds(case: Case, given: Exclude) -> Objection | None:
    """A26-1: (一) only 建议 that was not adopted; (二) only 无政策法规依据 that was cited and explained."""
    rating = present_rating(case)
    if given.ground is Article26.ITEM_1:
        if case.category is Category.SUGGESTION and rating is not None and rating.reason == Why.NOT_ADOPTED:
            return None
        return Objection("仅限建议类诉求因建议未被采纳而不满意的", "第二十六条(一)", "ground")
    reply = next((one for one in reversed(case.of(Reply)) if one.state == "passed" and one.role == By.LEAD), None)
    if reply is not None and reply.close_kind == CloseKind.NO_BASIS and reply.citation and reply.explained:
        return None
    return Objection("仅限确无政策法规依据、且承办单位已进行解释回访的", "第二十六条(二)", "ground")


def a_candidate_waits(case: Case) -> Objection | None:
    """There is something to decide."""
    if any(one.state == "open" for one in case.of(SupervisionCandidate)):
        return None
    return Objection("没有待认定的督办候选", "第十二条(五)", "", "nothing-waits")


def something_is_supervised(case: Case) -> Objection | None:
    """There is something to release."""
    if any(one.state == "confirmed" for one in case.of(SupervisionCandidate)):
        return None
    return Objection("工单没有在督办的事项", "第十二条(五)", "", "not-supervised")


def candidate_is_open(case: Case, given: OnCandidate) -> Objection | None:
    """It waits for a person."""
    if any(one.id == given.candidate_id and one.state == "open" for one in case.of(SupervisionCandidate)):
        return None
    return Objection("该督办候选已处理", "第十二条(五)", "candidate_id")


def candidate_is_confirmed(case: Case, given: OnCandidate) -> Objection | None:
    """It is under supervision."""
    if any(one.id == given.candidate_id and one.state == "confirmed" for one in case.of(SupervisionCandidate)):
        return None
    return Objection("该事项未在督办", "第十二条(五)", "candidate_id")


def present_rating(case: Case) -> Rating | None:
    """The rating of the present round."""
    return next((one for one in reversed(case.of(Rating)) if one.superseded_at is None), None)


def unsatisfied_rounds(case: Case) -> int:
    """2次回访不满意: rounds whose rating is bad and not excluded, over the order's life (D22)."""
    bad = {Grade.UNSATISFIED, Grade.VERY_UNSATISFIED}
    return sum(one.grade in bad and not one.excluded and one.superseded_at is None for one in case.of(Rating))


@effect(Rework)
async def order_rework(session: AsyncSession, case: Case, given: Rework) -> Told:
    """属承办责任: a named person orders a new round with a fresh clock, of the same unit (D20)."""
    assert case.round is not None
    assert case.category is not None
    unit_id, round_id = _responsible(case), case.round.id
    session.add(verification(case, "unit", given.basis))
    count = unsatisfied_rounds(case)
    levels = (1, 2) if count >= case.policy[FollowUpPolicy].supervised_from else ()
    for level in levels:
        _candidate(session, case, round_id, unit_id, level)
    limit = given.limit_days or case.policy[LimitsPolicy].of(case.category)
    kind = "ordered" if given.limit_days else "category"
    ends = open_round(session, case, "rework", limit, limit_kind=kind)
    part = add_part(session, case, unit_id, By.LEAD, f"第{count}次回访不满意，经核实属承办单位责任")
    await copy_departments(session, case, [(await session.get_one(Unit, unit_id), part)])
    ticket = case.ticket
    ticket.closed_at = ticket.close_kind = ticket.close_reason = None
    after = {"round": case.handling.n, "limit_days": limit, "due_at": ends.at.isoformat(), "unsatisfied": count}
    after |= {"candidates": list(levels), "provisional": ends.provisional} | held(case)
    return Told({}, after, given.basis)


@effect(Exclude)
async def exclude(session: AsyncSession, case: Case, given: Exclude) -> Told:
    """The rating is kept and shown, and counted nowhere (D25)."""
    rating = present_rating(case)
    assert rating is not None  # the state says so
    rating.excluded = given.ground
    session.add(verification(case, "article-26", given.basis))
    return Told({}, {"ground": given.ground, "rating": str(rating.id)}, given.basis)


@effect(OnCandidate)
async def confirm_candidate(session: AsyncSession, case: Case, given: OnCandidate) -> Told:
    """立案: a named person finds 办理不力 (D23)."""
    row = _settle(case, given, "confirmed")
    case.ticket.supervision_level = max(case.ticket.supervision_level, row.level)
    return Told({}, {"level": row.level, "ground": row.ground}, given.reason)


@effect(OnCandidate)
async def dismiss_candidate(session: AsyncSession, case: Case, given: OnCandidate) -> Told:
    """不予立案, with its reason."""
    row = _settle(case, given, "dismissed")
    return Told({}, {"level": row.level, "ground": row.ground}, given.reason)


@effect(OnCandidate)
async def release(session: AsyncSession, case: Case, given: OnCandidate) -> Told:
    """销号: what was supervised is mended."""
    row = _settle(case, given, "rectified")
    left = [one.level for one in case.of(SupervisionCandidate) if one.state == "confirmed"]
    case.ticket.supervision_level = max(left, default=0)
    return Told({}, {"level": row.level, "ground": row.ground}, given.reason)


def _responsible(case: Case) -> UUID:
    """The unit whose answer was rated: the lead of the round that ended."""
    leads = [part for part in case.parts if part.role == By.LEAD]
    last: Assignment = leads[-1]
    return last.unit_id


def _candidate(session: AsyncSession, case: Case, round_id: UUID, unit_id: UUID, level: int) -> None:
    session.add(
        SupervisionCandidate(
            id=new_id(),
            ticket_id=case.ticket.id,
            round_id=round_id,
            unit_id=unit_id,
            level=level,
            ground="unsatisfied",
            opened_at=case.at,
            state="open",
        )
    )


def _settle(case: Case, given: OnCandidate, state: str) -> SupervisionCandidate:
    row = next(one for one in case.of(SupervisionCandidate) if one.id == given.candidate_id)
    row.state, row.decided_at, row.decided_by, row.reason = state, case.at, case.actor.user_id, given.reason
    return row
