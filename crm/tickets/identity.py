"""Traces of a person in free text: what would tell a reported unit who reported it. Pure."""

import re

_NUMBERS = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|0\d{2,3}-?\d{7,8}|\d{17}[\dXx])(?!\d)")


def traces(text: str, *, name: str | None = None, phone: str | None = None) -> tuple[str, ...]:
    """Words in `text` that identify the caller: the caller's name, any telephone or identity number (masked)."""
    found: list[str] = []
    if name and len(name) >= 2 and name in text:
        found.append(name[0] + "*" * (len(name) - 1))
    digits = phone[3:] if phone and phone.startswith("+86") else phone
    for hit in _NUMBERS.findall(text):
        found.append(f"{hit[:3]}****{hit[-2:]}")
    if digits and len(digits) >= 7 and digits in text and not _NUMBERS.search(text):
        found.append(f"{digits[:3]}****")
    return tuple(dict.fromkeys(found))
