"""What notices say and when the phone stays quiet: a section of the policy, so that its versions are theirs."""

from datetime import date, datetime, time, timedelta
from string import Formatter
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from core.clock import SHANGHAI, local
from core.policy import PolicySection, section

SAMPLE = {"number": "YY20261231-00001", "due": "12月31日24时"}
LONGEST = 56
"""With the longest signature in its brackets (【】 and 12) a text stays one message of 70 UCS-2 characters."""
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


def _template(value: str) -> str:
    try:
        names = {name for _, name, _, _ in Formatter().parse(value) if name is not None}
        if "number" not in names or not names <= set(SAMPLE):
            raise ValueError
        text = value.format(**SAMPLE)
    except (ValueError, KeyError, IndexError, AttributeError):
        raise ValueError("通知内容须包含 {number}（工单编号），可包含 {due}（期限），不得有其他内容") from None
    if (long := len(text.encode("utf-16-be")) // 2) > LONGEST:
        raise ValueError(f"通知共{long}字，超过{LONGEST}字")
    return value


Template = Annotated[str, AfterValidator(_template)]


@section
class NoticesPolicy(PolicySection):
    """A text holds the order's number and a due and nothing else: no detail of the matter, no person, no unit."""

    key: ClassVar[str] = "notices"
    title: ClassVar[str] = "通知与短信模板"

    quiet_from: Clock = Field(title="短信静默开始")
    quiet_to: Clock = Field(title="短信静默结束")
    dispatched: Template = Field(title="派发（单位）")
    sign: Template = Field(title="签收提醒（单位）")
    unsigned: Template = Field(title="逾期未签收（单位、中心）")
    due: Template = Field(title="办理到期预警（单位）")
    overdue: Template = Field(title="办理逾期（单位、中心）")
    assist_missing: Template = Field(title="协办逾期（主办单位）")
    copied: Template = Field(title="抄送（主管部门）")
    copied_overdue: Template = Field(title="主管事项逾期（主管部门）")
    copied_supervised: Template = Field(title="主管事项督办（主管部门）")
    sub_missing: Template = Field(title="二级承办逾期（上级单位）")
    inner: Template = Field(title="单位内部时限已过（单位）")
    inform: Template = Field(title="尚未告知诉求人（单位）")
    escalated: Template = Field(title="环节超时（中心、政数局）")
    unit_not_reached: Template = Field(title="突发事件无人确认（班长）")
    scope_asked: Template = Field(title="认定受理范围（被汇报的一级）")
    scope_answered: Template = Field(title="受理范围已有答复（话务员）")
    return_decided: Template = Field(title="退回审核结果（单位）")
    dispute: Template = Field(title="争议协调（单位、政数局）")
    extended: Template = Field(title="同意延期（单位）")
    not_extended: Template = Field(title="不同意延期（单位）")
    sent_back: Template = Field(title="发回重办（单位）")
    rework: Template = Field(title="责成重办（单位）")
    unsatisfied: Template = Field(title="回访不满意（中心、政数局）")
    to_follow_up: Template = Field(title="待回访（中心）")
    unmasked: Template = Field(title="诉求人信息被查看（负责人）")
    identity_asked: Template = Field(title="申请查看身份（中心主任）")
    identity_decided: Template = Field(title="查看身份审批结果（单位）")
    citizen_merged: Template = Field(title="并单（诉求人）")
    citizen_refused: Template = Field(title="不予受理（诉求人）")
    citizen_extended: Template = Field(title="延期（诉求人）")
    citizen_closed: Template = Field(title="办结（诉求人）")
    citizen_merged_closed: Template = Field(title="并入的工单办结（诉求人）")
    shared: Template = Field(title="知会（单位）")

    def words(self, name: str, number: str, due: datetime | None) -> str:
        """The text called `name`."""
        template: str = getattr(self, name)
        return template.format(number=number, due=said(due) if due else "规定期限")

    def quiet_until(self, at: datetime) -> datetime | None:
        """When an SMS of `at` goes out; None: at once."""
        here, first, last = local(at), time.fromisoformat(self.quiet_from), time.fromisoformat(self.quiet_to)
        of_day, overnight = here.time(), first > last
        if not ((of_day >= first or of_day < last) if overnight else first <= of_day < last):
            return None
        day: date = here.date() + timedelta(days=1) if overnight and of_day >= first else here.date()
        return datetime.combine(day, last, SHANGHAI)


def said(due: datetime) -> str:
    """An exclusive end as people say it: midnight after the 16th is `3月16日24时` (D3)."""
    here = local(due)
    if here.time() == time(0):
        here -= timedelta(days=1)
        return f"{here.month}月{here.day}日24时"
    return f"{here.month}月{here.day}日{here:%H:%M}"
