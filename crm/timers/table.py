"""All timers as one table, to be read beside 第十三条 and 第十五条: what is looked at, when it is ripe, what follows.

A line fires for each of its rows whose due lies in `window(Moment)`: after the first instant, up to the second.
The steps of one ladder (early warning, last warning, day of the due, overdue) have windows that meet and never
overlap, so that after an outage only the step that is true now is announced.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, not_, or_, select

from core.calendar import WorkCalendar
from core.policy import Policy
from crm.clocks import versions_where
from crm.emergencies_policy import EmergencyPolicy
from crm.procedure import CompletionPolicy, ReturnsPolicy, SigningPolicy, WarningsPolicy
from crm.tickets.models import Assignment, Extension, InternalStep, Round, Ticket
from crm.tickets.states import OPEN, WATCHING, Act, By, State
from crm.timers.moments import from_morning, working_days_ago

UNDER_REVIEW = (State.RETURNING, State.DISPUTED)
EVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Moment:
    """An instant with the rules by which it is read."""

    now: datetime
    policy: Policy
    calendar: WorkCalendar

    @property
    def warnings(self) -> WarningsPolicy:
        """How early is announced what."""
        return self.policy[WarningsPolicy]

    def morning(self, days: int) -> datetime:
        """See `from_morning`."""
        return from_morning(self.now, days, time.fromisoformat(self.warnings.morning), self.calendar)

    def ago(self, days: int) -> datetime:
        """See `working_days_ago`."""
        return working_days_ago(self.now, days, self.calendar)


class Mark(StrEnum):
    """What a firing writes into the rows, besides its own row."""

    LATE = "late"
    """The lead's part and the order are overdue; a candidate for supervision opens."""
    ASSIST_LATE = "assist-late"
    SUB_LATE = "sub-late"
    """Of a sub-unit's part alone: the unit that it answers to sees it, the county counts nothing (A08-6)."""
    UNSIGNED = "unsigned"
    SIGNED = "signed"
    """The system signs in the unit's place (D7)."""


Subjects = Select[Any, Any, Any]
"""Subject, order, due."""
Window = tuple[datetime, datetime]
Rows = Callable[[Moment], Subjects]


@dataclass(frozen=True)
class Timer:
    """One line. `rows`: subject, order and due; `locks` are the tables whose rows decide; `act` is what the order's
    history says, None for a warning: it changes nothing of the order."""

    id: str
    covers: tuple[str, ...]
    label: str
    article: str
    rows: Rows
    locks: tuple[type, ...]
    due: Any
    window: Callable[[Moment], Window]
    act: Act | None = None
    mark: Mark | None = None


def _part(due: Any, *where: Any) -> Subjects:
    wanted = select(Assignment.id.label("subject_id"), Assignment.ticket_id, due.label("due_at"))
    return wanted.join(Ticket, Ticket.id == Assignment.ticket_id).where(Assignment.closed_at.is_(None), *where)


def _by(read: Callable[[Policy], bool]) -> ColumnElement[bool]:
    """Parts whose round runs by a policy that reads something so; false without a query where no policy does."""
    versions = versions_where(read)
    rounds = select(Round.id).where(Round.policy_version.in_(versions))
    return Assignment.round_id.in_(rounds) if versions else false()


def lead(moment: Moment) -> Subjects:
    """Leads that have not answered; an answer that was sent back is none (D19), nor is one that waits for its check
    where the bureau goes by the acceptance (D18)."""
    unchecked = _by(lambda policy: policy[CompletionPolicy].decided_by == "acceptance")
    return _part(Assignment.due_at, Assignment.role == By.LEAD, or_(Assignment.submitted_at.is_(None), unchecked))


def lead_long(moment: Moment) -> Subjects:
    """With a long limit."""
    return _limited(lead(moment), Round.limit_days >= moment.warnings.long_from)


def lead_short(moment: Moment) -> Subjects:
    """With a middling limit."""
    policy = moment.warnings
    return _limited(lead(moment), Round.limit_days >= policy.short_from, Round.limit_days < policy.long_from)


def lead_last(moment: Moment) -> Subjects:
    """Whose limit is long enough that the last warning is news."""
    enough = Round.limit_days > moment.warnings.last_days
    return _limited(lead(moment), or_(enough, Round.limit_days.is_(None)))


def lead_markable(moment: Moment) -> Subjects:
    """An application in time holds the mark back, not the clock (D17); a return under review holds it back where the
    bureau lets the clock stand still meanwhile (D9)."""
    stands = and_(Ticket.state.in_(UNDER_REVIEW), _by(lambda policy: policy[ReturnsPolicy].stops_clock))
    return lead(moment).where(Ticket.extension_pending.is_(False), not_(stands))


def assist(moment: Moment) -> Subjects:
    """Assisting units that have not answered."""
    return _part(Assignment.due_at, Assignment.role == By.ASSIST, Assignment.submitted_at.is_(None))


