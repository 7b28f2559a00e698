"""How each part is: one sentence, and how to mend it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Health:
    """State of one part; `detail` and `mend` are Chinese sentences for the person on duty."""

    part: str
    ok: bool
    detail: str
    mend: str = ""
