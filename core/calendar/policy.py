"""How the bureau reads limits: this package's section of the policy."""

from datetime import time
from typing import Annotated, ClassVar

from pydantic import Field

from core.calendar.limits import MIDNIGHT, Reading
from core.policy import PolicySection, section


@section
class ClockPolicy(PolicySection):
    """时限的计算口径: what the words 自派发之日起N个工作日内 mean (D2, D3)."""

    key: ClassVar[str] = "clock"
    title: ClassVar[str] = "时限的计算口径"

    count_start_day: bool = Field(title="派发当日计入时限")
    """派发当日是工作日的，计为第1个工作日."""
    due_time: Annotated[str, Field(pattern=r"^((0[1-9]|1\d|2[0-3]):[0-5]\d|24:00)$")] = Field(title="到期日的截止时刻")
    """到期日的截止时刻，24:00 或下班时间."""

    @property
    def reading(self) -> Reading:
        """The same for counting."""
        ends = MIDNIGHT if self.due_time == "24:00" else time.fromisoformat(self.due_time)
        return Reading(self.count_start_day, ends)
