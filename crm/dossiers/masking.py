"""What a package tells of its citizen to whoever may not know: names, numbers and doors masked, of a 举报 nothing.
Pure."""

import re
from collections.abc import Collection
from typing import Any

from core import phone
from core.errors import Invalid
from core.personal import mask_name
from crm.tickets.masking import mask_address, mask_numbers

CLOSED = "（密封）"
NAMES = frozenset({"caller_name"})
NUMBERS = frozenset({"caller_phone", "caller", "to", "phone"})
PLACES = frozenset({"address"})
SECRETS = frozenset({"query_code"})
_NAMED = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|[0-9a-f]{64}|[0-9a-f]{128}")
"""Ids and digests: digits in a row in one are no telephone number."""
SHORTEST = 2
"""Characters of a name that is looked for in texts."""


class Masker:
    """Knows the citizen's names and numbers, and hides them wherever they stand."""

    def __init__(self, names: Collection[str], numbers: Collection[str], *, sealed: bool) -> None:
        self._sealed = sealed
        self._swaps: list[tuple[str, str]] = []
        for name in {one for one in names if len(one) >= SHORTEST}:
            self._swaps.append((name, CLOSED if sealed else mask_name(name)))
        for number in set(numbers):
            shown = CLOSED if sealed else phone.mask(number)
            plain = phone.show(number)
            self._swaps += [(form, shown) for form in {number, plain, plain.replace("-", "")} if len(form) > 6]
        self._swaps.sort(key=lambda one: -len(one[0]))

    def text(self, text: str) -> str:
        """Free text."""
        for known, shown in self._swaps:
            text = text.replace(known, shown)
        return mask_numbers(text)

    def value(self, value: Any, name: str = "") -> Any:
        """A value of a row, by its column, or of the JSON in one."""
        if isinstance(value, dict):
            return {key: self.value(one, key) for key, one in value.items()}
        if isinstance(value, list):
            return [self.value(one, name) for one in value]
        if not isinstance(value, str) or not value or _NAMED.fullmatch(value):
            return value
        if name in NAMES | NUMBERS | SECRETS and (self._sealed or name in SECRETS):
            return CLOSED
        if name in NAMES:
            return mask_name(value)
        if name in NUMBERS:
            return _number(value)
        return mask_address(self.text(value)) if name in PLACES else self.text(value)


def _number(value: str) -> str:
    if "*" in value:
        return value
    try:
        return phone.mask(phone.normalise(value))
    except Invalid:
        return CLOSED
