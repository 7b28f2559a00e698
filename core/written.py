"""Chinese and Latin as people write them, cut into runs: what every index and every search begins with. Pure."""

import re
import unicodedata

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_RUN = re.compile(rf"[{_HAN}]+|[a-z0-9]+")
_IS_HAN = re.compile(rf"[{_HAN}]")


def runs(text: str) -> list[str]:
    """Runs of Chinese characters, and of letters or digits in lower case, full width made half."""
    return _RUN.findall(unicodedata.normalize("NFKC", text).lower())


def is_han(text: str) -> bool:
    """Whether the text begins with a Chinese character."""
    return _IS_HAN.match(text) is not None
