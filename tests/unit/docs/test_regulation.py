"""What is called done is proven, and the ids that tests name exist."""

import re
from pathlib import Path

import pytest

from hotline.tools import regulation
from hotline.tools.regulation import ID, Article, Requirement, Stage

SCOPE_OF_ARTICLES = 32
TEST = """
import pytest
pytestmark = [pytest.mark.proves("F01-1")]
CASES = pytest.mark.proves("F09-9")

class TestOne:
    @pytest.mark.proves("A01-1", "D2")
    async def test_inside(self): ...

@pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.proves("V07"))])
def test_table(n): ...

def helper(): ...
"""


def test_every_id_is_well_formed_and_listed_once() -> None:
    ids = [one.id for article in regulation.articles() for one in article.requirements]
    assert len(ids) == len(set(ids)) > 250
    assert [id for id in ids if not ID.fullmatch(id)] == []
    kinds = {kind: sum(id.startswith(kind) for id in ids) for kind in "DTV"}
    assert kinds == {"D": 38, "T": 25, "V": 26}


def test_every_article_is_there_in_order() -> None:
    names = [re.sub("（.）", "", article.name) for article in regulation.articles()]
    assert len(dict.fromkeys(names)) == SCOPE_OF_ARTICLES
    assert all(article.requirements or article.title for article in regulation.articles())


def test_what_is_done_is_proven() -> None:
    assert regulation.unproven(regulation.articles(), regulation.proofs()) == []


def test_tests_name_only_ids_that_exist() -> None:
    assert regulation.unknown(regulation.articles(), regulation.proofs()) == []


def test_a_claim_without_a_test_is_found() -> None:
    listed = (Article("第一条", "", (Requirement("F01-1", Stage.DONE, ""), Requirement("A01-1", Stage.OPEN, ""))),)
    assert regulation.unproven(listed, {}) == ["F01-1"]
    assert regulation.unproven(listed, {"F01-1": ("a",)}) == []
    assert regulation.unknown(listed, {"F01-1": ("a",), "F01-9": ("b",)}) == ["F01-9"]


def test_marks_are_found_wherever_they_may_stand(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_sample.py").write_text(TEST, encoding="utf-8")
    found = regulation.proofs(tmp_path / "tests")
    assert found == {
        "F01-1": ("tests/test_sample.py::TestOne::test_inside", "tests/test_sample.py::test_table"),
        "A01-1": ("tests/test_sample.py::TestOne::test_inside",),
        "D2": ("tests/test_sample.py::TestOne::test_inside",),
        "V07": ("tests/test_sample.py::test_table",),
    }


@pytest.mark.parametrize(("said", "ids"), [("D2, D16).", ["D2", "D16"]), ("A12.3-4:", ["A12.3-4"]), ("UUID7 MD5", [])])
def test_ids_are_told_from_other_words(said: str, ids: list[str]) -> None:
    assert ID.findall(said) == ids
