"""What a channel's name tells: technology and endpoint, such as `PJSIP/1001-0000000a`."""

import re

TRUNK = "trunk"
"""Endpoint of the operator's trunk: the citizen's side, or a mobile outside."""
BESIDE = "-lead-"
"""In the linkedid of a shift lead who listens beside an agent: that is nobody's call."""
PROBE = "probe"
"""Endpoint of the line's own citizen: no call of anybody's."""
_PJSIP = re.compile(r"PJSIP/([^/@]+?)(?:-[0-9a-f]{8})?$")
_EXTENSION = re.compile(r"[1-8][0-9]{3}$")


def endpoint(channel: str) -> str | None:
    """The endpoint of a telephone's channel; None for taps, local channels and everything internal."""
    found = _PJSIP.match(channel)
    return found[1] if found else None


def extension(channel: str) -> str | None:
    """The agent's extension whose telephone this is, else None."""
    name = endpoint(channel)
    return name if name and is_extension(name) else None


def is_extension(number: str) -> bool:
    """Whether `number` is an agent's extension."""
    return _EXTENSION.match(number) is not None
