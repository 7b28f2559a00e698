"""The words of an SMS: short enough, and silent about the matter (D31); an answer is the knowledge base's own text."""

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


def answer(policy: SmsPolicy, text: str) -> str:
    """答复短信: what the knowledge base publishes, which is about nobody. Invalid("sms-too-long") beside the choice."""
    told = f"【{policy.signature}】{' '.join(text.split())}"
    if (long := units(told)) > policy.answer_characters:
        sentence = f"该条目的答复共{long}字，超过答复短信的{policy.answer_characters}字，请口头答复"
        raise Invalid("sms-too-long", sentence + "。", fields={"by_sms": sentence})
    return told
