"""How texts that people decided about are named: by what they say."""

import hashlib


def short_digest(text: str) -> str:
    """The first 16 hexadecimal digits of the text's SHA-256."""
    return sha256_hex(text)[:16]


def sha256_hex(text: str) -> str:
    """The text's SHA-256, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
