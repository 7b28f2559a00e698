"""What the bureau decides about the units' duty contacts, and about telling them of emergencies."""

from collections.abc import Callable
from string import Formatter
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator

from core.policy import PolicySection, section

Days = Annotated[int, Field(ge=1, le=366)]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


def _with(*wanted: str) -> Callable[[str], str]:
    """A text that names all of `wanted` in braces, and nothing else."""

    def check(value: str) -> str:
        try:
            names = {name for _, name, _, _ in Formatter().parse(value) if name is not None}
        except ValueError:
            names = set()
        if names != set(wanted):
            raise ValueError(f"须且只须包含{'、'.join(f'{{{one}}}' for one in wanted)}")
        return value

    return check


@section
class DutyPolicy(PolicySection):
    """值班联系人 and 应急通知 (第十四条, D30, T18)."""

    key: ClassVar[str] = "duty"
    title: ClassVar[str] = "值班联系与应急通知"

    check_days: Days = Field(title="值班联系人多少天内须核对一次")
    test_days: Days = Field(title="值班电话多少天试拨一次")
    test_from: Clock = Field(title="试拨时段开始")
    test_to: Clock = Field(title="试拨时段结束")
    retest_hours: Annotated[int, Field(ge=1, le=720)] = Field(title="试拨未确认的隔多少小时再试")
    foreseen_days: Annotated[int, Field(ge=1, le=60)] = Field(title="提前多少天显示值守空档")
    retry_minutes: Annotated[int, Field(ge=1, le=60)] = Field(title="应急通知电话未确认的隔多少分钟再拨（同一联系人）")
    call: Annotated[str, Field(min_length=10, max_length=150), AfterValidator(_with("place", "kind", "unit"))] = Field(
        title="应急通知电话内容"
    )
    sms: Annotated[str, Field(min_length=10, max_length=100), AfterValidator(_with("place", "kind", "number"))] = Field(
        title="应急通知短信内容"
    )
    test: Annotated[str, Field(min_length=10, max_length=150), AfterValidator(_with("unit"))] = Field(
        title="试拨电话内容"
    )

    @model_validator(mode="after")
    def _in_order(self) -> "DutyPolicy":
        if self.test_from >= self.test_to:
            raise ValueError("试拨时段须先开始后结束")
        return self