def sub(moment: Moment) -> Subjects:
    """Sub-units that have not answered their unit."""
    return _part(Assignment.due_at, Assignment.role == By.SUB, Assignment.submitted_at.is_(None))


def inner(moment: Moment) -> Subjects:
    """Parts that their unit means to have answered by its own details."""
    return _part(Assignment.inner_due_at, Assignment.submitted_at.is_(None))


def uninformed(moment: Moment) -> Subjects:
    """Leads that have not told the citizen that they handle the order, nor answered already."""
    return _part(Assignment.inform_due_at, Assignment.informed_at.is_(None), Assignment.submitted_at.is_(None))


def stepping(moment: Moment) -> Subjects:
    """Parts whose inner step is not done."""
    rows = select(Assignment.id.label("subject_id"), Assignment.ticket_id, InternalStep.soft_due_at.label("due_at"))
    found: Subjects = rows.join(InternalStep, InternalStep.assignment_id == Assignment.id)
    return found.join(Ticket, Ticket.id == Assignment.ticket_id).where(
        Assignment.closed_at.is_(None), InternalStep.done_at.is_(None)
    )


def to_sign(moment: Moment) -> Subjects:
    """Parts that nobody has signed for."""
    return _part(Assignment.sign_due_at, Assignment.role.not_in(WATCHING), Assignment.signed_at.is_(None))


def to_sign_for(moment: Moment) -> Subjects:
    """Member units' parts that were marked as late and that the system signs for, where the bureau decided so (D7)."""
    marked = (Assignment.role != By.SUB, Assignment.sign_overdue_at.is_not(None))
    return to_sign(moment).where(*marked, _by(lambda policy: policy[SigningPolicy].automatic))


def members_to_sign(moment: Moment) -> Subjects:
    """Of those the member units': the county looks at these alone (A08-6)."""
    return to_sign(moment).where(Assignment.role != By.SUB)


def subs_to_sign(moment: Moment) -> Subjects:
    """Of those the sub-units', at which their unit looks."""
    return to_sign(moment).where(Assignment.role == By.SUB)


def _limited(rows: Subjects, *where: Any) -> Subjects:
    return rows.join(Round, Round.id == Assignment.round_id).where(*where)


def in_state(*states: State) -> Rows:
    """Orders of which the owner of their state owes an act."""

    def rows(moment: Moment) -> Subjects:
        wanted = select(
            Ticket.id.label("subject_id"), Ticket.id.label("ticket_id"), Ticket.state_due_at.label("due_at")
        )
        return wanted.where(Ticket.state.in_(states))

    return rows


def emergencies(moment: Moment) -> Subjects:
    """Orders of an emergency that no unit has got."""
    wanted: Subjects = select(
        Ticket.id.label("subject_id"), Ticket.id.label("ticket_id"), Ticket.opened_at.label("due_at")
    )
    return wanted.where(Ticket.emergency, Ticket.first_dispatched_at.is_(None), Ticket.state.in_(OPEN))


def undecided(moment: Moment) -> Subjects:
    """延期 that nobody has decided."""
    wanted: Subjects = select(
        Extension.id.label("subject_id"), Extension.ticket_id, Extension.decide_due_at.label("due_at")
    )
    return wanted.join(Ticket, Ticket.id == Extension.ticket_id).where(Extension.state == "open")


def passed(moment: Moment) -> Window:
    """At its due: 24:00:00.000000 is late, the microsecond before is not (D3)."""
    return EVER, moment.now


def _until_due(first: Callable[[Moment], datetime]) -> Callable[[Moment], Window]:
    return lambda moment: (moment.now, max(moment.now, first(moment)))


def _early(days: str) -> Callable[[Moment], Window]:
    def window(moment: Moment) -> Window:
        return moment.morning(moment.warnings.last_days), moment.morning(getattr(moment.warnings, days))

    return window


def _soon_to_sign(moment: Moment) -> datetime:
    return moment.now + timedelta(hours=moment.warnings.sign_hours)


PART, ORDER, EXTENSION = (Assignment, Ticket), (Ticket,), (Extension, Ticket)
STEP = (Assignment, InternalStep, Ticket)
LIMITS = ("T02", "T03", "T04", "T05", "T06", "T15")


def _target(id: str, covers: tuple[str, ...], label: str, article: str, *states: State) -> Timer:
    return Timer(id, covers, label, article, in_state(*states), ORDER, Ticket.state_due_at, passed, Act.ESCALATE)


