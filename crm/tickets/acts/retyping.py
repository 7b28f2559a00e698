"""改类, 15日升级, 法定时限: what changes a limit while the order is handled (D13–D15)."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core.calendar import Due, Limit, LimitUnit
from core.clock import local
from core.db import new_id
from crm.county.categories import Category
from crm.policy import LimitsPolicy
from crm.procedure import RetypePolicy
from crm.tickets.case import Case
from crm.tickets.dues import held, move
from crm.tickets.guards import another
from crm.tickets.input import Words
from crm.tickets.models import Extension, Retype
from crm.tickets.rules import Given, Objection, Told, effect
from crm.tickets.said import said


class NewType(Given):
    """改类 with its reason."""

    category: Category
    reason: Words


class Reason(Given):
    """An opinion."""

    reason: Words


class Statute(Given):
    """Which approved limit of another law applies."""

    limit_id: UUID
    reason: Words

    def limits(self) -> list[UUID]:
        """The one."""
        return [self.limit_id]


def before_due(case: Case) -> Objection | None:
    """Only while the present due has not passed: no relief for what is late already."""
    due_at = case.due_at
    if due_at is not None and case.at < due_at:
        return None
    when = f"（{said(due_at)}）" if due_at else ""
    return Objection(f"工单已逾期{when}，不能再调整时限", "D13", "", "already-overdue")


def another_category(case: Case, given: NewType) -> Objection | None:
    """It changes something."""
    return None if given.category is not case.category else Objection("与现类别相同", "D13", "category")


def no_retype_waits(case: Case) -> Objection | None:
    """One at a time."""
    return Objection("已有改类待复核", "D13", "", "retype-waits") if proposed(case) else None


def retype_waits(case: Case) -> Objection | None:
    """There is something to confirm."""
    return None if proposed(case) else Objection("没有待复核的改类", "D13", "", "no-retype")


def second_person(case: Case) -> Objection | None:
    """Four eyes: not the one who proposed it."""
    waiting = proposed(case)
    if waiting is None or another(case, waiting.proposed_by):
        return None
    return Objection("须由提出人以外的第二人复核", "D13", "", "four-eyes")


def needs_second(case: Case, given: NewType) -> bool:
    """A retype that lengthens the limit, where policy asks for a second person."""
    limits, made = case.policy[LimitsPolicy], case.handling
    longer = made.limit_kind == "category" and limits.of(given.category) > (made.limit_days or 0)
    return longer and case.policy[RetypePolicy].longer_needs_second


def proposed(case: Case) -> Retype | None:
    """The retype that waits for its second person."""
    return next((one for one in case.of(Retype) if one.state == "proposed"), None)


def reported_often(case: Case) -> Objection | None:
    """D14 (a): 来电3次及以上反映; 以上 includes the number."""
    least = case.policy[RetypePolicy].repeated_from
    if case.ticket.report_count >= least:
        return None
    return Objection(f"本事项反映{case.ticket.report_count}次，不足{least}次", "第十三条", "", "not-repeated")


def limit_of_category(case: Case) -> Objection | None:
    """Upgraded once, and never over a special limit."""
    if case.handling.limit_kind == "category":
        return None
    return Objection("本工单已适用其他时限", "第十三条", "", "other-limit")


def limit_applies(case: Case, given: Statute) -> Objection | None:
    """D15: approved by a second person, for this matter, in force at the dispatch."""
    found = case.limits.get(given.limit_id)
    day = local(case.handling.dispatched_at).date()
    if found is None or found.approved_at is None or found.matter != case.ticket.matter:
        return Objection("该特别时限未经核准或不适用于本事项", "第十三条", "limit_id")
    if found.effective_from <= day and (found.effective_to is None or day <= found.effective_to):
        return None
    return Objection("该特别时限在派发之日不在有效期内", "第十三条", "limit_id")


def report_stays_sealed(case: Case, given: NewType) -> Objection | None:
    """A 举报 is not opened by calling it something else; what becomes one is checked first."""
    if case.category is Category.REPORT:
        return Objection("举报工单不能改为其他类别", "第二十八条(八)", "category")
    if given.category is Category.REPORT:
        return Objection("改为举报的，请同意退回后核对内容再派发", "第二十八条(八)", "category")
    return None


@effect(NewType)
async def retype_or_propose(session: AsyncSession, case: Case, given: NewType) -> Told:
    """The limit of the new category from the same 派发之日 (D13); a longer one waits for the second person."""
    if needs_second(case, given):
        session.add(_row(case, given, "proposed"))
        return Told({}, {"category_proposed": given.category}, given.reason)
    session.add(_row(case, given, "done"))
    return await _retyped(session, case, given.category, given.reason)


@effect(Reason)
async def confirm_retype(session: AsyncSession, case: Case, given: Reason) -> Told:
    """The second person agrees."""
    row = _second(case, "done", given.reason)
    return await _retyped(session, case, Category(row.category_after), f"{row.reason}；复核：{given.reason}")


@effect(Reason)
async def reject_retype(session: AsyncSession, case: Case, given: Reason) -> Told:
    """The second person does not."""
    row = _second(case, "rejected", given.reason)
    return Told({}, {"category_rejected": row.category_after}, given.reason)


@effect(Reason)
async def upgrade(session: AsyncSession, case: Case, given: Reason) -> Told:
    """15 working days from the original 派发之日, never shortened (第十三条, D14)."""
    made, limit = case.handling, case.policy[LimitsPolicy].repeated
    case.ticket.hard = True
    before = made.due_at
    ends = _with_extension(case, case.rules.due(made.dispatched_at, limit))
    made.limit_days, made.limit_kind = limit, "repeated"
    if before is None or ends.at > before:
        await move(session, case, ends, "upgrade", f"来电{case.ticket.report_count}次反映且疑难、复杂：{given.reason}")
    return _moved(case, before.isoformat() if before else None, given.reason, {"limit_days": limit, "hard": True})


@effect(Statute)
async def apply_statute(session: AsyncSession, case: Case, given: Statute) -> Told:
    """法律、法规、规章、规范性文件对办结时限有特别规定的，从其规定."""
    found, made = case.limits[given.limit_id], case.handling
    before = made.due_at.isoformat() if made.due_at else None
    unit = LimitUnit(found.unit)
    ends = case.rules.retyped(made.dispatched_at, Limit(found.n, unit), case.at)
    made.limit_kind, made.statutory_limit_id = "statutory", found.id
    made.limit_days = found.n if unit is LimitUnit.WORKING_DAY else None
    await move(session, case, ends, "statutory", found.citation)
    return _moved(case, before, given.reason, {"citation": found.citation})


def _row(case: Case, given: NewType, state: str) -> Retype:
    return Retype(
        id=new_id(),
        ticket_id=case.ticket.id,
        round_id=case.handling.id,
        category_before=case.ticket.category or "",
        category_after=given.category,
        reason=given.reason,
        state=state,
        proposed_at=case.at,
        proposed_by=case.actor.user_id,
    )


def _second(case: Case, state: str, reason: str) -> Retype:
    row = proposed(case)
    assert row is not None  # a guard has seen to it
    row.state, row.second_at, row.second_by, row.second_reason = state, case.at, case.actor.user_id, reason
    return row


async def _retyped(session: AsyncSession, case: Case, category: Category, reason: str) -> Told:
    ticket, made = case.ticket, case.handling
    before = {"category": ticket.category, "due_at": made.due_at.isoformat() if made.due_at else None}
    ticket.category = category
    kept: dict[str, object] = {"category": category}
    if made.limit_kind == "category":  # 疑难复杂, another law or an ordered rework has its limit whatever the category
        limit = case.policy[LimitsPolicy].of(category)
        least = case.policy[RetypePolicy].least_left
        ends = _with_extension(case, case.rules.retyped(made.dispatched_at, limit, case.at, least))
        made.limit_days = limit
        kept["limit_days"] = limit
        if ends.at != made.due_at:
            await move(session, case, ends, "retype", f"改类为{category.label}：{reason}")
    told = _moved(case, None, reason, kept)
    return Told(before, told.after, reason)


def _with_extension(case: Case, ends: Due) -> Due:
    """What this round was granted before is granted on the new due as well."""
    days = sum(one.days for one in case.of(Extension) if one.round_id == case.handling.id and one.state == "granted")
    return case.rules.extended(ends.last_day, days) if days else ends


def _moved(case: Case, before: str | None, reason: str, kept: dict[str, object]) -> Told:
    due_at = case.handling.due_at
    after = kept | {"due_at": due_at.isoformat() if due_at else None, "provisional": case.handling.provisional}
    after |= held(case)
    return Told({"due_at": before} if before else {}, after, reason)
