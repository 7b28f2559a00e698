"""What the bureau decides about the accuracy of the knowledge base: how much is checked, how often, and who gives the
seed."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from core.policy import PolicySection, section


@section
class AccuracyPolicy(PolicySection):
    """知识库准确率抽查 (第十八条: 对信息准确性负全责; 第二十一条: 通报知识库准确率)."""

    key: ClassVar[str] = "accuracy"
    title: ClassVar[str] = "知识库准确率抽查"

    period: Literal["month", "quarter"] = Field(
        title="抽查周期", json_schema_extra={"labels": {"month": "每月", "quarter": "每季度"}}
    )
    share: Annotated[int, Field(ge=1, le=100)] = Field(title="每个单位现行条目的抽查比例（%）")
    """Of the items that answer on the day of the draw; a part of an item counts as one."""
    least: Annotated[int, Field(ge=1, le=100)] = Field(title="每个单位最少抽查（条）")
    answers: Annotated[int, Field(ge=0, le=500)] = Field(title="每周期抽查用知识库作出的答复（次）")
    """Of all that were given in the period; 0: items alone."""
    seed: Literal["system", "given"] = Field(
        title="抽样种子的产生",
        json_schema_extra={"labels": {"system": "系统随机产生", "given": "抽样时由现场人员给定"}},
    )
