"""What each message looks like under a policy, with sample values: the preview of templates (F13-3). Pure."""

from dataclasses import dataclass

from core.policy import Policy
from crm.notices_policy import SAMPLE, NoticesPolicy
from crm.policy import SmsPolicy
from crm.sms.text import units

CODE = "123456"
SEVERAL = f"{SAMPLE['number']}、00002"


@dataclass(frozen=True)
class Text:
    """One template: whom it is for, the message as it arrives, on what it rests."""

    name: str
    title: str
    text: str
    basis: str

    @property
    def length(self) -> int:
        """In UCS-2 characters; one message has 70."""
        return units(self.text)


def texts(policy: Policy) -> list[Text]:
    """Every message that the policy has a template for."""
    sms, notices = policy[SmsPolicy], policy[NoticesPolicy]
    shown = [
        ("receipt", "受理短信（诉求人）", sms.receipt.format(number=SAMPLE["number"], code=CODE), sms.basis["receipt"]),
        (
            "receipt_several",
            "多个工单的受理短信（诉求人）",
            sms.receipt_several.format(number=SEVERAL, code=CODE),
            sms.basis["receipt_several"],
        ),
    ]
    for name, field in NoticesPolicy.model_fields.items():
        if "{number}" in str(value := getattr(notices, name)):
            shown.append((name, field.title or name, value.format(**SAMPLE), notices.basis[name]))
    return [Text(name, title, f"【{sms.signature}】{text}", basis) for name, title, text, basis in shown]


def changed(before: Policy, after: Policy) -> list[tuple[Text | None, Text]]:
    """The messages that another policy would send otherwise."""
    known = {one.name: one for one in texts(before)}
    pairs = [(known.get(one.name), one) for one in texts(after)]
    return [(was, one) for was, one in pairs if was is None or was.text != one.text]
