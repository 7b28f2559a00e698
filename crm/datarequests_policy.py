"""What the bureau decides about citizens' requests for their own data: clocks, limits, legal grounds and words."""

from string import Formatter
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from core.policy import PolicySection, section

NAMES = frozenset({"number", "received", "kind", "decision", "reasons", "law", "complaint", "date"})
SAMPLE = {
    "number": "个信〔2026〕1号",
    "received": "2026年11月30日",
    "kind": "查阅、复制个人信息",
    "decision": "同意",
    "reasons": "经核验身份，予以提供。",
    "law": "《中华人民共和国个人信息保护法》",
    "complaint": "可以向本局提出异议。",
    "date": "2026年12月4日",
}
"""What a preview is filled with."""


def _names(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def _letter(value: str) -> str:
    text = value.replace("\r\n", "\n").strip()
    try:
        if not _names(text) <= NAMES or not {"number", "decision", "reasons", "law", "complaint"} <= _names(text):
            raise ValueError
        text.format(**SAMPLE)
    except (ValueError, KeyError, IndexError, AttributeError):
        known = "、".join(f"{{{name}}}" for name in sorted(NAMES))
        needed = "{number}、{decision}、{reasons}、{law}、{complaint}"
        raise ValueError(f"须包含 {needed}，只能使用 {known}") from None
    return text


def _sms(value: str) -> str:
    if _names(value) != {"number"}:
        raise ValueError("短信内容须且只须包含 {number}（申请编号）")
    return value


Law = Annotated[str, Field(min_length=4, max_length=300)]
Words = Annotated[str, Field(min_length=4, max_length=300)]


@section
class DataRequestsPolicy(PolicySection):
    """个人信息权利申请; of the law's articles only what the bureau's own citation says."""

    key: ClassVar[str] = "datarequests"
    title: ClassVar[str] = "个人信息申请"

    answer_days: Annotated[int, Field(ge=1, le=60)] = Field(title="答复期限（工作日）")
    """From the registration."""
    warn_days: Annotated[int, Field(ge=0, le=30)] = Field(title="到期前提醒（工作日）")
    order_years: Annotated[int, Field(ge=1, le=100)] = Field(title="工单及答复至少保存（年）")
    """From the end of an order; recordings carry their own protected day."""
    package_days: Annotated[int, Field(ge=1, le=90)] = Field(title="复制件可下载的天数")
    package_sound: bool = Field(title="复制件包含录音声音")
    """Whose both sides speak: without it the copy lists recordings and holds the citizen's own words."""
    law_copy: Law = Field(title="查阅、复制的法律依据")
    law_correct: Law = Field(title="更正的法律依据")
    law_restrict: Law = Field(title="限制处理的法律依据")
    law_delete: Law = Field(title="删除的法律依据")
    law_explain: Law = Field(title="解释说明的法律依据")
    keeping: Law = Field(title="保存期内不予删除的依据")
    complaint: Words = Field(title="对决定不服的救济途径")
    sms: Annotated[str, Field(min_length=4, max_length=60), AfterValidator(_sms)] = Field(title="答复短信内容")
    letter: Annotated[str, Field(min_length=20, max_length=1500), AfterValidator(_letter)] = Field(title="决定书模板")

    def law_of(self, kind: str) -> str:
        """The ground of a kind of request, by its word in `crm.datarequests.rules.Kind`."""
        return str(getattr(self, f"law_{kind}"))
