"""What the bureau decides about scoring calls: criteria with their points, the plan of the sample, and the time to
object."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from core.policy import PolicySection, section

Name = Annotated[str, Field(min_length=2, max_length=40)]
WHOLE = 100
"""All criteria together."""


class Criterion(BaseModel):
    """One thing that is scored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    points: Annotated[int, Field(ge=1, le=WHOLE)]
    asks: Annotated[str, Field(max_length=200)] = ""
    """What whoever listens looks for."""

    def __str__(self) -> str:
        return f"{self.name}（{self.points}分）{self.asks}"


def _whole(criteria: tuple[Criterion, ...]) -> tuple[Criterion, ...]:
    if (total := sum(one.points for one in criteria)) != WHOLE:
        raise ValueError(f"各项分值之和应为{WHOLE}，现为{total}")
    if len({one.name for one in criteria}) < len(criteria):
        raise ValueError("评分项目不能重名")
    return criteria


@section
class ScoringPolicy(PolicySection):
    """话务质检 (第七条(四): 日常考核)."""

    key: ClassVar[str] = "scoring"
    title: ClassVar[str] = "话务质检"

    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1, max_length=20), AfterValidator(_whole)] = Field(
        title="评分项目和分值"
    )
    fatal: Annotated[tuple[Name, ...], Field(max_length=20)] = Field(title="一票否决的情形（计0分）")
    period: Literal["week", "month"] = Field(
        title="抽样周期", json_schema_extra={"labels": {"week": "每周", "month": "每月"}}
    )
    per_agent: Annotated[int, Field(ge=1, le=50)] = Field(title="每名话务员每周期抽取（通）")
    shortest_s: Annotated[int, Field(ge=0, le=600)] = Field(title="参加抽样的最短通话（秒）")
    pass_mark: Annotated[int, Field(ge=0, le=WHOLE)] = Field(title="合格分数")
    second_below: Annotated[int, Field(ge=0, le=WHOLE)] = Field(title="低于多少分须第二人复核")
    """A score below this, and every fatal one, counts only after another person has looked at it."""
    objection_days: Annotated[int, Field(ge=1, le=30)] = Field(title="话务员可提出异议的期限（工作日）")
