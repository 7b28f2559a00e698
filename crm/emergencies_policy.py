"""What the bureau decides about emergencies: how many calls are one event, the targets, and what callers are told."""

from string import Formatter
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from core.policy import PolicySection, section

Minutes = Annotated[int, Field(ge=1, le=1440)]


def _answer(value: str) -> str:
    names = {name for _, name, _, _ in Formatter().parse(value) if name is not None}
    if names != {"number", "answer"}:
        raise ValueError("短信内容须且只须包含 {number}（工单编号）和 {answer}（答复）")
    return value


@section
class EmergencyPolicy(PolicySection):
    """突发事件 (第十四条, D30)."""

    key: ClassVar[str] = "emergency"
    title: ClassVar[str] = "突发事件"

    cluster_orders: Annotated[int, Field(ge=2, le=50)] = Field(title="同类同地点诉求达到几件提示为一个事件")
    cluster_minutes: Minutes = Field(title="在多少分钟之内")
    dispatch_minutes: Minutes = Field(title="派发目标（分钟，自然时间）")
    sign_life_minutes: Minutes = Field(title="人身财产类签收目标（分钟，自然时间）")
    sign_utility_minutes: Minutes = Field(title="水电气热类签收目标（分钟，自然时间）")
    answered: Annotated[str, Field(min_length=10, max_length=120), AfterValidator(_answer)] = Field(
        title="事件办结短信（诉求人）"
    )
