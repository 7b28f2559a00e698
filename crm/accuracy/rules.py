"""Drawing items and answers, what a reviewer finds, and the rate. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.rates import per_cent
from crm.accuracy_policy import AccuracyPolicy
from crm.sampling import ranked


class Verdict(StrEnum):
    """What a reviewer finds when an answer is held against its basis."""

    ACCURATE = "accurate"
    WRONG = "wrong"
    OUTDATED = "outdated"
    DOUBTFUL = "doubtful"

    @property
    def label(self) -> str:
        """As staff read it."""
        return _VERDICTS[self]


_VERDICTS = {
    Verdict.ACCURATE: "准确",
    Verdict.WRONG: "有误",
    Verdict.OUTDATED: "过期",
    Verdict.DOUBTFUL: "存疑",
}
FAULTY = frozenset({Verdict.WRONG, Verdict.OUTDATED})
"""What becomes a report of an error for the unit that provides the item."""


class Sort(StrEnum):
    """What was drawn."""

    ITEM = "item"
    ANSWER = "answer"

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"item": "条目", "answer": "答复"}[self.value]


@dataclass(frozen=True)
class Drawn:
    """The ids of the versions and answers of a sample."""

    items: list[str]
    answers: list[str]


def draw(seed: int, items: Mapping[str, Iterable[str]], answers: Iterable[str], plan: AccuracyPolicy) -> Drawn:
    """Of each unit's items the share of the plan, of all answers its number: each time the first ones by the seed."""
    found: list[str] = []
    for unit in sorted(items):
        of_unit = list(items[unit])
        found += ranked(seed, of_unit, count(len(of_unit), plan))
    return Drawn(found, ranked(seed, answers, plan.answers))


def count(there: int, plan: AccuracyPolicy) -> int:
    """How many of a unit's items are checked: 10 % of 11 are 2."""
    return min(there, max(plan.least, -(-there * plan.share // 100)))


@dataclass(frozen=True)
class Tally:
    """What was drawn and what was found of it."""

    drawn: int = 0
    accurate: int = 0
    wrong: int = 0
    outdated: int = 0
    doubtful: int = 0

    @property
    def checked(self) -> int:
        """All that somebody held against its basis, the doubtful among them."""
        return self.accurate + self.wrong + self.outdated + self.doubtful

    @property
    def rate(self) -> str:
        """准确率: `93.3%` of what was checked; `100.0%` where all is accurate, a dash where nothing was checked."""
        return per_cent(self.accurate, self.checked)

    def __add__(self, other: "Tally") -> "Tally":
        both = zip(_counts(self), _counts(other), strict=True)
        return Tally(*(one + more for one, more in both))


def _counts(one: Tally) -> tuple[int, ...]:
    return one.drawn, one.accurate, one.wrong, one.outdated, one.doubtful


def final(verdict: str, answered: str | None) -> str:
    """Why a finding stands; empty: it may be changed. `answered`: what the unit found of the report that came of it;
    None where there is no report, empty while it waits."""
    if answered is None or verdict not in FAULTY:
        return ""
    if answered == "right":
        return "提供单位已认定属实，认定不再变更。"
    return "" if answered else "已转提供单位核实，答复后方可变更认定。"
