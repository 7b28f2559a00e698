"""An access token as text, and where it may come from. Pure besides the dice."""

import hashlib
import ipaddress
import re
import secrets
from collections.abc import Iterable
from typing import Final, NamedTuple

from core.errors import Invalid

SCANNED: Final = "hl12345"
"""How every token begins, so that secret scanners find one that was left in a repository."""
_WRITTEN = re.compile(rf"{SCANNED}_([A-Za-z0-9]{{12}})_([A-Za-z0-9_-]{{43}})")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
MAX_NETWORKS: Final = 10


class Made(NamedTuple):
    """A fresh token: its row's prefix, and the whole of it, to be shown once."""

    prefix: str
    text: str


def make() -> Made:
    """256 bits behind a prefix of 12 characters."""
    prefix = "".join(secrets.choice(_LETTERS) for _ in range(12))
    return Made(prefix, f"{SCANNED}_{prefix}_{secrets.token_urlsafe(32)}")


def prefix_of(text: str) -> str | None:
    """The prefix of what is written like a token, else None."""
    found = _WRITTEN.fullmatch(text)
    return found[1] if found else None


def digest(text: str) -> str:
    """What is stored: a token has 256 random bits, so that one SHA-256 is as good as a slow hash."""
    return hashlib.sha256(text.encode()).hexdigest()


def networks(written: Iterable[str]) -> list[str]:
    """Networks as people write them -> CIDR, each once. Raises `Invalid("bad-network")`."""
    found: dict[str, None] = {}
    for text in written:
        try:
            found[str(ipaddress.ip_network(text.strip()))] = None
        except ValueError:
            sentence = f"“{text.strip()[:40]}”不是网段，例如 10.20.0.0/16 或 10.20.3.4。"
            raise Invalid("bad-network", sentence, fields={"networks": sentence}) from None
    if len(found) > MAX_NETWORKS:
        sentence = f"最多 {MAX_NETWORKS} 个网段。"
        raise Invalid("bad-network", sentence, fields={"networks": sentence})
    return list(found)


def within(address: str, allowed: Iterable[str]) -> bool:
    """Whether the address lies in one of the networks; IPv4 in IPv6 clothes is IPv4."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)
    return any((mapped or ip) in ipaddress.ip_network(one) for one in allowed)
