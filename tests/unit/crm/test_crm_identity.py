"""Traces of the reporter in free text (第二十八条(八))."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.tickets.identity import traces


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("我是王小明", ("王**",)),
        ("电话13800001234", ("138****34",)),
        ("座机0793-5901234", ("079****34",)),
        ("身份证362326199001011234", ("362****34",)),
        ("饭店后厨使用过期食材", ()),
        ("订单号1380000123456789", ("138****",)),  # the caller's own digits, hidden in others
        ("订单号1990000123456789", ()),
    ],
)
def test_traces_of_the_reporter(text: str, found: tuple[str, ...]) -> None:
    assert traces(text, name="王小明", phone="+8613800001234") == found


@given(st.text(max_size=200))
def test_traces_never_shows_what_it_found(text: str) -> None:
    assert not any("13800001234" in trace for trace in traces(text + "13800001234", name=None, phone=None))
