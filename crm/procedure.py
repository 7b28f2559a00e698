"""What the bureau decides about the procedure 办理流程: windows, targets and switches, each a section of the policy."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from core.policy import PolicySection, section

Days = Annotated[int, Field(ge=1, le=366)]


@section
class TargetsPolicy(PolicySection):
    """How soon the owner of a state owes the next act; working days unless the name says minutes."""

    key: ClassVar[str] = "targets"

    draft_minutes: Annotated[int, Field(ge=1, le=10_080)]
    """形成工单 to 受理."""
    dispatch_minutes: Annotated[int, Field(ge=1, le=10_080)]
    """受理 to 派发 (T25)."""
    return_review: Days
    """T08, D9."""
    dispute_meeting: Days
    """T09, D11."""
    extension_decision: Days
    """T11, D17."""
    quality_check: Days
    """T12, D19."""
    follow_up: Days
    """T14, D21."""
    verification: Days
    archive: Days


@section
class AssistPolicy(PolicySection):
    """协办 (D29)."""

    key: ClassVar[str] = "assist"

    earlier_days: Annotated[int, Field(ge=0, le=30)]
    """So many working days before the lead's due an assisting unit has to answer …"""
    earlier_from_limit: Days
    """… with limits of at least so many working days."""


@section
class ReturnsPolicy(PolicySection):
    """退回 and 争议 (D8–D11)."""

    key: ClassVar[str] = "returns"

    window: Days
    """Working days after signing (T07)."""
    disputed_from: Annotated[int, Field(ge=2, le=10)]
    """The so-maniest application on one order is a dispute."""
    new_clock: Literal["different-unit", "always", "never"]
    """When a dispatch after a return starts a new 派发之日."""
    most_compensation: Annotated[int, Field(ge=0, le=30)]
    """Working days that a reviewer may give back at most."""


@section
class ExtensionsPolicy(PolicySection):
    """延期 (第十五条, D16, D17)."""

    key: ClassVar[str] = "extensions"

    most: Annotated[int, Field(ge=0, le=5)]
    """原则上只能申请延期1次."""


@section
class RetypePolicy(PolicySection):
    """改类 and 时限升级 (D13, D14)."""

    key: ClassVar[str] = "retype"

    longer_needs_second: bool
    least_left: Days
    """A retype that shortens leaves at least so many working days."""
    repeated_from: Annotated[int, Field(ge=2, le=20)]
    """来电N次及以上反映."""


@section
class RefusalPolicy(PolicySection):
    """不予受理 (第十条, D37)."""

    key: ClassVar[str] = "refusal"

    four_eyes: tuple[Annotated[int, Field(ge=1, le=7)], ...]
    """Items that a second person confirms."""


@section
class FollowUpPolicy(PolicySection):
    """回访 and 评价 (D20–D22, D24)."""

    key: ClassVar[str] = "follow-up"

    attempts: Annotated[int, Field(ge=1, le=10)]
    different_days: Annotated[int, Field(ge=1, le=10)]
    """The attempts lie on at least so many days."""
    rating_changes_days: Annotated[int, Field(ge=0, le=90)]
    """Natural days in which the citizen may change the rating."""
    supervised_from: Annotated[int, Field(ge=1, le=10)]
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
