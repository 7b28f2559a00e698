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
