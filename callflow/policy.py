"""What the bureau decides about the line; every value with its basis in the county's policy file."""

from typing import Annotated, ClassVar

from pydantic import Field

from core.policy import PolicySection, section


@section
class LinePolicy(PolicySection):
    """Table `[line]`. Whole seconds, minutes and calls."""

    key: ClassVar[str] = "line"

    abandoned_after_s: Annotated[int, Field(ge=0, le=60)]
    """Who gives up after this long is called back."""
    callback_quiet_min: Annotated[int, Field(ge=0, le=1440)]
    """One call-back per number in this time."""
    wrap_up_s: Annotated[int, Field(ge=0, le=3600)]
    """Longest wrap-up 整理 after a call."""
    calls_per_number: Annotated[int, Field(ge=1, le=1000)]
    """Calls of one number within `calls_window_min`; more are asked to call later."""
    calls_window_min: Annotated[int, Field(ge=1, le=1440)]
    concurrent_per_number: Annotated[int, Field(ge=1, le=100)]
    duty_counts_as_staffed: bool
    """第二条: whether a duty mobile on the roster is a human on the line; False: only people at desks are."""
    outside_number: Annotated[str, Field(pattern=r"^(\+?[0-9]{3,15})?$")]
    """Called after the duty mobiles; empty: none."""
