"""What the bureau decides about the procedure 办理流程: windows, targets and switches, each a section of the policy."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from core.policy import PolicySection, section
from crm.county.categories import Category

Days = Annotated[int, Field(ge=1, le=366)]


@section
class TargetsPolicy(PolicySection):
    """How soon the owner of a state owes the next act; working days unless the name says minutes."""

    key: ClassVar[str] = "targets"
    title: ClassVar[str] = "办理环节时限"

    draft_minutes: Annotated[int, Field(ge=1, le=10_080)] = Field(title="形成工单后多久完成受理（分钟）")
    """形成工单 to 受理."""
    dispatch_minutes: Annotated[int, Field(ge=1, le=10_080)] = Field(title="受理后多久派发（分钟）")
    """受理 to 派发 (T25)."""
    return_review: Days = Field(title="退回申请审核（工作日）")
    """T08, D9."""
    dispute_meeting: Days = Field(title="召集协调会（工作日）")
    """T09, D11."""
    extension_decision: Days = Field(title="延期申请审批（工作日）")
    """T11, D17."""
    quality_check: Days = Field(title="办结提交审核（工作日）")
    """T12, D19."""
    follow_up: Days = Field(title="首次回访（工作日）")
    """T14, D21."""
    verification: Days = Field(title="责任核实（工作日）")
    archive: Days = Field(title="评价后归档（工作日）")


class Element(StrEnum):
    """What an order tells beside its account 经过, which is always asked (F09-1)."""

    OCCURRED = "occurred"
    ADDRESS = "address"
    SUBJECT = "subject"
    DEMAND = "demand"

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"occurred": "时间", "address": "地点", "subject": "对象", "demand": "具体诉求"}[self.value]


@section
class IntakePolicy(PolicySection):
    """受理要素 (第九条): what an agent asks for before an order of a category is accepted."""

    key: ClassVar[str] = "intake"
    title: ClassVar[str] = "受理必填要素"

    consultation: tuple[Element, ...] = Field(title="咨询类")
    help: tuple[Element, ...] = Field(title="求助类")
    suggestion: tuple[Element, ...] = Field(title="建议类")
    opinion: tuple[Element, ...] = Field(title="意见类")
    complaint: tuple[Element, ...] = Field(title="投诉类")
    report: tuple[Element, ...] = Field(title="举报类")

    def of(self, category: Category) -> tuple[Element, ...]:
        """The elements that an order of this category must tell."""
        return tuple(getattr(self, category.value))


Named = Annotated[str, Field(min_length=2, max_length=40)]


def _different(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) < len(values):
        raise ValueError("各项不能重复")
    return values


NameList = Annotated[tuple[Named, ...], Field(min_length=1, max_length=30), AfterValidator(_different)]


@section
class EndingsPolicy(PolicySection):
    """来电结果 (第十一条, 第十二条(一)): what an agent chooses from where a call made no order."""

    key: ClassVar[str] = "endings"
    title: ClassVar[str] = "来电结果"

    void_grounds: NameList = Field(title="无效呼叫的原因")


@section
class AssistPolicy(PolicySection):
    """协办 (D29)."""

    key: ClassVar[str] = "assist"
    title: ClassVar[str] = "协办"

    earlier_days: Annotated[int, Field(ge=0, le=30)] = Field(title="协办单位早于主办单位答复（工作日）")
    """So many working days before the lead's due an assisting unit has to answer …"""
    earlier_from_limit: Days = Field(title="上一项适用的最短时限（工作日）")
    """… with limits of at least so many working days."""


@section
class ReturnsPolicy(PolicySection):
    """退回 and 争议 (D8–D11)."""

    key: ClassVar[str] = "returns"
    title: ClassVar[str] = "退回与争议"

    window: Days = Field(title="签收后可申请退回（工作日）")
    """Working days after signing (T07)."""
    disputed_from: Annotated[int, Field(ge=2, le=10)] = Field(title="第几次申请退回即进入争议协调")
    """The so-maniest application on one order is a dispute."""
    ping_pong: bool = Field(title="改派意见单位曾退回本工单的，即进入争议协调")
    """A→B→A."""
    stops_clock: bool = Field(title="退回审核期间停止计算办理时限")
    """Of a lead's return that is refused, the working days until the decision are given back (D9)."""
    new_clock: Literal["different-unit", "always", "never"] = Field(
        title="退回后再次派发何时重新计算派发之日",
        json_schema_extra={"labels": {"different-unit": "改派其他单位时", "always": "每次", "never": "从不"}},
    )
    """When a dispatch after a return starts a new 派发之日."""
    most_compensation: Annotated[int, Field(ge=0, le=30)] = Field(title="最多补足（工作日）")
    """Working days that a reviewer may give back at most."""


