"""保密 as the bureau decides it: how long a look lasts; a section of the policy."""

from typing import Annotated, ClassVar

from pydantic import Field

from core.policy import PolicySection, section


@section
class SecrecyPolicy(PolicySection):
    """第二十二条, 第二十八条(八)."""

    key: ClassVar[str] = "secrecy"
    title: ClassVar[str] = "保密与查看"

    unmask_minutes: Annotated[int, Field(ge=1, le=240)] = Field(title="登记原因后可查看的时间（分钟）")
    """How long a person who gave a reason sees the citizen of one order in full."""
    identity_days: Annotated[int, Field(ge=1, le=60)] = Field(title="批准后可查看身份的期限（工作日）")
    """How long a unit may see who is behind a 举报 or a confidential order, once that was approved."""
