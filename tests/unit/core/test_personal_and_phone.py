"""Personal data and telephone numbers."""

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from core import personal, phone
from core.errors import Invalid
from core.log import without_personal_data


@given(st.text())
def test_what_is_sealed_comes_back_and_is_not_in_the_clear(value: str) -> None:
    stored = personal.seal(value)
    assert personal.unseal(stored) == value
    assert personal.seal(value) != stored
    assert stored.split(":")[2] == personal.blind(value)


def test_tampering_is_noticed() -> None:
    stored = personal.seal("+8613800000000")
    with pytest.raises(InvalidTag):
        personal.unseal(stored[:-6] + ("A" if stored[-6] != "A" else "B") + stored[-5:])


@pytest.mark.parametrize(
    ("typed", "e164", "shown", "masked"),
    [
        ("138 0000 1234", "+8613800001234", "13800001234", "138****1234"),
        ("+86-138-0000-1234", "+8613800001234", "13800001234", "138****1234"),
        ("008613800001234", "+8613800001234", "13800001234", "138****1234"),
        ("0793-5901234", "+867935901234", "0793-5901234", "0793-***1234"),
        ("(010) 12345678", "+861012345678", "010-12345678", "010-***5678"),
        ("12345", "12345", "12345", "12345"),
    ],
)
def test_numbers_are_kept_and_shown(typed: str, e164: str, shown: str, masked: str) -> None:
    assert phone.normalise(typed) == e164
    assert phone.show(e164) == shown
    assert phone.mask(e164) == masked


@pytest.mark.parametrize("typed", ["", "abc", "1380000123", "+0123456789", "138000012345678901", "１３８", "12\n345"])
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(Invalid, match="bad-phone"):
        phone.normalise(typed)
    assert phone.from_caller_id(typed) is None


def test_only_mobiles_get_text_messages() -> None:
    assert phone.is_mobile("+8613800001234")
    assert not phone.is_mobile("+867935901234")
    assert not phone.is_mobile(None)


def test_names_are_masked() -> None:
    assert [personal.mask_name(name) for name in ("张", "张伟", "张小明", "欧阳小明")] == [
        "*",
        "张*",
        "张*明",
        "欧**明",
    ]


def test_numbers_do_not_reach_the_log() -> None:
    event = {"event": "call from +8613800001234", "id": "361126199001011234", "call": "1763861234.12"}
    assert without_personal_data(None, "info", event) == {
        "event": "call from ***",
        "id": "***",
        "call": "1763861234.12",
    }
