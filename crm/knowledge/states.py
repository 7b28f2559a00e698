"""Where a version of an item stands, and what is done to it (第十七条、第十八条)."""

from enum import StrEnum


class State(StrEnum):
    """Of one version; `DUE` follows from the day of its review and is never stored."""

    DRAFT = "draft"
    SECRECY = "secrecy"
    LEADER = "leader"
    CENTRE = "centre"
    IN_FORCE = "in-force"
    DUE = "due"
    SENT_BACK = "sent-back"
    SUPERSEDED = "superseded"
    RETIRED = "retired"
    DROPPED = "dropped"

    @property
    def label(self) -> str:
        """As staff read it."""
        return _STATES[self]


_STATES = {
    State.DRAFT: "起草中",
    State.SECRECY: "待保密审查",
    State.LEADER: "待单位审核",
    State.CENTRE: "待中心发布",
    State.IN_FORCE: "已发布",
    State.DUE: "待复审",
    State.SENT_BACK: "已退回",
    State.SUPERSEDED: "已被新版替代",
    State.RETIRED: "已停用",
    State.DROPPED: "已放弃",
}
ANSWERS = frozenset({State.IN_FORCE, State.DUE})
"""What an agent reads to a citizen: what is due for its review holds until somebody says otherwise."""
ON_THE_WAY = frozenset({State.DRAFT, State.SECRECY, State.LEADER, State.CENTRE, State.SENT_BACK})
"""What may yet come into force; an item has at most one such version."""


class Act(StrEnum):
    """What somebody does to a version."""

    SAVE = "save"
    SUBMIT = "submit"
    PASS_SECRECY = "pass-secrecy"
    APPROVE = "approve"
    PUBLISH = "publish"
    SEND_BACK = "send-back"
    REVISE = "revise"
    REAFFIRM = "reaffirm"
    CALL_REVIEW = "call-review"
    RETIRE = "retire"
    DROP = "drop"

    @property
    def label(self) -> str:
        """As the table and the history call it."""
        return _ACTS[self]


_ACTS = {
    Act.SAVE: "起草",
    Act.SUBMIT: "送保密审查",
    Act.PASS_SECRECY: "通过保密审查",
    Act.APPROVE: "单位审核同意",
    Act.PUBLISH: "发布",
    Act.SEND_BACK: "退回",
    Act.REVISE: "修订",
    Act.REAFFIRM: "复审确认有效",
    Act.CALL_REVIEW: "要求复审",
    Act.RETIRE: "停用",
    Act.DROP: "放弃",
}


class By(StrEnum):
    """In which standing somebody acts."""

    UNIT = "unit"
    CENTRE = "centre"

    @property
    def label(self) -> str:
        """As a refusal names it."""
        return {"unit": "提供单位", "centre": "热线中心"}[self.value]
