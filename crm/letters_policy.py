"""答复函: what a written answer says around the answer itself; a section of the policy, with its versions."""

from string import Formatter
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from core.policy import PolicySection, section

NAMES = frozenset({"number", "title", "received", "answer", "citation", "unit", "date"})
SAMPLE = {
    "number": "YY20261231-00001",
    "title": "小区门口占道经营",
    "received": "2026年12月28日",
    "answer": "经现场核实，占道摊贩已于12月30日全部劝离，并安排专人每日值守。",
    "citation": "《江西省城市市容和环境卫生管理实施办法》第十条",
    "unit": "弋阳县城市管理局",
    "date": "2026年12月31日",
}
"""What a preview is filled with."""


def _letter(value: str) -> str:
    text = value.replace("\r\n", "\n").strip()
    try:
        names = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
        if not {"number", "answer", "unit", "date"} <= names <= NAMES:
            raise ValueError
        text.format(**SAMPLE)
    except (ValueError, KeyError, IndexError, AttributeError):
        known = "、".join(f"{{{name}}}" for name in sorted(NAMES))
        raise ValueError(f"须包含 {{number}}、{{answer}}、{{unit}}、{{date}}，只能使用 {known}") from None
    return text


Letter = Annotated[str, Field(min_length=20, max_length=1500), AfterValidator(_letter)]


@section
class LettersPolicy(PolicySection):
    """Letters to the citizen. `{answer}` is the unit's own words; nobody's name or number is put in by the machine."""

    key: ClassVar[str] = "letters"
    title: ClassVar[str] = "答复函模板"

    handled: Letter = Field(title="办理完毕")
    no_basis: Letter = Field(title="诉求无政策法规依据（解释答复）")

    def template(self, close_kind: str | None) -> str:
        """The letter for this kind of close (第十二条(六))."""
        return self.no_basis if close_kind == "no-basis" else self.handled
