"""Cloud MAS: what is sent in a template's name is the message to the letter; the check value is the interface's."""

import base64
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.settings import MasSettings, MasTemplate
from crm.sms.mas import wire
from crm.sms.mas.templates import choose, unsigned
from crm.sms.rules import operators_status

SETTINGS = MasSettings(ec_name="县政务", ap_id="hotline", secret_key="秘密", sign="SiGn", add_serial="01")
RECEIPT = MasTemplate(id="1", text="工单号{}，查询码{}。")
VALUE = st.text(
    st.characters(exclude_characters="，。！？；", exclude_categories=("Cs", "Cc")), min_size=1, max_size=20
)


@given(first=VALUE, second=VALUE)
def test_a_template_filled_with_what_was_read_out_is_the_message(first: str, second: str) -> None:
    text = RECEIPT.text.format(first, second)
    chosen = choose([RECEIPT], text)
    assert chosen
    assert RECEIPT.text.format(*chosen[1]) == text


@pytest.mark.parametrize(
    "text",
    [
        "工单号YY1，查询码1。另外",
        "您好，工单号YY1，查询码1。",
        "工单号，查询码1。",
        "工单号YY1，请拨打110，查询码1。",
        "",
    ],
)
def test_other_words_have_no_template(text: str) -> None:
    assert choose([RECEIPT], text) is None


def test_the_first_template_that_fits_is_taken_and_its_signs_are_letters() -> None:
    dots = MasTemplate(id="2", text="a.c（{}）")
    assert choose([dots], "abc（1）") is None
    assert choose([MasTemplate(id="3", text="{}）"), dots], "a.c（1）") == (
        MasTemplate(id="3", text="{}）"),
        ("a.c（1",),
    )


@pytest.mark.parametrize(
    ("text", "bare"), [("【弋阳12345】您好", "您好"), ("您好【x】", "您好【x】"), ("【】好", "【】好")]
)
def test_only_a_leading_signature_is_taken_off(text: str, bare: str) -> None:
    assert unsigned(text) == bare


def test_the_check_value_is_taken_over_the_values_in_the_interfaces_order() -> None:
    sent = json.loads(base64.b64decode(wire.free_text(SETTINGS, "13800001234", "您好")))
    assert sent.pop("mac") == hashlib.md5("县政务hotline秘密13800001234您好SiGn01".encode()).hexdigest()
    assert list(sent) == ["ecName", "apId", "secretKey", "mobiles", "content", "sign", "addSerial"]
    sent = json.loads(base64.b64decode(wire.template(SETTINGS, "13800001234", "t1", ("a", "乙"))))
    assert sent.pop("mac") == hashlib.md5('县政务hotline秘密t113800001234["a","乙"]SiGn01'.encode()).hexdigest()
    assert sent["params"] == '["a","乙"]'


@pytest.mark.parametrize(
    ("stat", "error", "known"),
    [
        ("DELIVRD", "", ("DELIVRD", "")),
        ("UNDELIV", "DB:0140", ("UNDELIV", "DB:0140")),
        ("MK:0001", "", ("UNDELIV", "MK:0001")),
        ("MB:0008", "", ("UNDELIV", "MB:0008")),
        ("MA:0001", "", ("UNKNOWN", "MA:0001")),
        ("IC:0001", "", ("UNKNOWN", "IC:0001")),
        ("ACCEPTD", "", ("ACCEPTD", "")),
        ("", "", ("", "")),
    ],
)
def test_an_operators_own_code_is_a_failure_unless_nothing_was_heard(
    stat: str, error: str, known: tuple[str, str]
) -> None:
    assert operators_status(stat, error) == known
