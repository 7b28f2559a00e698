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
    check_days: Annotated[int, Field(ge=1, le=366)] = Field(title="全部录音核验一遍的周期（天）")
    """Days within which every recording is read and compared with its digests; what is kept must stay what it was."""
