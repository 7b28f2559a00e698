"""The regulation as articles, bases as citations, every rule with both a basis and a day."""

from pathlib import Path

import pytest

from core.clock import now
from core.errors import Invalid
from core.policy import parse
from core.rules.book import Rulebook
from core.rules.text import values
from crm import installed
from crm.conflicts_policy import ConflictsPolicy
from crm.county.regulations import load_regulations
from crm.regulations import rules
from crm.rulebook.policy import in_force_since

COUNTY = Path(__file__).parents[3] / "counties" / "yiyang"
TEXT = (COUNTY / "policy.toml").read_text(encoding="utf-8")


@pytest.mark.proves("F01-1")
def test_the_county_brings_its_four_documents_and_its_own_text_whole() -> None:
    found = {one.number: one for one in load_regulations(COUNTY)}
    assert list(found) == ["国办发〔2020〕53号", "赣府厅发〔2021〕30号", "饶府办字〔2023〕3号", "弋府办字〔2023〕51号"]
    own = found["弋府办字〔2023〕51号"]
    assert own.own and str(own.effective_from) == "2023-06-05"
    names = [one.name for one in rules.articles(own.text) if one.name]
    assert len(names) == 32 and names[0] == "第一条" and names[-1] == "第三十二条"
    twelfth = next(one for one in rules.articles(own.text) if one.name == "第十二条")
    assert [one[:3] for one in twelfth.paragraphs[1:]] == [f"（{n}）" for n in "一二三四五六七八九"]


def test_a_basis_is_read_as_links_to_articles_that_there_are() -> None:
    basis = "第十二条（三）：签收后1个工作日内申请退回；参照第二百零一条"
    assert list(rules.pieces(basis, ["第十二条"])) == [
        ("第十二条（三）", "第十二条"),
        ("：签收后1个工作日内申请退回；参照第二百零一条", ""),
    ]
    assert rules.citations("第十三条、第十二条（五）（七）") == ["第十三条", "第十二条（五）（七）"]


@pytest.mark.proves("A01-1", "F01-1")
def test_every_rule_says_where_it_comes_from_and_since_when() -> None:
    policy = parse(TEXT)
    since = in_force_since(Rulebook.first(policy, installed.read(COUNTY).calendar), now())
    for section in policy.sections.values():
        for one in values(section):
            assert rules.is_cited(one.basis), f"{one.section}.{one.name}: {one.basis}"
            assert since[one.section, one.name] == policy.issued_at


@pytest.mark.proves("A01-1")
def test_a_value_stands_since_the_version_that_set_it() -> None:
    first = parse(TEXT)
    second = parse(TEXT.replace("complaint = 10", "complaint = 8", 1))
    later = now()
    book = Rulebook.first(first, installed.read(COUNTY).calendar).with_policy(later, second)
    since = in_force_since(book, later)
    assert since["limits", "complaint"] == later
    assert since["limits", "report"] == first.issued_at


CITED = 'citation = "赣府厅发〔2021〕30号第十五条", stricter = "1个工作日", applied = "own"'
NOTE = f'[{{ rule = "limits.consultation", {CITED} }}]'


@pytest.mark.proves("F01-2")
def test_a_stricter_rule_of_the_province_is_noted_at_the_rule() -> None:
    policy = parse(TEXT.replace("\nnotes = []", f"\nnotes = {NOTE}", 1))
    [note] = policy[ConflictsPolicy].on("limits", "consultation")
    assert note.says == "上级规定更严：赣府厅发〔2021〕30号第十五条规定1个工作日；按本办法执行"
    assert policy[ConflictsPolicy].on("limits", "help") == []
    for wrong in ("limits.gossip", "gossip.consultation", "limits.basis"):
        with pytest.raises(Invalid):
            parse(TEXT.replace("\nnotes = []", f"\nnotes = {NOTE.replace('limits.consultation', wrong)}", 1))
