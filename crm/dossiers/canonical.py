"""Canonical JSON: RFC 8785 (JCS) limited to objects, arrays, texts, whole numbers, true, false and null, with ASCII
names. Within these limits Python's own writer, sorted and without spaces, makes what the RFC asks for. Pure."""

import json
from typing import Any

from core.errors import Invalid

LARGEST_JSON = 16 * 1024 * 1024
"""Bytes of a document that somebody brings: a manifest of an order with thousands of entries has a tenth."""
GREATEST = 2**53 - 1
"""Whole numbers beyond it are not the same in every language (RFC 8785, 3.2.2.3)."""


def canonical(value: Any) -> bytes:
    """`value` in the one form in which it is digested. Raises ValueError for what has no such form."""
    _check(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _check(value: Any) -> None:
    if isinstance(value, dict):
        for name, one in value.items():
            if not isinstance(name, str) or not name.isascii():
                raise ValueError(f"a name is ASCII text, not {name!r}")
            _check(one)
    elif isinstance(value, list):
        for one in value:
            _check(one)
    elif isinstance(value, int):
        if abs(value) > GREATEST:
            raise ValueError("a whole number is too great")
    elif value is not None and not isinstance(value, str):
        raise ValueError(f"no canonical form of a {type(value).__name__}")


def read(data: bytes, what: str) -> Any:
    """The value that `data` is the canonical form of. Raises Invalid("package-json") naming `what`: other bytes could
    be read in two ways."""
    if len(data) > LARGEST_JSON:
        raise Invalid("package-json", f"{what}过大，不予读取（file too large）。")
    try:
        value = json.loads(data.decode())
        if canonical(value) == data:
            return value
    except (ValueError, RecursionError):
        pass
    raise Invalid("package-json", f"{what}不是规范的 JSON（not canonical JSON, RFC 8785）。")
