"""Drawing the sample and adding up a score. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from crm.sampling import ranked
from crm.scoring_policy import ScoringPolicy


class State(StrEnum):
    """Where the scoring of one call stands."""

    DRAWN = "drawn"
    SECOND = "second"
    TOLD = "told"
    OBJECTED = "objected"
    FINAL = "final"

    @property
    def label(self) -> str:
        """As staff read it."""
        return _STATES[self]


_STATES = {
    State.DRAWN: "待评分",
    State.SECOND: "待复核",
    State.TOLD: "已告知话务员",
    State.OBJECTED: "有异议，待裁定",
    State.FINAL: "已裁定",
}
COUNTS = frozenset({State.TOLD, State.OBJECTED, State.FINAL})
"""The score stands in the agent's record."""


class Step(StrEnum):
    """Whose marks."""

    FIRST = "first"
    SECOND = "second"
    DECISION = "decision"

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"first": "评分", "second": "复核", "decision": "裁定"}[self.value]


def draw(seed: int, population: Mapping[str, Iterable[str]], per_agent: int) -> dict[str, list[str]]:
    """Agent -> the calls drawn: of each agent's the first ones in the order of SHA-256(seed:call).

    Whoever has the seed and the population draws the same calls, on any machine and in any language, in whatever order
    the population comes; of fewer calls than `per_agent` all are drawn.
    """
    return {agent: ranked(seed, calls, per_agent) for agent, calls in population.items()}


@dataclass(frozen=True)
class Marks:
    """What somebody gave: points in the order of the criteria, and which fatal things happened."""

    points: Sequence[int]
    fatal: Sequence[str] = ()


def total(marks: Marks) -> int:
    """一票否决 makes nothing of everything else."""
    return 0 if marks.fatal else sum(marks.points)


def wrong(policy: ScoringPolicy, marks: Marks) -> str:
    """What is the matter with marks; empty: nothing."""
    if len(marks.points) != len(policy.criteria):
        return f"请给全部 {len(policy.criteria)} 个项目评分。"
    for one, given in zip(policy.criteria, marks.points, strict=True):
        if not 0 <= given <= one.points:
            return f"“{one.name}”为 0 至 {one.points} 分。"
    if set(marks.fatal) - set(policy.fatal) or len(set(marks.fatal)) < len(marks.fatal):
        return "请从列出的一票否决情形中选择。"
    return ""


def needs_second(policy: ScoringPolicy, marks: Marks) -> bool:
    """Whether it counts only after another person has looked."""
    return bool(marks.fatal) or total(marks) < policy.second_below


def may_not(step: Step, person: UUID | None, agent: UUID, earlier: Iterable[UUID | None]) -> str:
    """Why this person may not take this step; empty: he may. Nobody scores himself, nobody looks at his own marks."""
    if person is None or person == agent:
        return f"不能对本人接听的来电{step.label}。"
    return f"已参与评分的人员不能再{step.label}，须由另一人进行。" if person in set(earlier) else ""
