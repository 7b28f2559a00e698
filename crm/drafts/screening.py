"""F10-1: the screening list of 第十条 beside a draft: what speaks for an item, and what the agent says. Pure.

A suggestion never refuses: the agent asks, judges and signs (D37).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from crm.county.screening import ScreeningItem


@dataclass(frozen=True)
class Checked:
    """One item with the words that speak for it; none: it stands in the list unmarked."""

    item: ScreeningItem
    words: tuple[str, ...]
    why: str = ""

    @property
    def suggested(self) -> bool:
        """Whether the agent should look at it."""
        return bool(self.words or self.why)


def check(text: str, items: Sequence[ScreeningItem], *, ended_before: bool = False) -> list[Checked]:
    """Every item in the order of 第十条. `ended_before`: the same caller had the same matter closed (item 四)."""
    found = []
    for item in items:
        words = tuple(word for word in item.words if word in text)
        why = "同一号码的同一事项此前已办结" if ended_before and item.number == REPEATED else ""
        found.append(Checked(item, words, why))
    return found


REPEATED = 4
"""（四）: already in 信访, or closed lawfully and reported again on the same facts and reasons."""
