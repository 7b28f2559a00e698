"""What a caller's keys do: the bureau's decision, for the flows and for the dialplan that works without them.

GB/T 33358 advises against menus, so nobody has to press anything: keys are heard during the greeting and while
waiting, and whoever presses none reaches an agent.
"""

from collections import Counter
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.policy import PolicySection, section


class Does(StrEnum):
    """What a key may do; each is an extension of the dialplan contexts in which keys are heard."""

    STATUS = "status"
    """查工单: the state of my order."""
    REPEAT = "repeat"
    """重听: what was just said, once more."""
    KEEP = "keep"
    """保留排队: hang up, be called back in turn. Only while waiting."""
    AGENT = "agent"
    """转人工: straight to the queue; whoever waits there is on the way already."""

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"status": "查工单", "repeat": "重听", "keep": "保留排队", "agent": "转人工"}[self.value]


class MenuKey(BaseModel):
    """One key of the telephone. `says` is how it is offered, such as `查工单`; empty: it works and is not offered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Annotated[str, Field(pattern=r"^[0-9*#]$")]
    does: Does
    says: Annotated[str, Field(pattern=r"^[\u4e00-\u9fff]{0,10}$")] = ""

    def __str__(self) -> str:
        return f"{self.key} {self.does.label}{f'（播报“{self.says}”）' if self.says else '（不播报）'}"


class Menu(BaseModel):
    """All keys, and how patient we are. The default has no keys: while nothing is known, people reach an agent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: tuple[MenuKey, ...] = Field((), title="按键及用途")
    wrong_keys: Annotated[int, Field(ge=0, le=5)] = Field(0, title="按错键时重说的次数")
    """So many wrong keys are answered by saying again which there are; after that the caller goes to an agent."""
    key_wait_s: Annotated[int, Field(ge=2, le=30)] = Field(6, title="两次按键之间的最长等待（秒）")
    """Where a number is typed: the longest pause between two keys."""
    repeats: Annotated[int, Field(ge=0, le=9)] = Field(3, title="工单状态可重听的次数")
    """How often a caller may hear the state of an order again."""

    @model_validator(mode="after")
    def _one_meaning_per_key(self) -> "Menu":
        twice = sorted(key for key, count in Counter(one.key for one in self.keys).items() if count > 1)
        if twice:
            raise ValueError(f"同一按键有两种用途：{'、'.join(twice)}")
        return self

    def keys_for(self, *meanings: Does) -> str:
        """The keys that do one of these, as one string."""
        return "".join(one.key for one in self.keys if one.does in meanings)

    def does(self, key: str) -> Does | None:
        """What a key does; None for one without meaning."""
        return next((one.does for one in self.keys if one.key == key), None)


@section
class MenuPolicy(Menu, PolicySection):
    """Table `[menu]`."""

    key: ClassVar[str] = "menu"
    title: ClassVar[str] = "来电按键"

    @property
    def menu(self) -> Menu:
        """The decisions without their bases."""
        return Menu.model_validate(self.model_dump(exclude={"basis"}))
