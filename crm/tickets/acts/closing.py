"""回访, 评价, 责任核实 and 归档 (第十二条(七)(八)(九), D21, D22)."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import local
from core.db import new_id
from core.forms import Clean
from crm.procedure import FollowUpPolicy
from crm.tickets.case import Case
from crm.tickets.input import Words
from crm.tickets.models import FollowUp, Rating, SupervisionCandidate, Verification
from crm.tickets.rules import Given, Nothing, Objection, Told, effect
from crm.tickets.said import said


class Result(StrEnum):
    """How an attempt to reach the citizen ended."""

    RATED = "rated"
    UNREACHED = "unreached"
    DECLINED = "declined"
    WRONG_NUMBER = "wrong-number"
    NOT_WANTED = "not-wanted"


class Grade(StrEnum):
    """满意度: five grades, the last two named by 第二十六条."""

    VERY_SATISFIED = "very-satisfied"
    SATISFIED = "satisfied"
    FAIRLY_SATISFIED = "fairly-satisfied"
    UNSATISFIED = "unsatisfied"
    VERY_UNSATISFIED = "very-unsatisfied"

    @property
    def label(self) -> str:
        """As it is asked."""
        return dict(zip(Grade, ("非常满意", "满意", "基本满意", "不满意", "非常不满意"), strict=True))[self]

    @property
    def bad(self) -> bool:
        """Whether it opens 责任核实."""
        return self in {Grade.UNSATISFIED, Grade.VERY_UNSATISFIED}


class Why(StrEnum):
    """Why unsatisfied."""

    UNSOLVED = "unsolved"
    SLOW = "slow"
    ATTITUDE = "attitude"
    NOT_CONTACTED = "not-contacted"
    NOT_ADOPTED = "not-adopted"
    """建议未采纳: the only one that 第二十六条(一) covers."""
    OTHER = "other"


class Attempt(Given):
    """回访记录: one attempt and, where the citizen was reached, the rating."""

    result: Result
    grade: Grade | None = None
    solved: bool | None = None
    contacted: bool | None = None
    reason: Why | None = None
    words: Annotated[str, Field(max_length=1000), Clean] = ""
    publish_ok: bool | None = None
    """Whether the citizen agrees that the answer is published; None: not asked (第二十二条)."""
    call_id: UUID | None = None

    def calls(self) -> list[UUID]:
        """The call in which it was asked."""
        return [self.call_id] if self.call_id else []


class Rerating(Given):
    """更改评价: what the citizen says now (第十二条(八))."""

    grade: Grade
    solved: bool | None = None
    reason: Why | None = None
    words: Annotated[str, Field(max_length=1000), Clean] = ""
    call_id: UUID | None = None

    def calls(self) -> list[UUID]:
        """The call in which it was said."""
        return [self.call_id] if self.call_id else []


class NotResponsible(Given):
    """核实为非承办责任, with its basis."""

    basis: Words


def rating_is_whole(case: Case, given: Attempt) -> Objection | None:
    """A rating needs its grade, a bad one its reason; without a rating there is no grade."""
    if given.result is not Result.RATED:
        return Objection("未接通的回访不能登记评价", "第十二条(八)", "grade") if given.grade else None
    if given.grade is None:
        return Objection("请选择满意度", "第十二条(八)", "grade")
    if given.grade.bad and given.reason is None:
        return Objection("请选择不满意的原因", "第十二条(七)", "reason")
    return None


def rerating_is_whole(case: Case, given: Rerating) -> Objection | None:
    """A bad rating needs its reason."""
    if given.grade.bad and given.reason is None:
        return Objection("请选择不满意的原因", "第十二条(七)", "reason")
    return None


def rating_may_change(case: Case) -> Objection | None:
    """The citizen may think again for some natural days after the first rating of the round; both are kept."""
    round_id = case.round.id if case.round else None
    of_round = [one for one in case.of(Rating) if one.round_id == round_id]
    if not of_round:
        return Objection("尚无评价可以更改", "第十二条(八)", "", "no-rating")
    if of_round[-1].excluded:
        return Objection("该评价已按第二十六条剔除，不再更改", "第二十六条", "", "rating-excluded")
    days = case.policy[FollowUpPolicy].rating_changes_days
    until = of_round[0].at + timedelta(days=days)
    if case.at < until:
        return None
    return Objection(f"评价后{days}日内可更改，已于{said(until)}截止", "第十二条(八)", "", "rating-stands")


def rated_well(case: Case, given: Attempt | Rerating) -> bool:
    """满意 or 基本满意."""
    return given.grade is not None and not given.grade.bad


def rated_badly(case: Case, given: Attempt | Rerating) -> bool:
    """不满意 or 非常不满意."""
    return given.grade is not None and given.grade.bad


def tried_enough(case: Case, given: Attempt) -> bool:
    """Nobody is called for ever: declined, or the policy's attempts on its number of days (D21)."""
    if given.result in {Result.DECLINED, Result.NOT_WANTED, Result.WRONG_NUMBER}:
        return True
    policy = case.policy[FollowUpPolicy]
    earlier = of_round(case)
    days = {local(one.at).date() for one in earlier} | {local(case.at).date()}
    return len(earlier) + 1 >= policy.attempts and len(days) >= policy.different_days


