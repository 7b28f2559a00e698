"""解释口径: every reading of clocks, returns and extensions is on record beside the values that carry it (F31-1)."""

import tomllib
from pathlib import Path

import pytest
from invented_county import COUNTIES

from core.policy import Policy, load
from crm.county.categories import Category
from crm.installed import Installation
from crm.policy import LimitsPolicy
from crm.procedure import CompletionPolicy, ExtensionsPolicy, ReturnsPolicy, SigningPolicy
from crm.rulebook.readings import in_force, readings

REQUIREMENTS = Path(__file__).parents[3] / "docs" / "reference" / "requirements.toml"
ARTICLES = {"第十二条(三)", "第十三条", "第十五条"}


@pytest.fixture
def policy(yiyang: Installation) -> Policy:
    return yiyang.rules.policies[0].policy


@pytest.mark.proves("F31-1")
def test_every_reading_of_these_articles_is_on_record() -> None:
    listed = tomllib.loads(REQUIREMENTS.read_text(encoding="utf-8"))["article"]
    ids = {one["id"] for article in listed if article["name"] in ARTICLES for one in article["requirements"]}
    assert {id for id in ids if id.startswith("D")} <= set(readings())


@pytest.mark.proves("F31-1")
def test_a_reading_shows_the_values_that_carry_it(policy: Policy) -> None:
    for id, one in readings().items():
        assert [value.shown for _, value in in_force(policy, one)] or not one.rules, id
    shown = [(section, one.label, one.shown) for section, one in in_force(policy, readings()["D18"])]
    assert shown == [("按期办结的认定", "以哪一时刻认定按期办结", "审核通过的那次提交的时刻")]


@pytest.mark.proves("D7", "D9", "D10", "D11", "D16", "D18")
def test_the_first_countys_readings_are_the_proposed_ones(policy: Policy) -> None:
    returns, extensions = policy[ReturnsPolicy], policy[ExtensionsPolicy]
    assert (returns.window, returns.stops_clock, returns.new_clock) == (1, False, "different-unit")
    assert (returns.disputed_from, returns.ping_pong) == (2, True)
    assert (extensions.most, extensions.counted_by) == (1, "order")
    assert (policy[SigningPolicy].automatic, policy[CompletionPolicy].decided_by) == (False, "submission")


@pytest.mark.proves("D12")
def test_each_kind_of_demand_has_the_limit_that_its_county_decided(policy: Policy, invented: Installation) -> None:
    limits = [policy[LimitsPolicy].of(category) for category in Category]
    assert limits == [2, 5, 5, 5, 10, 10]
    other = invented.rules.policies[0].policy[LimitsPolicy]
    assert [other.of(category) for category in Category] == [1, 5, 5, 5, 7, 10]
    assert (policy[LimitsPolicy].repeated, other.repeated) == (15, 15)


def test_the_countys_file_says_so() -> None:
    assert load(COUNTIES / "yiyang" / "policy.toml")[SigningPolicy].basis["automatic"].startswith("解释口径 D7")
