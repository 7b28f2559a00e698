"""What the bureau decides about recordings; every value with its basis in the county's policy file."""

from typing import Annotated, ClassVar

from pydantic import Field

from callflow.rules import Direction
from core.policy import PolicySection, section
from recordings.forms import Encoding
from recordings.models import Kind

ONLY_NEW = "只对今后归档的录音生效；已归档的录音保持原来的格式，不再转换"

LEAST_YEARS = 3
"""第十二条(九): 电话录音应至少保存3年. No policy and nobody else goes below."""


@section
class RecordingPolicy(PolicySection):
    """Table `[recordings]`."""

    key: ClassVar[str] = "recordings"
    title: ClassVar[str] = "录音保存"

    protected_years: Annotated[int, Field(ge=LEAST_YEARS, le=100)] = Field(title="录音至少保存（年）")
    """Whole years for which nobody may delete what was said; 第十二条(九): 电话录音应至少保存3年."""
    check_days: Annotated[int, Field(ge=1, le=366)] = Field(title="全部录音核验一遍的周期（天）")
    """Days within which every recording is read and compared with its digests; what is kept must stay what it was."""
    inbound_form: Encoding = Field(title="市民来电录音的保存格式", description=ONLY_NEW)
    outbound_form: Encoding = Field(title="外呼通话录音的保存格式", description=ONLY_NEW)
    internal_form: Encoding = Field(title="内部通话录音的保存格式", description=ONLY_NEW)
    message_form: Encoding = Field(title="语音留言的保存格式", description=ONLY_NEW)
    """What loses nothing, or Opus; which order a call becomes is not known yet when its sound is archived."""

    def encoding(self, kind: Kind, direction: Direction | None) -> Encoding:
        """How a recording of this class is kept; one whose call is unknown loses nothing."""
        if kind is Kind.MESSAGE:
            return self.message_form
        talks = {
            Direction.INBOUND: self.inbound_form,
            Direction.OUTBOUND: self.outbound_form,
            Direction.INTERNAL: self.internal_form,
        }
        return talks[direction] if direction else Encoding.FLAC
