"""Forms made from the policy's models: what they show, they read back; what is wrong is said beside its field."""

from pathlib import Path
from typing import Any

import pytest

import crm.installed  # noqa: F401 - defines every section of the policy
from core.errors import Invalid
from core.policy import SECTIONS, PolicySection, parse
from crm.policy import LimitsPolicy, SmsPolicy
from web import rule_form
from web.reading import validate

POLICY = parse((Path(__file__).parents[3] / "counties" / "yiyang" / "policy.toml").read_text(encoding="utf-8"))


def filled(section: PolicySection, **changed: str) -> dict[str, str]:
    """What a browser sends for this section; empty fields are left out, as everywhere."""
    sent: dict[str, str] = {}
    for one in rule_form.fields(section):
        sent |= {f"value_{one.name}": one.value, f"basis_{one.name}": one.basis}
    return {name: text for name, text in (sent | changed).items() if text}


def read(kind: type[PolicySection], sent: dict[str, Any]) -> PolicySection:
    return rule_form.section(kind, validate(rule_form.asks(kind), sent))


@pytest.mark.parametrize("kind", SECTIONS.values(), ids=SECTIONS)
def test_a_form_sent_as_it_is_changes_nothing(kind: type[PolicySection]) -> None:
    assert read(kind, filled(POLICY[kind])) == POLICY[kind]


def test_kinds_of_fields_follow_the_model() -> None:
    sections = [POLICY.sections[key] for key in ("limits", "clock", "menu", "sms", "letters")]
    kinds = {one.name: (one.kind, one.help) for section in sections for one in rule_form.fields(section)}
    assert kinds["complaint"] == ("number", "1 至 366")
    assert kinds["count_start_day"] == ("choice", "")
    assert kinds["receipt"] == ("text", "")
    assert kinds["no_basis"] == ("prose", "")
    assert kinds["keys"][0] == "toml"


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"value_complaint": "十"}, "value_complaint", "请填写整数。"),
        ({"value_complaint": "0"}, "value_complaint", "不能小于 1。"),
        ({"value_complaint": "999"}, "value_complaint", "不能大于 366。"),
        ({"value_complaint": ""}, "value_complaint", "请填写整数。"),
        ({"basis_complaint": ""}, "basis_complaint", "请写明条款、解释口径或本局决定。"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(changed: dict[str, str], field: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(LimitsPolicy, filled(POLICY[LimitsPolicy], **changed))
    assert caught.value.fields == {field: said}


@pytest.mark.parametrize(
    "keys", ["[", "1\ny = 2", '[{ key = "2", does = "explode" }]', '[{ key = "22", does = "agent" }]']
)
def test_lists_are_read_as_in_the_file_and_nothing_more(keys: str) -> None:
    kind = SECTIONS["menu"]
    with pytest.raises(Invalid) as caught:
        read(kind, filled(POLICY[kind], value_keys=keys))
    assert list(caught.value.fields) == ["value_keys"]


def test_a_receipt_without_the_number_is_refused_in_chinese() -> None:
    with pytest.raises(Invalid) as caught:
        read(SmsPolicy, filled(POLICY[SmsPolicy], value_receipt="您的诉求已受理。"))
    assert "须且只须包含" in caught.value.fields["value_receipt"]


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        read(LimitsPolicy, filled(POLICY[LimitsPolicy]) | {"value_sudo": "1"})
    assert list(caught.value.fields) == ["value_sudo"]
