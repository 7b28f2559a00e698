"""Which approved template says exactly what a message says. Pure."""

import re
from collections.abc import Iterable

from crm.settings import MasTemplate

VARIABLE, VALUE = "{}", "([^，。！？；]+?)"
"""A value is no sentence: operators approve a variable for a number, a name, a time."""
_SIGNATURE = re.compile(r"【[^】]{1,20}】")


def unsigned(text: str) -> str:
    """A message without its leading signature, which the platform adds itself."""
    return _SIGNATURE.sub("", text, count=1) if _SIGNATURE.match(text) else text


def choose(templates: Iterable[MasTemplate], text: str) -> tuple[MasTemplate, tuple[str, ...]] | None:
    """The first template that, filled with these values, gives `text` to the letter; None: no template does."""
    for template in templates:
        pattern = VALUE.join(map(re.escape, template.text.split(VARIABLE)))
        if found := re.fullmatch(pattern, text):
            return template, found.groups()
    return None
