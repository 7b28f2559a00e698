"""What decides about keeping and destroying, without a database: classes, states of a list, what is typed."""

from datetime import date
from enum import StrEnum

from crm.retention_policy import RetentionPolicy


class Kept(StrEnum):
    """Classes 类别 of recordings that are kept longer than others ("法律法规另有规定的，从其规定")."""

    REPORT = "report"
    EMERGENCY = "emergency"
    SUPERVISION = "supervision"
    PETITION = "petition"

    @property
    def label(self) -> str:
        """What its orders are called."""
        return {"report": "举报件", "emergency": "突发事件", "supervision": "督办事项", "petition": "信访事项"}[
            self.value
        ]

    def years(self, policy: RetentionPolicy) -> int:
        """For how long."""
        return int(getattr(policy, f"{self.value}_years"))

    def words_years(self, policy: RetentionPolicy) -> int:
        """For how long the words of its calls are kept; 0: as long as the sound."""
        return int(getattr(policy, f"words_{self.value}_years"))

    def why(self, policy: RetentionPolicy) -> str:
        """The reason as the pages show it: `举报件，保存5年`."""
        return f"{self.label}，保存{self.years(policy)}年"


class Reason(StrEnum):
    """Why something is held."""

    SUPERVISION = "supervision"
    ACCOUNTABILITY = "accountability"
    LITIGATION = "litigation"
    PETITION = "petition"
    OTHER = "other"
    RESTRICTION = "restriction"
    """Placed by a citizen's granted request and lifted with it; nobody chooses it."""

    @property
    def label(self) -> str:
        """As the document says it."""
        return {
            "supervision": "督办",
            "accountability": "问责调查",
            "litigation": "诉讼、复议",
            "petition": "信访",
            "other": "其他依法需要",
            "restriction": "限制处理个人信息",
        }[self.value]


class Standing(StrEnum):
    """How far a list is. `APPROVED` has its first approval, `CONFIRMED` its second."""

    PROPOSED = "proposed"
    REVIEWED = "reviewed"
    APPROVED = "approved"
    CONFIRMED = "confirmed"
    EXECUTING = "executing"
    DONE = "done"
    VOID = "void"

    @property
    def label(self) -> str:
        """As the pages show it."""
        return {
            "proposed": "待审查",
            "reviewed": "待中心批准",
            "approved": "待局批准",
            "confirmed": "待执行",
            "executing": "正在销毁",
            "done": "已销毁",
            "void": "不销毁",
        }[self.value]


class Item(StrEnum):
    """What became of one recording of a list."""

    LISTED = "listed"
    TAKEN_OFF = "taken-off"
    STOPPED = "stopped"
    DESTROYED = "destroyed"

    @property
    def label(self) -> str:
        """As the pages show it."""
        return {"listed": "拟销毁", "taken-off": "已移出", "stopped": "未销毁", "destroyed": "已销毁"}[self.value]


class Act(StrEnum):
    """What a person does to a whole list."""

    REVIEW = "review"
    APPROVE = "approve"
    CONFIRM = "confirm"
    RETURN = "return"
    ORDER = "order"

    @property
    def label(self) -> str:
        """As the history says it."""
        return {
            "review": "审查",
            "approve": "中心批准",
            "confirm": "局批准",
            "return": "退回审查",
            "order": "执行",
        }[self.value]


FROM: dict[Act, tuple[Standing, ...]] = {
    Act.REVIEW: (Standing.PROPOSED,),
    Act.APPROVE: (Standing.REVIEWED,),
    Act.CONFIRM: (Standing.APPROVED,),
    Act.RETURN: (Standing.REVIEWED, Standing.APPROVED, Standing.CONFIRMED),
    Act.ORDER: (Standing.CONFIRMED,),
}
"""In which states each is possible."""
OPEN = (Standing.PROPOSED, Standing.REVIEWED, Standing.APPROVED, Standing.CONFIRMED, Standing.EXECUTING)


def typed(act: Act, count: int) -> str:
    """What a person types to confirm it: how many it is about, where it leads to their end."""
    return {
        Act.REVIEW: f"审查{count}份",
        Act.APPROVE: f"同意销毁{count}份",
        Act.CONFIRM: f"同意销毁{count}份",
        Act.ORDER: f"永久销毁{count}份",
        Act.RETURN: "退回审查",
    }[act]


def due(protected_until: date, today: date) -> bool:
    """Whether it may be proposed: from the day after the last protected day (D32)."""
    return protected_until < today
