"""What the bureau decides about orders and messages: this package's sections of the policy."""

from string import Formatter
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from core.policy import PolicySection, section
from crm.county.categories import Category

Days = Annotated[int, Field(ge=1, le=366)]


@section
class LimitsPolicy(PolicySection):
    """办结时限 in working days from 派发之日 (第十三条, D12)."""

    key: ClassVar[str] = "limits"
    title: ClassVar[str] = "签收与办结时限"

    consultation: Days = Field(title="咨询类（工作日）")
    help: Days = Field(title="求助类（工作日）")
    suggestion: Days = Field(title="建议类（工作日）")
    opinion: Days = Field(title="意见类（工作日）")
    complaint: Days = Field(title="投诉类（工作日）")
    report: Days = Field(title="举报类（工作日）")
    repeated: Days = Field(title="来电3次及以上且疑难、复杂的（工作日）")
    """来电3次及以上反映且诉求属疑难、复杂的."""
    sign: Days = Field(title="签收（工作日）")
    """签收."""

    def of(self, category: Category) -> int:
        """The limit of a category."""
        return int(getattr(self, category.value))


@section
class OrdersPolicy(PolicySection):
    """Numbers, query codes, and how often a query may fail."""

    key: ClassVar[str] = "orders"
    title: ClassVar[str] = "工单编号与查询"

    number_prefix: Annotated[str, Field(pattern=r"^[A-Z]{1,4}$")] = Field(title="工单编号开头的字母")
    query_code_digits: Annotated[int, Field(ge=4, le=10)] = Field(title="查询码位数")
    query_failures_per_call: Annotated[int, Field(ge=1, le=10)] = Field(title="一次来电可查询失败的次数")
    query_failures_per_day: Annotated[int, Field(ge=1, le=100)] = Field(title="同一来源24小时可查询同一工单失败的次数")
    """After so many wrong codes in 24 hours who asked, by number or network, hears nothing of the order until they have
    passed; after ten times as many by all together only its own caller does."""


def _receipt(value: str) -> str:
    if set(_names(value)) != {"number", "code"}:
        raise ValueError("短信内容须且只须包含 {number}（工单编号）和 {code}（查询码）")
    return value


def _names(template: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(template) if name is not None]


@section
class SmsPolicy(PolicySection):
    """受理短信 (第十三条, D31)."""

    key: ClassVar[str] = "sms"
    title: ClassVar[str] = "受理短信"

    signature: Annotated[str, Field(min_length=2, max_length=12)] = Field(title="短信签名")
    receipt: Annotated[str, AfterValidator(_receipt)] = Field(title="受理短信内容")
    receipt_several: Annotated[str, AfterValidator(_receipt)] = Field(title="多个工单的受理短信内容")
    """The same for several orders of one call (A09-2): room for their numbers."""
    max_characters: Annotated[int, Field(ge=20, le=70)] = Field(title="短信最多字数")
    """70 UCS-2 characters are one message."""
    answer_characters: Annotated[int, Field(ge=70, le=600)] = Field(title="答复短信最多字数")
    """Of an answer from the knowledge base; beyond 70 it travels in parts that telephones put together."""
    unknown_wait_hours: Annotated[int, Field(ge=1, le=168)] = Field(title="结果不明的等待时间（小时）")
    """A message whose acknowledgement was lost waits so long for its report, then a person decides."""
