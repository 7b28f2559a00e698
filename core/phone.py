"""Telephone numbers: E.164 inside, shown as people write them (GB/T 15120, E.164)."""

import re

from core.errors import Invalid

_SEPARATORS = re.compile(r"[ \-()（）.·]+")
_MOBILE = re.compile(r"\+861[3-9]\d{9}")
_SHORT = re.compile(r"(1\d{2,4}|9\d{4,5})")  # 110, 12345, 95598, 123456 is none


def normalise(number: str) -> str:
    """A number as dialled in China -> E.164 (`+8613800000000`, `+867935901234`); short numbers stay.

    Raises `Invalid("bad-phone")` for what cannot be a number.
    """
    text = _SEPARATORS.sub("", number)
    if _SHORT.fullmatch(text):
        return text
    if text.startswith("00"):
        text = "+" + text[2:]
    if re.fullmatch(r"\+[1-9]\d{6,14}", text):
        return text
    if re.fullmatch(r"1[3-9]\d{9}", text):
        return "+86" + text
    if re.fullmatch(r"0[1-9]\d{8,11}", text):
        return "+86" + text[1:]
    if re.fullmatch(r"86(1[3-9]\d{9})", text):
        return "+" + text
    raise Invalid("bad-phone", "电话号码不正确。", fields={"phone": "请填写手机号或带区号的固定电话"})


def from_caller_id(value: str | None) -> str | None:
    """A trunk's caller number -> E.164, or None for what is withheld or no number."""
    if not value:
        return None
    try:
        return normalise(value)
    except Invalid:
        return None


def is_mobile(e164: str | None) -> bool:
    """Whether an SMS can reach this number (Chinese mobile)."""
    return bool(e164 and _MOBILE.fullmatch(e164))


def show(e164: str) -> str:
    """`+8613800000000` -> `13800000000`; `+867935901234` -> `0793-5901234`; others unchanged."""
    if is_mobile(e164):
        return e164[3:]
    if e164.startswith("+86"):
        rest = e164[3:]
        area = 2 if rest[0] in "12" else 3
        return f"0{rest[:area]}-{rest[area:]}"
    return e164


def dialled(e164: str, *, national: bool) -> str:
    """Digits as SMS gateways take them: `138…` (a Chinese number, `national`), else `86138…`."""
    return e164.removeprefix("+86" if national else "+").removeprefix("+")


def mask(e164: str) -> str:
    """`138****5678`, `0793-***1234`: what is shown until somebody gives a reason to see more."""
    text = show(e164)
    if is_mobile(e164):
        return f"{text[:3]}****{text[-4:]}"
    if len(text) <= 6:
        return text
    head, _, _ = text.partition("-")
    return f"{head if '-' in text else text[:3]}-***{text[-4:]}"
