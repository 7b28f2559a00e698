"""The words of an order's life: its states, the acts, who stands where to it, and where a unit's part stands."""

from enum import StrEnum


class State(StrEnum):
    """状态 (requirements of 第十二条). Running beside them, never states: 延期, 超期, 督办, 保密, 暂定时限."""

    DRAFT = "draft"
    REFUSED = "refused"
    ANSWERED = "answered"
    SHARED = "shared"
    MERGED = "merged"
    TRANSFERRED = "transferred"
    CONFIRMED = "confirmed"
    DISPATCHED = "dispatched"
    HANDLING = "handling"
    RETURNING = "returning"
    DISPUTED = "disputed"
    CHECKING = "checking"
    CLOSED = "closed"
    FOLLOWING = "following"
    VERIFYING = "verifying"
    RATED = "rated"
    ARCHIVED = "archived"
    VOID = "void"

    @property
    def label(self) -> str:
        """As staff read it."""
        return _STATES[self][0]

    @property
    def spoken(self) -> str:
        """As the citizen hears it."""
        return _STATES[self][1]

    @property
    def owner(self) -> str:
        """Who has to do something now; empty at an end."""
        return _STATES[self][2]


_STATES: dict[State, tuple[str, str, str]] = {
    State.DRAFT: ("受理中", "正在受理", "话务员"),
    State.REFUSED: ("不予受理", "不属于受理范围，已告知办理渠道", ""),
    State.ANSWERED: ("即时办结", "已当场答复", "回访员"),
    State.SHARED: ("已知会", "已登记并转告有关单位", "档案员"),
    State.MERGED: ("并单", "已并入同一事项的工单一并办理", ""),
    State.TRANSFERRED: ("已转接", "已为您转接有关部门", ""),
    State.CONFIRMED: ("待派单", "已受理，正在派发", "派单员"),
    State.DISPATCHED: ("待签收", "已派发，等待承办单位签收", "主办单位"),
    State.HANDLING: ("办理中", "承办单位正在办理", "主办单位"),
    State.RETURNING: ("退回待审", "正在核定承办单位", "派单员"),
    State.DISPUTED: ("争议协调", "正在协调承办单位", "政数局"),
    State.CHECKING: ("待审核", "承办单位已回复，正在审核", "质检员"),
    State.CLOSED: ("已办结·待回访", "已办结，等待回访", "回访员"),
    State.FOLLOWING: ("回访中", "已办结，正在回访", "回访员"),
    State.VERIFYING: ("责任核实", "已办结，正在核实您的意见", "热线中心主任"),
    State.RATED: ("已评价", "已办结", "档案员"),
    State.ARCHIVED: ("已归档", "已办结归档", ""),
    State.VOID: ("无效", "已登记，不再办理", ""),
}

OPEN = frozenset({State.DRAFT, State.CONFIRMED})
"""Before the dispatch: the centre still forms the order."""
WITH_UNITS = frozenset({State.DISPATCHED, State.HANDLING, State.RETURNING, State.DISPUTED, State.CHECKING})
"""A round is open: units have their parts in it."""
NOT_ARCHIVED = frozenset(State) - {State.ARCHIVED}
"""What a unit let lapse can be decided, however the order went on."""
ENDS = frozenset(state for state in State if not state.owner)
"""Nobody has to do anything any more."""


