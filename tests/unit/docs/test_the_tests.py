"""The tests themselves: each file has a name of its own, else pytest leaves one of two unread."""

from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parents[2]


def test_no_two_files_have_one_name() -> None:
    found = Counter(path.name for path in TESTS.rglob("*.py") if path.name not in ("__init__.py", "conftest.py"))
    assert [name for name, count in found.items() if count > 1] == []
