"""Drawing the sample and adding up a score. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from crm.scoring_policy import ScoringPolicy

SEEDS = 2**63


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


@dataclass(frozen=True)
class Period:
    """Days in Shanghai, both included."""

    first: date
    last: date

    @property
    def label(self) -> str:
        """`2026年11月`, `2026年11月16日至22日`, `2026年12月28日至2027年1月3日`."""
        if self.first.day == 1 and (self.last + timedelta(days=1)).day == 1:
            return f"{self.first.year}年{self.first.month}月"
        year = f"{self.last.year}年" if self.first.year != self.last.year else ""
        month = f"{self.last.month}月" if self.first.month != self.last.month else ""
        return f"{self.first.year}年{self.first.month}月{self.first.day}日至{year}{month}{self.last.day}日"


def period_of(day: date, kind: str) -> Period:
    """The week, Monday to Sunday, or the month in which a day lies."""
    if kind == "week":
        monday = day - timedelta(days=day.weekday())
        return Period(monday, monday + timedelta(days=6))
    first = day.replace(day=1)
    return Period(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))


def last_complete(today: date, kind: str) -> Period:
    """The newest period that is over."""
    return period_of(period_of(today, kind).first - timedelta(days=1), kind)


def draw(seed: int, population: Mapping[str, Iterable[str]], per_agent: int) -> dict[str, list[str]]:
    """Agent -> the calls drawn: of each agent's the first ones in the order of SHA-256(seed:call).

    Whoever has the seed and the population draws the same calls, on any machine and in any language, in whatever order
    the population comes; of fewer calls than `per_agent` all are drawn.
    """
    return {agent: sorted(calls, key=lambda call: _rank(seed, call))[:per_agent] for agent, calls in population.items()}


def _rank(seed: int, call: str) -> bytes:
    return hashlib.sha256(f"{seed}:{call}".encode()).digest()


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