class Act(StrEnum):
    """环节: what may be done with an order."""

    OPEN = "open"
    CORRECT = "correct"
    CONFIRM = "confirm"
    ANSWER = "answer"
    SHARE = "share"
    REFUSE = "refuse"
    CONFIRM_REFUSAL = "confirm-refusal"
    REJECT_REFUSAL = "reject-refusal"
    REOPEN = "reopen"
    MERGE = "merge"
    JOINED = "joined"
    CITY_CHANGED = "city-changed"
    REPEAT = "repeat"
    SPLIT = "split"
    TRANSFER = "transfer"
    VOID = "void"
    WITHDRAW = "withdraw"
    DISPATCH = "dispatch"
    SIGN = "sign"
    ACKNOWLEDGE = "acknowledge"
    INFORM = "inform"
    STEP = "step"
    FINISH_STEP = "finish-step"
    DELEGATE = "delegate"
    APPROVE_SUB = "approve-sub"
    SEND_BACK_SUB = "send-back-sub"
    RECALL_SUB = "recall-sub"
    RETURN = "return"
    RETURN_LATE = "return-late"
    FORWARD_RETURN = "forward-return"
    CITY_ON_RETURN = "city-on-return"
    ACCEPT_RETURN = "accept-return"
    REFUSE_RETURN = "refuse-return"
    ACCEPT_ASSIST_RETURN = "accept-assist-return"
    REFUSE_ASSIST_RETURN = "refuse-assist-return"
    DISPUTE = "dispute"
    MEET = "meet"
    FILE_MINUTES = "file-minutes"
    UPHOLD = "uphold"
    SETTLE = "settle"
    SETTLE_REFUSE = "settle-refuse"
    EXTEND = "extend"
    FORWARD_EXTENSION = "forward-extension"
    CITY_ON_EXTENSION = "city-on-extension"
    GRANT_EXTENSION = "grant-extension"
    REFUSE_EXTENSION = "refuse-extension"
    EXTEND_EXCEPTIONALLY = "extend-exceptionally"
    RETYPE = "retype"
    CONFIRM_RETYPE = "confirm-retype"
    REJECT_RETYPE = "reject-retype"
    UPGRADE = "upgrade"
    APPLY_STATUTE = "apply-statute"
    CO_REPLY = "co-reply"
    SUBMIT = "submit"
    PASS = "pass"
    SEND_BACK = "send-back"
    FOLLOW_UP = "follow-up"
    NOT_RESPONSIBLE = "not-responsible"
    EXCLUDE = "exclude"
    REWORK = "rework"
    SUPERVISE = "supervise"
    DISMISS_CANDIDATE = "dismiss-candidate"
    RELEASE = "release"
    RERATE = "rerate"
    CLASSIFY = "classify"
    ASK_IDENTITY = "ask-identity"
    GRANT_IDENTITY = "grant-identity"
    REFUSE_IDENTITY = "refuse-identity"
    ARCHIVE = "archive"
    RECOUNT = "recount"
    OVERDUE = "overdue"
    ASSIST_OVERDUE = "assist-overdue"
    SUB_OVERDUE = "sub-overdue"
    SIGN_OVERDUE = "sign-overdue"
    ESCALATE = "escalate"
    EMERGENCY = "emergency"

    @property
    def label(self) -> str:
        """As staff read it."""
        return _ACTS[self]


