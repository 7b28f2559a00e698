"""Which numbers may be dialled. Pure; the dialplan decides the same by the same patterns."""

import re
from collections.abc import Iterable

_ONE = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]"}


def may_dial(number: str, patterns: Iterable[str]) -> bool:
    """Whether `number`, as it is dialled, fits one of the patterns whole."""
    return any(re.fullmatch("".join(_ONE.get(c, c) for c in one), number, re.ASCII) for one in patterns)
