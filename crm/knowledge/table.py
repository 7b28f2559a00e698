"""The life of an item as one table, to be read beside 第十八条: which act, by whom, in which state, to which. Pure.

Everything comes from these lines: what commands allow, what the item's page offers, and the tests of every state, act
and role. No line but one leads to `IN_FORCE`, and it begins where a version stands only after its secrecy review.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from core.actor import Actor
from core.errors import Conflict, Denied, HotlineError, Invalid
from core.permissions import Permission as P
from core.permissions import holders
from crm.knowledge.models import KnowledgeItem, KnowledgeVersion
from crm.knowledge.states import ANSWERS, Act, By, State

S, U, C = State, By.UNIT, By.CENTRE
WHOLE = (("kind", "请选择分类"), ("basis", "请填写依据"), ("question", "请填写问题"), ("answer", "请填写答复内容"))
"""What a version needs beside its unit before it leaves its writer's hands (A17-1)."""


@dataclass(frozen=True)
class Case:
    """A version of an item, who looks at it, and on which day."""

    actor: Actor
    item: KnowledgeItem
    version: KnowledgeVersion
    writers: frozenset[UUID]
    """Who wrote any of its text."""
    today: date
    newer: bool = False
    """Whether a further version is on its way."""

    @property
    def state(self) -> State:
        """Where the version stands today."""
        return state_of(self.version, self.today)

    def stands(self, by: By) -> bool:
        """Whether the actor may act so: of the unit that provides the item, or of the centre."""
        return by is C or self.actor.is_system or self.actor.unit_id == self.item.unit_id


def state_of(version: KnowledgeVersion, today: date) -> State:
    """A version in force whose day has come is due for its review."""
    state = State(version.state)
    due = state is S.IN_FORCE and version.review_on is not None and version.review_on <= today
    return S.DUE if due else state


Condition = Callable[[Case], HotlineError | None]


def whole(case: Case) -> HotlineError | None:
    """A17-1: no class, no basis, no publication; said when it is submitted, not at the end."""
    missing = {name: sentence for name, sentence in WHOLE if not getattr(case.version, name)}
    if not missing:
        return None
    return Invalid("knowledge-incomplete", "；".join(missing.values()) + "（第十七条）。", fields=missing)


def another_person(case: Case) -> HotlineError | None:
    """F18-1: nobody reviews what he wrote; the system's own demonstration has no person."""
    if case.actor.user_id is None or case.actor.user_id not in case.writers:
        return None
    return Denied("own-text", "保密审查须由起草人以外的人员进行（第十八条）。")


def still_valid(case: Case) -> HotlineError | None:
    """What has run out answers nobody."""
    if case.version.valid_to is None or case.version.valid_to >= case.today:
        return None
    return Conflict("knowledge-expired", "有效期已过，请修订有效期后重新送审。")


def no_newer(case: Case) -> HotlineError | None:
    """One version at a time is on its way."""
    return Conflict("version-on-the-way", "该条目已有修订稿在办理中。") if case.newer else None


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    act: Act
    by: By
    before: frozenset[State]
    after: State | None
    """None: the state stays."""
    permission: P
    article: str = "第十八条"
    conditions: tuple[Condition, ...] = ()
    reason: bool = False
    """Whether the actor must say why."""


def one(*states: State) -> frozenset[State]:
    """These states."""
    return frozenset(states)


# fmt: off
TABLE: tuple[Line, ...] = (
    Line(Act.SAVE, U, one(S.DRAFT), None, P.KNOWLEDGE_WRITE),
    Line(Act.SUBMIT, U, one(S.DRAFT), S.SECRECY, P.KNOWLEDGE_WRITE, conditions=(whole, still_valid)),
    Line(Act.PASS_SECRECY, U, one(S.SECRECY), S.LEADER, P.KNOWLEDGE_SECRECY, conditions=(another_person,)),
    Line(Act.SEND_BACK, U, one(S.SECRECY), S.SENT_BACK, P.KNOWLEDGE_SECRECY, reason=True),
    Line(Act.APPROVE, U, one(S.LEADER), S.CENTRE, P.KNOWLEDGE_LEAD),
    Line(Act.SEND_BACK, U, one(S.LEADER), S.SENT_BACK, P.KNOWLEDGE_LEAD, reason=True),
    Line(Act.PUBLISH, C, one(S.CENTRE), S.IN_FORCE, P.KNOWLEDGE_PUBLISH, "第六条、第十七条",
         conditions=(whole, still_valid)),
    Line(Act.SEND_BACK, C, one(S.CENTRE), S.SENT_BACK, P.KNOWLEDGE_PUBLISH, reason=True),
    Line(Act.REVISE, U, one(S.IN_FORCE, S.DUE, S.SENT_BACK, S.RETIRED), None, P.KNOWLEDGE_WRITE,
         conditions=(no_newer,)),
    Line(Act.REAFFIRM, U, one(S.IN_FORCE, S.DUE), S.IN_FORCE, P.KNOWLEDGE_LEAD, conditions=(still_valid,)),
    Line(Act.CALL_REVIEW, C, one(S.IN_FORCE), None, P.KNOWLEDGE_PUBLISH, reason=True),
    Line(Act.RETIRE, C, ANSWERS, S.RETIRED, P.KNOWLEDGE_PUBLISH, reason=True),
    Line(Act.RETIRE, U, ANSWERS, S.RETIRED, P.KNOWLEDGE_LEAD, reason=True),
    Line(Act.DROP, U, one(S.DRAFT, S.SENT_BACK), S.DROPPED, P.KNOWLEDGE_WRITE),
)
# fmt: on
BY_ACT: dict[Act, tuple[Line, ...]] = {act: tuple(line for line in TABLE if line.act is act) for act in Act}


def choose(act: Act, case: Case) -> Line:
    """The line by which this actor may do it now. Raises Denied (who), Conflict (when), or what a condition says."""
    lines = BY_ACT[act]
    permitted = [line for line in lines if case.actor.may(line.permission)]
    if not permitted:
        who = "、".join(dict.fromkeys(name for line in lines for name in holders(line.permission).split("、")))
        raise Denied("not-permitted", f"您没有进行这项操作的权限；“{act.label}”可由{who}办理。")
    standing = [line for line in permitted if case.stands(line.by)]
    if not standing:
        raise Denied("not-your-unit", f"“{act.label}”只能由{permitted[0].by.label}办理（谁提供、谁负责，第十八条）。")
    line = next((line for line in standing if case.state in line.before), None)
    if line is None:
        raise Conflict("wrong-state", f"该版本{case.state.label}，不能{act.label}。")
    for condition in line.conditions:
        if (error := condition(case)) is not None:
            raise error
    return line


def offered(case: Case) -> list[Line]:
    """The lines that the item's page offers: possible but for what a form can mend."""
    found: list[Line] = []
    for act in Act:
        try:
            found.append(choose(act, case))
        except Invalid:
            found.extend(line for line in BY_ACT[act] if case.state in line.before)
        except (Denied, Conflict):
            continue
    return found