_ACTS: dict[Act, str] = {
    Act.OPEN: "形成工单",
    Act.CORRECT: "核对修改",
    Act.CONFIRM: "确认",
    Act.ANSWER: "即时办结",
    Act.SHARE: "知会单位",
    Act.REFUSE: "不予受理",
    Act.CONFIRM_REFUSAL: "复核同意不予受理",
    Act.REJECT_REFUSAL: "复核不同意不予受理",
    Act.REOPEN: "重新受理",
    Act.MERGE: "并单",
    Act.JOINED: "并入重复件",
    Act.CITY_CHANGED: "市级更新",
    Act.REPEAT: "标记重复反映",
    Act.SPLIT: "拆分",
    Act.TRANSFER: "转接",
    Act.VOID: "作废",
    Act.WITHDRAW: "撤回",
    Act.DISPATCH: "派发",
    Act.SIGN: "签收",
    Act.ACKNOWLEDGE: "阅知",
    Act.INFORM: "告知诉求人",
    Act.STEP: "内部流转",
    Act.FINISH_STEP: "完成内部步骤",
    Act.DELEGATE: "二级转办",
    Act.APPROVE_SUB: "审核通过下级上报",
    Act.SEND_BACK_SUB: "退回下级重报",
    Act.RECALL_SUB: "收回二级转办",
    Act.RETURN: "申请退回",
    Act.RETURN_LATE: "批准超时退回",
    Act.FORWARD_RETURN: "退回报市级",
    Act.CITY_ON_RETURN: "登记市级对退回的答复",
    Act.ACCEPT_RETURN: "同意退回",
    Act.REFUSE_RETURN: "不同意退回",
    Act.ACCEPT_ASSIST_RETURN: "同意协办退回",
    Act.REFUSE_ASSIST_RETURN: "不同意协办退回",
    Act.DISPUTE: "提交协调",
    Act.MEET: "登记协调会",
    Act.FILE_MINUTES: "补充会议纪要扫描件",
    Act.UPHOLD: "协调由原单位承办",
    Act.SETTLE: "协调后再次派发",
    Act.SETTLE_REFUSE: "协调后不予受理",
    Act.EXTEND: "申请延期",
    Act.FORWARD_EXTENSION: "延期报市级",
    Act.CITY_ON_EXTENSION: "登记市级对延期的答复",
    Act.GRANT_EXTENSION: "同意延期",
    Act.REFUSE_EXTENSION: "不同意延期",
    Act.EXTEND_EXCEPTIONALLY: "特批延期",
    Act.RETYPE: "改类",
    Act.CONFIRM_RETYPE: "复核同意改类",
    Act.REJECT_RETYPE: "复核不同意改类",
    Act.UPGRADE: "转疑难复杂时限",
    Act.APPLY_STATUTE: "适用特别时限",
    Act.CO_REPLY: "协办回复",
    Act.SUBMIT: "提交办结",
    Act.PASS: "审核通过",
    Act.SEND_BACK: "发回重办",
    Act.FOLLOW_UP: "回访",
    Act.NOT_RESPONSIBLE: "核实为非承办责任",
    Act.EXCLUDE: "第二十六条剔除",
    Act.REWORK: "责成重办",
    Act.SUPERVISE: "督办立案",
    Act.DISMISS_CANDIDATE: "不予立案",
    Act.RELEASE: "督办销号",
    Act.RERATE: "更改评价",
    Act.CLASSIFY: "保密与公开",
    Act.ASK_IDENTITY: "申请查看身份",
    Act.GRANT_IDENTITY: "同意查看身份",
    Act.REFUSE_IDENTITY: "不同意查看身份",
    Act.ARCHIVE: "归档",
    Act.RECOUNT: "按新日历核算期限",
    Act.OVERDUE: "办理逾期",
    Act.ASSIST_OVERDUE: "协办逾期",
    Act.SUB_OVERDUE: "二级承办逾期",
    Act.SIGN_OVERDUE: "签收逾期",
    Act.ESCALATE: "超时上报",
    Act.EMERGENCY: "突发事件",
}
RECORDED = frozenset(
    {
        Act.OPEN,
        Act.JOINED,
        Act.RECOUNT,
        Act.CITY_CHANGED,
        Act.OVERDUE,
        Act.ASSIST_OVERDUE,
        Act.SUB_OVERDUE,
        Act.SIGN_OVERDUE,
        Act.ESCALATE,
        Act.EMERGENCY,
    }
)
"""Stand in a history, and nobody does them to the order itself."""


class By(StrEnum):
    """Who stands where to the order; a permission alone is not enough."""

    CENTRE = "centre"
    LEAD = "lead"
    ASSIST = "assist"
    COPY = "copy"
    READER = "reader"
    SUB = "sub"
    CHANNEL = "channel"

    @property
    def label(self) -> str:
        """As staff read it."""
        return _BY[self]


_BY: dict[By, str] = {
    By.CENTRE: "热线中心（主管部门）",
    By.LEAD: "主办单位",
    By.ASSIST: "协办单位",
    By.COPY: "抄送的主管部门",
    By.READER: "知会的单位",
    By.SUB: "二级承办单位",
    By.CHANNEL: "提交诉求的渠道",
}


WATCHING = frozenset({By.COPY, By.READER})
"""Reads the order and handles nothing of it: no clock runs against it."""


class Stage(StrEnum):
    """Where one unit's part in a round stands."""

    TO_SIGN = "to-sign"
    HANDLING = "handling"
    RETURNING = "returning"
    SUBMITTED = "submitted"
    CLOSED = "closed"

    @property
    def label(self) -> str:
        """As staff read it."""
        return _STAGES[self]


_STAGES: dict[Stage, str] = {
    Stage.TO_SIGN: "待签收",
    Stage.HANDLING: "办理中",
    Stage.RETURNING: "退回待审",
    Stage.SUBMITTED: "已回复",
    Stage.CLOSED: "已结束",
}
