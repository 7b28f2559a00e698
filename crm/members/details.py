"""What a unit may decide for itself (第三十条): stricter inner limits, its inner flow, how soon it informs the citizen.

Whatever stands here lies inside the county's limits: it is checked when it is decided, and cut to them when it is
used, because the county's limits may have become shorter meanwhile (A30-1).
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from crm.clocks import Rules
from crm.county.categories import LABELS, Category
from crm.policy import LimitsPolicy

MOST_STEPS = 6
SHORTEST_NAME = 2
Days = Annotated[int, Field(ge=1, le=366)]


class FlowStep(BaseModel):
    """One step of the inner flow 内部流程 (第八条(三)): 经办, 科室, 分管领导."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=SHORTEST_NAME, max_length=40)]
    days: Days | None = None
    """Working days from the step's beginning; None: until the unit's inner due."""
    needs_leader: bool = False
    """呈批: the unit's leader, or who stands in for that person, finishes it."""


class Details(BaseModel):
    """F30-1: one version of a unit's details. Working days everywhere; None: as the county has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limits: dict[Category, Days] = {}
    """Inner limit by category, from 派发之日."""
    inform: Days | None = None
    """告知 the citizen within so many working days after signing."""
    steps: Annotated[tuple[FlowStep, ...], Field(max_length=MOST_STEPS)] = ()
    """Begun one after the other when the unit signs; none is a flow too (A08-3)."""
    document: Annotated[str, Field(max_length=80)] = ""
    """文号 of the unit's own rules."""


NONE = Details()


def beyond(details: Details, limits: LimitsPolicy) -> dict[str, str]:
    """A30-1: what is longer than the county allows, as sentences by field; empty when nothing is."""
    wrong = {}
    for category, days in details.limits.items():
        if days > limits.of(category):
            wrong[f"limit_{category.value}"] = (
                f"{LABELS[category]}类县级时限为{limits.of(category)}个工作日，单位内部时限只能更短（第三十条、第十三条）。"
            )
    longest = max(limits.of(category) for category in Category)
    if details.inform is not None and details.inform > longest:
        wrong["inform"] = f"告知时限不得超过{longest}个工作日（第十三条）。"
    for n, step in enumerate(details.steps):
        if step.days is not None and step.days > longest:
            wrong[f"step_{n}_days"] = f"步骤时限不得超过{longest}个工作日（第十三条）。"
    return wrong


def inner_due(
    details: Details, rules: Rules, category: Category | None, dispatched_at: datetime, due_at: datetime | None
) -> datetime | None:
    """The unit's own due of a part: from the same 派发之日, and never after the county's; None where it has none."""
    days = details.limits.get(category) if category else None
    if days is None:
        return None
    return cut(rules.due(dispatched_at, days).at, due_at)


def step_due(
    step: FlowStep, rules: Rules, at: datetime, inner: datetime | None, due_at: datetime | None
) -> datetime | None:
    """Until when a step that begins at `at` should be done: inside the inner due, and inside the county's."""
    ends = rules.due(at, step.days).at if step.days is not None else inner
    return cut(cut(ends, inner), due_at)


def cut(soft: datetime | None, hard: datetime | None) -> datetime | None:
    """The soft instant, never after the hard one."""
    return min(soft, hard) if soft is not None and hard is not None else soft


def as_content(details: Details) -> dict[str, Any]:
    """As its row holds it."""
    return details.model_dump(mode="json")
