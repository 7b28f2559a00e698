"""From intent and fact to what Asterisk must be told. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from callflow.sources.ami import AUTO_PAUSE, Member
from core.errors import Invalid


class PauseReason(StrEnum):
    """Why an agent takes no calls."""

    BREAK = "break"
    MEAL = "meal"
    TRAINING = "training"
    WORK = "work"
    WRAP_UP = "wrap-up"
    NO_ANSWER = "no-answer"

    @property
    def label(self) -> str:
        """As staff read it."""
        return _LABELS[self]


_LABELS = {
    PauseReason.BREAK: "小休",
    PauseReason.MEAL: "用餐",
    PauseReason.TRAINING: "培训",
    PauseReason.WORK: "处理工单",
    PauseReason.WRAP_UP: "话后整理",
    PauseReason.NO_ANSWER: "未接听",
}
BY_HAND = frozenset(PauseReason) - {PauseReason.WRAP_UP, PauseReason.NO_ANSWER}
"""Reasons that a person may choose."""
Place = tuple[str, str]
"""Queue and extension."""


PENALTIES = {0: "首选", 5: "其次", 10: "最后"}
"""How late a queue's callers reach an agent: a higher penalty is called only when nobody of a lower one is free, so who
has a skill (涉企, 方言) comes first and the whole pool takes what overflows."""


def parse_places(written: Iterable[str]) -> dict[str, int]:
    """Queue -> penalty from `hotline` and `dialect:5`. Raises Invalid."""
    found: dict[str, int] = {}
    for one in written:
        queue, _, penalty = one.partition(":")
        if penalty and (not penalty.isascii() or not penalty.isdigit() or int(penalty) not in PENALTIES):
            raise Invalid("no-queue", "请选择接听顺序。", fields={"queues": "请选择接听顺序"})
        if queue:
            found[queue] = int(penalty or 0)
    return found


def write_places(queues: Mapping[str, int]) -> list[str]:
    """The same the other way: in the order of the names."""
    return [f"{name}:{penalty}" if penalty else name for name, penalty in sorted(queues.items())]


@dataclass(frozen=True)
class Intent:
    """What an agent means to be in one queue."""

    reason: PauseReason | None
    """None: takes calls."""
    penalty: int
    changed_at: datetime


@dataclass(frozen=True)
class Step:
    """One manager action with its headers."""

    action: str
    headers: Mapping[str, str]


def steps(intents: Mapping[Place, Intent], members: Mapping[Place, Member]) -> list[Step]:
    """The fewest actions after which app_queue's members are what the agents mean. Members leave last, so that a
    queue is never empty in between."""
    plan: list[Step] = []
    for (queue, extension), intent in sorted(intents.items()):
        names = {"Queue": queue, "Interface": f"PJSIP/{extension}"}
        paused = "true" if intent.reason else "false"
        member = members.get((queue, extension))
        if member is None:
            more = {"Penalty": str(intent.penalty), "Paused": paused, "MemberName": extension}
            plan.append(Step("QueueAdd", {**names, **more, "StateInterface": f"PJSIP/{extension}"}))
            continue
        if member.paused != bool(intent.reason):
            plan.append(Step("QueuePause", {**names, "Paused": paused, "Reason": intent.reason or ""}))
        if member.penalty != intent.penalty:
            plan.append(Step("QueuePenalty", {**names, "Penalty": str(intent.penalty)}))
    for queue, extension in sorted(set(members) - set(intents)):
        plan.append(Step("QueueRemove", {"Queue": queue, "Interface": f"PJSIP/{extension}"}))
    return plan


def unanswered(intents: Mapping[Place, Intent], members: Mapping[Place, Member]) -> set[str]:
    """Extensions that app_queue paused for not answering, after their agents last meant to take calls."""
    found = set()
    for place, member in members.items():
        intent = intents.get(place)
        if intent is None or intent.reason or not member.paused or member.reason != AUTO_PAUSE:
            continue
        if member.paused_at and member.paused_at + timedelta(seconds=1) > intent.changed_at:
            found.add(member.extension)
    return found
