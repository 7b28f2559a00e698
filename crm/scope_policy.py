"""What the bureau decides about demands out of scope: who is asked in turn, and how old a referral may be."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from core.permissions import GRANTS, Permission, Role
from core.policy import PolicySection, section

Minutes = Annotated[int, Field(ge=1, le=1440)]


class Level(BaseModel):
    """One level of the chain: what it is called, and the role that answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    post: Annotated[str, Field(min_length=2, max_length=20)]
    role: Role

    @field_validator("role")
    @classmethod
    def _decides(cls, role: Role) -> Role:
        if Permission.SCOPE_DECIDE not in GRANTS[role]:
            raise ValueError(f"{role.label}没有认定受理范围的权限")
        return role

    def __str__(self) -> str:
        return f"{self.post}（{self.role.label}）"


def _apart(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    if len({one.role for one in levels}) < len(levels) or len({one.post for one in levels}) < len(levels):
        raise ValueError("逐级汇报的各级不能重复")
    return levels


@section
class ScopePolicy(PolicySection):
    """受理范围以外 (第十条, 第十一条)."""

    key: ClassVar[str] = "scope"
    title: ClassVar[str] = "受理范围以外"

    levels: Annotated[tuple[Level, ...], Field(min_length=1, max_length=8), AfterValidator(_apart)] = Field(
        title="逐级汇报的各级"
    )
    level_minutes: Minutes = Field(title="每级答复时限（分钟）")
    urgent_minutes: Minutes = Field(title="紧急的每级答复时限（分钟）")
    check_days: Annotated[int, Field(ge=1, le=1096)] = Field(title="转接去向核对周期（天）")
