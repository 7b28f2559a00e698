"""The life of an order 工单 as one table: state, act, who may, guards, next state, article."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from core.actor import Actor
from core.errors import Conflict, Invalid
from core.permissions import Permission
from crm.county.categories import Category


class State(StrEnum):
    """状态."""

    DRAFT = "draft"
    CONFIRMED = "confirmed"
    DISPATCHED = "dispatched"
    VOID = "void"

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"draft": "受理中", "confirmed": "待派单", "dispatched": "待签收", "void": "无效"}[self.value]

    @property
    def spoken(self) -> str:
        """As the citizen hears it."""
        return {
            "draft": "正在受理",
            "confirmed": "已受理，正在派发",
            "dispatched": "已派发，等待承办单位签收",
            "void": "已登记，不再办理",
        }[self.value]


class Act(StrEnum):
    """What may be done with an order."""

    OPEN = "open"
    CORRECT = "correct"
    CONFIRM = "confirm"
    DISPATCH = "dispatch"
    VOID = "void"

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"open": "形成工单", "correct": "核对修改", "confirm": "确认", "dispatch": "派发", "void": "作废"}[
            self.value
        ]


@dataclass(frozen=True)
class Facts:
    """What the guards look at."""

    category: Category | None
    content: str
    title: str
    identity_checked: bool = False
    """A person read a 举报's free text for traces of who reported."""
    identity_traces: tuple[str, ...] = ()
    """Words of the free text that would betray the caller."""
    lead_named: bool = False
    """A lead unit was chosen."""
    accused_leads: bool = False
    """The lead unit is named in a 举报 against it."""
    reason: str = ""


Guard = Callable[[Facts], dict[str, str]]
"""Facts -> what is wrong, by field; empty: nothing."""


def has_category(facts: Facts) -> dict[str, str]:
    """A09-1: the category is mandatory before dispatch and decides the limit."""
    return {} if facts.category else {"category": "请选择诉求类别"}


def has_content(facts: Facts) -> dict[str, str]:
    """F09-1: an order says what is asked."""
    missing = {}
    if not facts.title.strip():
        missing["title"] = "请填写标题"
    if not facts.content.strip():
        missing["content"] = "请填写诉求内容"
    return missing


def has_lead(facts: Facts) -> dict[str, str]:
    """第十二条(二): exactly one 主办单位."""
    return {} if facts.lead_named else {"lead_unit": "请指定主办单位"}


def report_hides_identity(facts: Facts) -> dict[str, str]:
    """第二十八条(八): a 举报 leaves the centre only without traces of who reported."""
    if facts.category is not Category.REPORT:
        return {}
    if facts.identity_traces:
        return {"content": "举报内容含有可能暴露举报人身份的文字：" + "、".join(facts.identity_traces)}
    return {} if facts.identity_checked else {"identity_checked": "请核对举报内容未暴露举报人身份"}


def accused_does_not_lead(facts: Facts) -> dict[str, str]:
    """F12.2-3: a 举报 naming a unit never goes to it."""
    return {"lead_unit": "举报涉及该单位，不得由其承办"} if facts.accused_leads else {}


def has_reason(facts: Facts) -> dict[str, str]:
    """An order is not dropped without saying why."""
    return {} if facts.reason.strip() else {"reason": "请填写作废原因"}


@dataclass(frozen=True)
class Transition:
    """One line of the table."""

    act: Act
    before: frozenset[State]
    after: State | None
    """None: the state stays."""
    permission: Permission
    guards: tuple[Guard, ...]
    article: str


_OPEN_STATES = frozenset({State.DRAFT, State.CONFIRMED})
TABLE: tuple[Transition, ...] = (
    Transition(Act.CORRECT, _OPEN_STATES, None, Permission.ORDER_EDIT, (), "第十二条(一)"),
    Transition(
        Act.CONFIRM,
        frozenset({State.DRAFT}),
        State.CONFIRMED,
        Permission.ORDER_EDIT,
        (has_category, has_content),
        "第十二条(一)",
    ),
    Transition(
        Act.DISPATCH,
        _OPEN_STATES,
        State.DISPATCHED,
        Permission.ORDER_DISPATCH,
        (has_category, has_content, has_lead, report_hides_identity, accused_does_not_lead),
        "第十二条(二)、第十三条",
    ),
    Transition(Act.VOID, _OPEN_STATES, State.VOID, Permission.ORDER_EDIT, (has_reason,), "第十二条(一)"),
)
BY_ACT = {transition.act: transition for transition in TABLE}


def decide(actor: Actor, state: State, act: Act, facts: Facts) -> Transition:
    """The transition, if this actor may do this act in this state with these facts.

    Raises Denied (who), Conflict("wrong-state") (when) or Invalid("order-incomplete") with its fields (what).
    """
    transition = BY_ACT[act]
    actor.require(transition.permission)
    if state not in transition.before:
        possible = "、".join(one.label for one in sorted(transition.before))
        raise Conflict("wrong-state", f"工单处于“{state.label}”状态，不能{act.label}；仅“{possible}”的工单可以。")
    wrong: dict[str, str] = {}
    for guard in transition.guards:
        wrong |= guard(facts)
    if wrong:
        raise Invalid("order-incomplete", "；".join(wrong.values()) + "。", fields=wrong)
    return transition


def possible(actor: Actor, state: State) -> list[Act]:
    """Acts that the actor may attempt in this state."""
    return [one.act for one in TABLE if state in one.before and actor.may(one.permission)]
