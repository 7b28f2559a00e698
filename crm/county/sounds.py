"""How Chinese sounds to a recogniser: syllables without tones, folded where southern speech and ASR confuse them."""

from functools import lru_cache
from typing import Any, cast

from pypinyin import Style, lazy_pinyin

_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"), ("hu", "fu"), ("r", "l"))
_FINALS = (("ang", "an"), ("eng", "en"), ("ing", "in"), ("iong", "ong"))


@lru_cache(maxsize=20_000)
def syllables(text: str) -> tuple[str, ...]:
    """One toneless syllable per character; what is not Chinese stands for itself."""
    found = lazy_pinyin(text, style=Style.NORMAL, errors=cast(Any, list))
    return tuple(found) if len(found) == len(text) else tuple(lazy_pinyin(c, style=Style.NORMAL)[0] for c in text)


@lru_cache(maxsize=4_000)
def fold(syllable: str) -> str:
    """`zhang` and `zan` -> `zan`: one form for syllables that are often taken for each other."""
    for before, after in _INITIALS:
        if syllable.startswith(before):
            syllable = after + syllable[len(before) :]
            break
    for before, after in _FINALS:
        if syllable.endswith(before):
            return syllable[: -len(before)] + after
    return syllable
