"""The reference pages say what the code says, and every name in them has a meaning."""

import pytest
from doc_pages import DOCS, tables

from core.permissions import Permission
from hotline.tools import reference


@pytest.mark.parametrize("name", reference.pages())
def test_page_is_what_the_code_says(name: str) -> None:
    committed = (DOCS / "reference" / name).read_text(encoding="utf-8")
    assert committed == reference.pages()[name], "run: python -m hotline.tools.reference"


@pytest.mark.parametrize("name", reference.pages())
def test_no_name_is_without_meaning(name: str) -> None:
    silent = [row[0] for row in tables(reference.pages()[name]) if not row[1 if len(row) != 4 else 3]]
    assert silent == []


def test_every_permission_has_a_line() -> None:
    page = reference.permissions_page()
    assert [one for one in Permission if one is not Permission.SELF and f"| `{one.value}` |" not in page] == []


def test_a_variable_name_is_one_that_the_settings_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(reference.environment(("line", "waits", "duty_ring")), "33")
    assert reference.Settings().line.waits.duty_ring == 33
