"""What the bureau decides about recordings; every value with its basis in the county's policy file."""

from typing import Annotated, ClassVar

from pydantic import Field

from core.policy import PolicySection, section


@section
class RecordingPolicy(PolicySection):
    """Table `[recordings]`."""

    key: ClassVar[str] = "recordings"
    title: ClassVar[str] = "录音保存"

    protected_years: Annotated[int, Field(ge=3, le=100)] = Field(title="录音至少保存（年）")
    """Whole years for which nobody may delete what was said; 第十二条(九): 电话录音应至少保存3年."""