TIMERS: tuple[Timer, ...] = (
    # 办结 第十三条
    Timer("lead-early-long", ("T04", "T05"), "办结预警", "第十三条、第二十七条(二)", lead_long, PART, Assignment.due_at,
          _early("long_days")),
    Timer("lead-early-short", ("T03",), "办结预警", "第十三条、第二十七条(二)", lead_short, PART, Assignment.due_at,
          _early("short_days")),
    Timer("lead-last", LIMITS, "办结预警", "第十三条、第二十七条(二)", lead_last, PART, Assignment.due_at,
          lambda m: (max(m.now, m.morning(0)), max(m.now, m.morning(m.warnings.last_days)))),
    Timer("lead-today", LIMITS, "今日到期", "第十三条、第二十七条(二)", lead, PART, Assignment.due_at,
          _until_due(lambda m: m.morning(0))),
    Timer("lead-overdue", LIMITS, "办理逾期", "第十三条", lead_markable, PART, Assignment.due_at, passed,
          Act.OVERDUE, Mark.LATE),
    # 协办 D29
    Timer("assist-last", ("T13",), "协办预警", "第八条(四)", assist, PART, Assignment.due_at,
          _until_due(lambda m: m.morning(m.warnings.last_days))),
    Timer("assist-overdue", ("T13",), "协办逾期", "第八条(四)", assist, PART, Assignment.due_at, passed,
          Act.ASSIST_OVERDUE, Mark.ASSIST_LATE),
    # 二级转办 第八条(六)
    Timer("sub-last", (), "二级承办预警", "第八条(六)", sub, PART, Assignment.due_at,
          _until_due(lambda m: m.morning(m.warnings.last_days))),
    Timer("sub-overdue", (), "二级承办逾期", "第八条(六)", sub, PART, Assignment.due_at, passed,
          Act.SUB_OVERDUE, Mark.SUB_LATE),
    Timer("sub-unsigned", (), "二级承办逾期未签收", "第八条(六)", subs_to_sign, PART, Assignment.sign_due_at, passed,
          Act.SIGN_OVERDUE, Mark.UNSIGNED),
    # 单位内部 第八条(三)、第三十条: soft, nothing of the order changes
    Timer("inner-overdue", (), "单位内部时限已过", "第三十条", inner, PART, Assignment.inner_due_at, passed),
    Timer("step-overdue", (), "内部步骤超时", "第八条(三)", stepping, STEP, InternalStep.soft_due_at, passed),
    Timer("inform-overdue", (), "超时未告知诉求人", "第八条(三)", uninformed, PART, Assignment.inform_due_at, passed),
    # 签收 第十三条, D7
    Timer("sign-today", ("T01",), "签收提醒", "第十三条", to_sign, PART, Assignment.sign_due_at,
          lambda m: (_soon_to_sign(m), max(_soon_to_sign(m), m.morning(0)))),
    Timer("sign-soon", ("T01",), "签收提醒", "第十三条", to_sign, PART, Assignment.sign_due_at,
          _until_due(_soon_to_sign)),
    Timer("sign-overdue", ("T01",), "签收逾期", "第十三条", members_to_sign, PART, Assignment.sign_due_at, passed,
          Act.SIGN_OVERDUE, Mark.UNSIGNED),
    Timer("sign-automatic", ("T01",), "系统代为签收", "第十三条", to_sign_for, PART, Assignment.sign_due_at, passed,
          Act.SIGN, Mark.SIGNED),
    Timer("sign-escalated", ("T01",), "逾期未签收上报", "第十三条", members_to_sign, PART, Assignment.sign_due_at,
          lambda m: (EVER, m.ago(m.warnings.sign_escalate_days)), Act.ESCALATE),
    # 派单 第十三条: 即时派发
    Timer("dispatch-soon", ("T25",), "待派单提醒", "第十三条", in_state(State.CONFIRMED), ORDER, Ticket.state_due_at,
          _until_due(lambda m: m.now + timedelta(minutes=m.warnings.dispatch_minutes))),
    Timer("emergency-undispatched", ("T17",), "突发事件超时未派单", "第十四条", emergencies, ORDER, Ticket.opened_at,
          lambda m: (EVER, m.now - timedelta(minutes=m.policy[EmergencyPolicy].dispatch_minutes)), Act.ESCALATE),
    _target("dispatch-missed", ("T25",), "超时未派单", "第十三条", State.CONFIRMED),
    # 热线中心和政数局的时限
    _target("return-undecided", ("T08",), "退回申请超时未审", "第十二条(三)", State.RETURNING),
    _target("dispute-not-held", ("T09",), "争议协调超时未召集", "第十二条(三)", State.DISPUTED),
    Timer("extension-undecided", ("T11",), "延期申请超时未审", "第十五条", undecided, EXTENSION,
          Extension.decide_due_at, passed, Act.ESCALATE),
    _target("reply-unchecked", ("T12",), "办结审核超时", "第十二条(四)", State.CHECKING),
    _target("follow-up-missed", ("T14",), "超时未回访", "第十二条(七)", State.CLOSED, State.ANSWERED),
    _target("verification-missed", (), "责任核实超时", "第十二条(七)", State.VERIFYING),
)  # fmt: skip
BY_ID = {timer.id: timer for timer in TIMERS}
