"""Where the city or province is stricter than this county (第一条): noted rule by rule, with what is applied."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from core.policy import SECTIONS, PolicySection, section


class ConflictNote(BaseModel):
    """One rule of which an upper document says something stricter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Annotated[str, Field(pattern=r"^[a-z-]+\.[a-z_]+$")]
    """Section and value, e.g. `limits.consultation`."""
    citation: Annotated[str, Field(min_length=8, max_length=120)]
    """Document and article, e.g. `赣府厅发〔2021〕30号第十五条`."""
    stricter: Annotated[str, Field(min_length=1, max_length=200)]
    """What it says."""
    applied: Literal["upper", "own"]
    """`upper`: the value of the rule was set to it; `own`: the county's regulation is applied as it stands."""
    note: Annotated[str, Field(max_length=300)] = ""

    @field_validator("rule")
    @classmethod
    def _exists(cls, value: str) -> str:
        key, _, name = value.partition(".")
        kind = SECTIONS.get(key)
        if kind is None or name == "basis" or name not in kind.model_fields:
            raise ValueError(f"没有规则 {value}")
        return value

    @property
    def says(self) -> str:
        """As the pages write it."""
        done = "已从严执行" if self.applied == "upper" else "按本办法执行"
        return f"上级规定更严：{self.citation}规定{self.stricter}；{done}" + (f"（{self.note}）" if self.note else "")

    def __str__(self) -> str:
        return f"{self.rule}：{self.says}"


@section
class ConflictsPolicy(PolicySection):
    """F01-2: changed like every rule, by two persons and from a future instant."""

    key: ClassVar[str] = "conflicts"
    title: ClassVar[str] = "与上级规定不一致的记录"

    notes: Annotated[tuple[ConflictNote, ...], Field(max_length=100)] = Field(title="逐项记录")

    def on(self, section: str, name: str) -> list[ConflictNote]:
        """The notes on one rule."""
        return [one for one in self.notes if one.rule == f"{section}.{name}"]