def of_round(case: Case) -> list[FollowUp]:
    """Attempts since the last close."""
    round_id = case.round.id if case.round else None
    return [one for one in case.of(FollowUp) if one.round_id == round_id]


@effect(Attempt)
async def follow_up(session: AsyncSession, case: Case, given: Attempt) -> Told:
    """One attempt, and the rating that came of it."""
    attempt = _attempt(session, case, given.result, given)
    attempt.contacted = given.contacted
    if given.publish_ok is not None:
        case.ticket.publish_ok = given.publish_ok
    after = {"attempt": attempt.n, "result": given.result, "grade": given.grade, "reason": given.reason}
    if given.grade is None:
        return Told({}, after)
    await session.flush()
    rating = _rating(session, case, attempt, given.grade, given)
    return Told({}, after | {"solved": given.solved}, result=rating)


@effect(Rerating)
async def rerate(session: AsyncSession, case: Case, given: Rerating) -> Told:
    """The newer rating counts, the older one stays on record (第十二条(八))."""
    old = next(one for one in reversed(case.of(Rating)) if one.superseded_at is None)
    old.superseded_at = case.at
    attempt = _attempt(session, case, Result.RATED, given)
    await session.flush()
    rating = _rating(session, case, attempt, given.grade, given)
    before = {"grade": old.grade, "reason": old.reason}
    return Told(before, {"grade": given.grade, "reason": given.reason, "solved": given.solved}, result=rating)


def _attempt(session: AsyncSession, case: Case, result: Result, given: Attempt | Rerating) -> FollowUp:
    made = FollowUp(id=new_id(), ticket_id=case.ticket.id, round_id=case.round.id if case.round else None)
    made.n, made.at, made.by = len(of_round(case)) + 1, case.at, case.actor.user_id
    made.result, made.words, made.call_id = result, given.words, given.call_id
    session.add(made)
    return made


def _rating(session: AsyncSession, case: Case, of: FollowUp, grade: Grade, given: Attempt | Rerating) -> Rating:
    made = Rating(id=new_id(), ticket_id=case.ticket.id, round_id=of.round_id, follow_up_id=of.id)
    made.unit_id, made.at, made.source = case.ticket.lead_unit_id, case.at, "phone"
    made.grade, made.solved, made.reason = grade, given.solved, given.reason
    session.add(made)
    return made


@effect(NotResponsible)
async def not_responsible(session: AsyncSession, case: Case, given: NotResponsible) -> Told:
    """A named person found that the unit is not to blame: the rating stands, no rework follows."""
    session.add(verification(case, "not-unit", given.basis))
    return Told({}, {"verdict": "not-unit"}, given.basis)


def verification(case: Case, verdict: str, basis: str) -> Verification:
    """The finding on the present rating."""
    rating = next(one for one in reversed(case.of(Rating)) if one.superseded_at is None)
    return Verification(
        ticket_id=case.ticket.id,
        round_id=case.round.id if case.round else None,
        rating_id=rating.id,
        verdict=verdict,
        basis=basis,
        at=case.at,
        by=case.actor.user_id,
    )


def no_supervision_is_open(case: Case) -> Objection | None:
    """Invariant 3: an order under supervision, or that may come under it, is not archived."""
    if case.ticket.supervision_level:
        return Objection("工单正在督办，销号后才能归档", "第十二条(五)", "", "supervised")
    if any(one.state == "open" for one in case.rows.get(SupervisionCandidate, [])):
        return Objection("督办候选尚未处理，由政数局立案或说明后才能归档", "第十二条(五)", "", "candidate-open")
    return None


@effect(Nothing)
async def archive(session: AsyncSession, case: Case, given: Nothing) -> Told:
    """The order's life is over; what it is stays."""
    return Told({}, {"archived": True})
