"""The words of an SMS: short enough for one message, and silent about the matter (D31)."""

from core.errors import Invalid
from crm.policy import SmsPolicy


def units(text: str) -> int:
    """Length in UCS-2 characters, as the network counts it: an emoji is two."""
    return len(text.encode("utf-16-be")) // 2


def fits(policy: SmsPolicy, text: str) -> bool:
    """Whether it is one message, with its signature."""
    return units(f"【{policy.signature}】{text}") <= policy.max_characters


def receipt(policy: SmsPolicy, *, number: str, code: str, never: tuple[str, ...] = (), several: bool = False) -> str:
    """受理短信 with order number (or numbers) and query code.

    `never` are texts of the order (title, place, name); Invalid("sms-detail") when one of them appears,
    Invalid("sms-too-long") when it does not fit.
    """
    template = policy.receipt_several if several else policy.receipt
    text = f"【{policy.signature}】{template.format(number=number, code=code)}"
    if units(text) > policy.max_characters:
        raise Invalid("sms-too-long", f"短信共{units(text)}字，超过{policy.max_characters}字。")
    if any(len(part) >= 2 and part in text for part in never):
        raise Invalid("sms-detail", "短信不得含有诉求内容。")
    return text
