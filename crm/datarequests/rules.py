"""The words of a request, its way from registration to its end, and what must be refused. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

_ID_NUMBER = re.compile(r"(?<!\d)\d{15}(?:\d{2}[\dXx])?(?!\d)")
SHORTEST = 5
"""Characters of a reason that says something."""


class _Labelled(StrEnum):
    """A word with what the screens call it."""

    @property
    def label(self) -> str:
        """As staff and citizens read it."""
        return LABELS[self]


class Kind(_Labelled):
    """申请事项."""

    COPY = "copy"
    CORRECT = "correct"
    RESTRICT = "restrict"
    DELETE = "delete"
    EXPLAIN = "explain"


class Way(_Labelled):
    """How the request reached the hotline."""

    CALL = "call"
    VISIT = "visit"
    LETTER = "letter"


class Check(_Labelled):
    """身份核验方式: what was looked at; nothing of it is kept."""

    QUERY_CODE = "query-code"
    CALLBACK = "callback"
    ID = "id"


class State(_Labelled):
    """Where a request stands."""

    REGISTERED = "registered"
    UNVERIFIED = "unverified"
    CONFIRMED = "confirmed"
    DECIDED = "decided"
    DONE = "done"
    ANSWERED = "answered"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Verdict(_Labelled):
    """决定."""

    GRANT = "grant"
    PART = "part"
    REFUSE = "refuse"


class Field(_Labelled):
    """What may be corrected."""

    NAME = "name"
    ADDRESS = "address"
    PHONE = "phone"


class Answer(_Labelled):
    """答复方式."""

    SMS = "sms"
    LETTER = "letter"
    ORAL = "oral"


class Act(_Labelled):
    """One step of a request."""

    REGISTER = "register"
    CONFIRM = "confirm"
    REJECT = "reject"
    DECIDE = "decide"
    REOPEN = "reopen"
    CARRY_OUT = "carry-out"
    ANSWER = "answer"
    CLOSE = "close"
    WITHDRAW = "withdraw"
    LIFT = "lift"
    TAKE = "take"
    LIST = "list"
    DESTROY = "destroy"


LABELS: dict[_Labelled, str] = {
    Kind.COPY: "查阅、复制",
    Kind.CORRECT: "更正",
    Kind.RESTRICT: "限制处理",
    Kind.DELETE: "删除",
    Kind.EXPLAIN: "解释说明",
    Way.CALL: "来电",
    Way.VISIT: "来访",
    Way.LETTER: "来信",
    Check.QUERY_CODE: "本号码来电，报出工单编号和查询码",
    Check.CALLBACK: "回拨申请号码核对",
    Check.ID: "当面查验有效身份证件",
    State.REGISTERED: "待核验身份",
    State.UNVERIFIED: "身份未通过核验，待答复",
    State.CONFIRMED: "待决定",
    State.DECIDED: "待执行",
    State.DONE: "待答复",
    State.ANSWERED: "已答复，待办结",
    State.CLOSED: "已办结",
    State.WITHDRAWN: "已撤回",
    Verdict.GRANT: "同意",
    Verdict.PART: "部分同意",
    Verdict.REFUSE: "不予同意",
    Field.NAME: "姓名",
    Field.ADDRESS: "住址",
    Field.PHONE: "电话",
    Answer.SMS: "短信",
    Answer.LETTER: "书面决定书",
    Answer.ORAL: "口头告知",
    Act.REGISTER: "登记",
    Act.CONFIRM: "身份核验通过",
    Act.REJECT: "身份未通过核验",
    Act.DECIDE: "作出决定",
    Act.REOPEN: "撤销决定",
    Act.CARRY_OUT: "执行",
    Act.ANSWER: "答复申请人",
    Act.CLOSE: "办结",
    Act.WITHDRAW: "撤回申请",
    Act.LIFT: "解除限制处理",
    Act.TAKE: "下载复制件",
    Act.LIST: "列入销毁清单",
    Act.DESTROY: "依法销毁",
}

CHECKS: Mapping[Way, tuple[Check, ...]] = {
    Way.CALL: (Check.QUERY_CODE, Check.CALLBACK),
    Way.VISIT: (Check.ID, Check.CALLBACK),
    Way.LETTER: (Check.CALLBACK, Check.ID),
}
"""How the identity may be checked, by the way the request came; the first is the usual one."""

S = State
STEPS: Mapping[Act, tuple[frozenset[State], State]] = {
    Act.CONFIRM: (frozenset({S.REGISTERED, S.UNVERIFIED}), S.CONFIRMED),
    Act.REJECT: (frozenset({S.REGISTERED}), S.UNVERIFIED),
    Act.DECIDE: (frozenset({S.CONFIRMED}), S.DECIDED),
    Act.REOPEN: (frozenset({S.DECIDED, S.DONE}), S.CONFIRMED),
    Act.CARRY_OUT: (frozenset({S.DECIDED}), S.DONE),
    Act.ANSWER: (frozenset({S.DONE, S.UNVERIFIED}), S.ANSWERED),
    Act.CLOSE: (frozenset({S.ANSWERED}), S.CLOSED),
    Act.WITHDRAW: (frozenset({S.REGISTERED, S.UNVERIFIED, S.CONFIRMED, S.DECIDED, S.DONE}), S.WITHDRAWN),
}
"""Act -> from where it leads, and to where; a refusal has nothing to carry out and goes on to the answer."""
ENDS = frozenset({S.ANSWERED, S.CLOSED, S.WITHDRAWN})
"""The citizen has his answer, or wants none: no clock runs."""


@dataclass(frozen=True)
class Standing:
    """What decides on the acts that are open: `out`: something has left the house or was changed for good."""

    kind: Kind
    state: State
    verdict: Verdict | None
    out: bool


def against(act: Act, one: Standing) -> str:
    """Why the act is not possible now; empty: it is."""
    if act not in STEPS or one.state not in STEPS[act][0]:
        return f"申请处于“{one.state.label}”状态，不能进行这一步。"
    if act is Act.REOPEN and one.state is S.DONE and one.verdict is not Verdict.REFUSE:
        return "决定已经执行，不能撤销。"
    if act is Act.WITHDRAW and one.out:
        return "申请已经执行，不能撤回。"
    return ""


def leads_to(act: Act, verdict: Verdict | None) -> State:
    """The state after the act."""
    if act is Act.DECIDE and verdict is Verdict.REFUSE:
        return S.DONE
    return STEPS[act][1]


def bad_check(way: Way, check: Check, note: str) -> dict[str, str]:
    """Field -> what is wrong with the record of a check. A number of an identity card is never kept."""
    wrong = {}
    if check not in CHECKS[way]:
        wrong["check"] = f"{way.label}申请不能以这种方式核验"
    if _ID_NUMBER.search(note):
        wrong["note"] = "不得填写证件号码，只写明查验了什么证件"
    elif check is not Check.QUERY_CODE and len(note) < 2:
        wrong["note"] = "请写明核对了什么，例如“居民身份证，姓名与登记一致”"
    return wrong


@dataclass(frozen=True)
class Kept:
    """What keeps the data of a number from being deleted: the last protected day, orders that are open, a hold."""

    until: date | None = None
    open_orders: int = 0
    restricted: bool = False


def undeletable(kept: Kept, today: date, rule: str) -> str:
    """Why nothing of it may be deleted now, as the refusal says it; empty: it may be proposed for disposal."""
    found = []
    if kept.until and kept.until >= today:
        day = kept.until
        found.append(f"相关记录在保存期内，最后保护日为{day.year}年{day.month}月{day.day}日（{rule}）")
    if kept.open_orders:
        found.append(f"有{kept.open_orders}件工单尚未办结")
    if kept.restricted:
        found.append("该号码的信息正在限制处理")
    return "；".join(found)


def bad_decision(
    kind: Kind, verdict: Verdict, reasons: str, *, kept: str, asked: Collection[Field], granted: Collection[Field]
) -> dict[str, str]:
    """Field -> what is wrong with a decision. `kept`: see `undeletable`."""
    wrong = {}
    if kind is Kind.DELETE and kept and verdict is not Verdict.REFUSE:
        wrong["verdict"] = f"现在不能删除：{kept}"
    if kind in (Kind.RESTRICT, Kind.EXPLAIN) and verdict is Verdict.PART:
        wrong["verdict"] = f"{kind.label}只能同意或不予同意"
    if kind is Kind.CORRECT and not wrong:
        fits = {Verdict.GRANT: set(granted) == set(asked), Verdict.REFUSE: not granted}
        if not fits.get(verdict, 0 < len(set(granted)) < len(set(asked))):
            wrong["fields"] = "同意更正的项目与决定不一致"
    if verdict is not Verdict.GRANT and len(reasons) < SHORTEST:
        wrong["reasons"] = f"请写明理由（不少于{SHORTEST}个字），理由将写入决定书"
    return wrong


class Light(_Labelled):
    """How near the due is."""

    FINE = "fine"
    SOON = "soon"
    LATE = "late"
    OVER = "over"


LABELS |= {Light.FINE: "未到期", Light.SOON: "即将到期", Light.LATE: "已逾期", Light.OVER: "已答复"}


def light(state: State, warn_at: datetime, due_at: datetime, at: datetime) -> Light:
    """At its due a request is late, the instant before it is not."""
    if state in ENDS:
        return Light.OVER
    if at >= due_at:
        return Light.LATE
    return Light.SOON if at >= warn_at else Light.FINE