@section
class SigningPolicy(PolicySection):
    """逾期未签收 (D7)."""

    key: ClassVar[str] = "signing"
    title: ClassVar[str] = "逾期未签收"

    automatic: bool = Field(title="签收逾期后由系统代为签收")
    """Noted as the system's; never counted as signed in time."""


@section
class ExtensionsPolicy(PolicySection):
    """延期 (第十五条, D16, D17)."""

    key: ClassVar[str] = "extensions"
    title: ClassVar[str] = "延期"

    most: Annotated[int, Field(ge=0, le=5)] = Field(title="可申请延期的次数")
    """原则上只能申请延期1次."""
    counted_by: Literal["order", "round"] = Field(
        title="延期次数的计算范围",
        json_schema_extra={"labels": {"order": "同一工单各轮合计", "round": "每轮办理分别计算"}},
    )
    """Whether a rework may be extended although the first handling was."""


@section
class CompletionPolicy(PolicySection):
    """按期办结 (D18)."""

    key: ClassVar[str] = "completion"
    title: ClassVar[str] = "按期办结的认定"

    decided_by: Literal["submission", "acceptance"] = Field(
        title="以哪一时刻认定按期办结",
        json_schema_extra={"labels": {"submission": "审核通过的那次提交的时刻", "acceptance": "审核通过的时刻"}},
    )
    """Which instant is compared with the due."""


@section
class UpstreamPolicy(PolicySection):
    """市级工单 (D33)."""

    key: ClassVar[str] = "upstream"
    title: ClassVar[str] = "市级工单"

    buffer_wd: Annotated[int, Field(ge=0, le=30)] = Field(title="比市级时限提前（工作日）")
    """The due that is shown lies so many working days before the city's, where that is earlier than the county's."""


@section
class RetypePolicy(PolicySection):
    """改类 and 时限升级 (D13, D14)."""

    key: ClassVar[str] = "retype"
    title: ClassVar[str] = "改类与疑难复杂时限"

    longer_needs_second: bool = Field(title="延长时限的改类须第二人复核")
    least_left: Days = Field(title="改类后至少剩余（工作日）")
    """A retype that shortens leaves at least so many working days."""
    repeated_from: Annotated[int, Field(ge=2, le=20)] = Field(title="反映几次及以上可转疑难复杂时限")
    """来电N次及以上反映."""


@section
class RefusalPolicy(PolicySection):
    """不予受理 (第十条, D37)."""

    key: ClassVar[str] = "refusal"
    title: ClassVar[str] = "不予受理"

    four_eyes: tuple[Annotated[int, Field(ge=1, le=7)], ...] = Field(title="须第二人复核的第十条各项")
    """Items that a second person confirms."""


@section
class FollowUpPolicy(PolicySection):
    """回访 and 评价 (D20–D22, D24)."""

    key: ClassVar[str] = "follow-up"
    title: ClassVar[str] = "回访与评价"

    attempts: Annotated[int, Field(ge=1, le=10)] = Field(title="未接通的最多回访次数")
    different_days: Annotated[int, Field(ge=1, le=10)] = Field(title="回访至少分布的天数")
    """The attempts lie on at least so many days."""
    rating_changes_days: Annotated[int, Field(ge=0, le=90)] = Field(title="可更改评价的期限（日）")
    """Natural days in which the citizen may change the rating."""
    supervised_from: Annotated[int, Field(ge=1, le=10)] = Field(title="几次不满意列为督办候选")
    """The so-maniest unsatisfied round makes candidates for supervision."""


@section
class WarningsPolicy(PolicySection):
    """预警 and escalation (第二十七条(二), T01–T15, T25)."""

    key: ClassVar[str] = "warnings"
    title: ClassVar[str] = "预警与上报"

    morning: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = Field(title="每日预警时刻")
    long_from: Days = Field(title="适用较早预警的最短时限（工作日）")
    long_days: Days = Field(title="较长时限的首次预警（到期前工作日）")
    short_from: Days = Field(title="适用一般预警的最短时限（工作日）")
    short_days: Days = Field(title="一般时限的首次预警（到期前工作日）")
    last_days: Days = Field(title="临期预警（到期前工作日）")
    sign_hours: Annotated[int, Field(ge=1, le=24)] = Field(title="签收临期提醒（到期前小时）")
    sign_escalate_days: Days = Field(title="逾期未签收上报政数局（逾期后工作日）")
    dispatch_minutes: Annotated[int, Field(ge=1, le=10_080)] = Field(title="待派单提醒（到期前分钟）")
