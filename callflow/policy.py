"""What the bureau decides about the line; every value with its basis in the county's policy file."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from callflow.line_files import PATTERN
from core.policy import PolicySection, section


def _pattern(value: str) -> str:
    if not PATTERN.fullmatch(value):
        raise ValueError("号码样式只能由数字、X、Z、N 和 [3-9] 这样的范围组成")
    return value


def _in_order(bands: tuple[str, ...]) -> tuple[str, ...]:
    ends = [end for band in bands for end in band.split("-")]
    if ends != sorted(set(ends)):
        raise ValueError("各时段应先后排列、互不重叠，开始早于结束")
    return bands


Pattern = Annotated[str, AfterValidator(_pattern)]
Band = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$")]


@section
class LinePolicy(PolicySection):
    """Table `[line]`. Whole seconds, minutes and calls."""

    key: ClassVar[str] = "line"
    title: ClassVar[str] = "线路与回拨"

    abandoned_after_s: Annotated[int, Field(ge=0, le=60)] = Field(title="接入多久未接通即挂断的须回拨（秒）")
    """Who gives up after this long is called back."""
    callback_quiet_min: Annotated[int, Field(ge=0, le=1440)] = Field(title="同一号码只回拨一次的时段（分钟）")
    """One call-back per number in this time."""
    callback_attempts: Annotated[int, Field(ge=1, le=10)] = Field(title="回拨几次未接通即结束")
    callback_bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=6), AfterValidator(_in_order)] = Field(
        title="再次回拨的时段（每次换一个时段）"
    )
    """Who was not reached is called again in the next of these, as `09:00-12:00`, in order and apart."""
    wrap_up_s: Annotated[int, Field(ge=0, le=3600)] = Field(title="话后整理最长（秒）")
    """Longest wrap-up 整理 after a call."""
    calls_per_number: Annotated[int, Field(ge=1, le=1000)] = Field(title="同一号码来电次数上限")
    """Calls of one number within `calls_window_min`; more are asked to call later."""
    calls_window_min: Annotated[int, Field(ge=1, le=1440)] = Field(title="来电次数的统计时段（分钟）")
    concurrent_per_number: Annotated[int, Field(ge=1, le=100)] = Field(title="同一号码同时通话上限（路）")
    keep_place_after_s: Annotated[int, Field(ge=0, le=3600)] = Field(
        title="排队多久后可挂机保留排队、等候回电（秒；0为不开放）"
    )
    """Who has waited so long may hang up and be called back in turn; 0: nobody."""
    probe_every_min: Annotated[int, Field(ge=0, le=1440)] = Field(title="线路自检的间隔（分钟；0为不自检）")
    """How often the line calls itself and listens; 0: never."""
    spoken_at_once: Annotated[int, Field(ge=1, le=50)] = Field(title="通知电话同时拨出的路数")
    """So many calls that speak go on at a time; the trunk is there for citizens first."""
    rate_after_call: bool = Field(title="通话结束后请来电人按键为话务员评分")
    """Whether a caller whose agent has hung up is asked for 1 to 5. It judges the agent alone, never the order."""
    agent_states_years: Annotated[int, Field(ge=1, le=100)] = Field(title="话务员签入、示忙、通话等状态记录保存（年）")
    """第七条(四): what an agent's day and its assessment are counted from; older states are deleted every night."""
    duty_counts_as_staffed: bool = Field(title="值班手机视为人工在线")
    """第二条: whether a duty mobile on the roster is a human on the line; False: only people at desks are."""
    outside_number: Annotated[str, Field(pattern=r"^(\+?[0-9]{3,15})?$")] = Field(
        title="值班手机无人接听时转接的外部号码"
    )
    """Called after the duty mobiles; empty: none."""
    may_dial: Annotated[tuple[Pattern, ...], Field(max_length=100)] = Field(title="允许坐席外呼的号码")
    """Numbers that agents may call, as digits: X any digit, Z 1 to 9, N 2 to 9, [3-9] one of these. Whatever is not
    listed is refused, by the dialplan too."""
