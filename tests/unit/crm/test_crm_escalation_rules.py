"""How a question climbs (第十一条): each level exactly when the one below had its time, in natural time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.permissions import Role
from crm.escalations.rules import climb, climbed
from crm.scope_policy import Level, ScopePolicy

AT = datetime(2026, 2, 16, 19, 0, tzinfo=UTC)
"""除夕, three in the morning of the next day."""


def policy(levels: int = 4, minutes: int = 30, urgent: int = 10) -> ScopePolicy:
    roles = (Role.SHIFT_LEAD, Role.DIRECTOR, Role.SUPERVISOR, Role.BUREAU_LEADER)
    chain = tuple(Level(post=f"第{n}级", role=role) for n, role in enumerate(roles[:levels], 1))
    basis = dict.fromkeys(("levels", "level_minutes", "urgent_minutes", "check_days"), "第十一条")
    return ScopePolicy(levels=chain, level_minutes=minutes, urgent_minutes=urgent, check_days=180, basis=basis)


@pytest.mark.parametrize(("urgent", "minutes"), [(False, 30), (True, 10)])
def test_a_level_has_its_minutes_and_the_top_has_no_end(urgent: bool, minutes: int) -> None:
    first = climb(policy(), urgent, 1, AT)
    assert (first.level.role, first.until) == (Role.SHIFT_LEAD, AT + timedelta(minutes=minutes))
    assert climb(policy(), urgent, 4, AT).until is None
    assert climb(policy(levels=1), urgent, 1, AT).until is None


@pytest.mark.parametrize(
    ("after", "levels"),
    [(29, []), (30, [2]), (59, [2]), (60, [2, 3]), (90, [2, 3, 4]), (24 * 60, [2, 3, 4])],
    ids=lambda value: str(value),
)
def test_what_nobody_answers_moves_up(after: int, levels: list[int]) -> None:
    first = climb(policy(), False, 1, AT)
    found = climbed(policy(), False, 1, first.until, AT + timedelta(minutes=after))
    assert [one.n for one in found] == levels
    assert all(one.since == AT + timedelta(minutes=30 * (one.n - 1)) for one in found)


@given(st.integers(1, 4), st.integers(1, 500), st.integers(0, 5000), st.booleans())
def test_looking_late_finds_the_same_as_looking_often(levels: int, minutes: int, after: int, urgent: bool) -> None:
    rules = policy(levels, minutes, minutes)
    n, until = 1, climb(rules, urgent, 1, AT).until
    late = climbed(rules, urgent, n, until, AT + timedelta(minutes=after))
    often = []
    for minute in range(0, after + 1, 7):
        for one in climbed(rules, urgent, n, until, AT + timedelta(minutes=minute)):
            often.append(one)
            n, until = one.n, one.until
    often += climbed(rules, urgent, n, until, AT + timedelta(minutes=after))
    assert often == list(late)


def test_a_chain_names_each_level_once_and_only_who_decides() -> None:
    with pytest.raises(ValueError, match="没有认定受理范围的权限"):
        Level(post="档案室", role=Role.ARCHIVIST)
    same = (Level(post="班长", role=Role.SHIFT_LEAD), Level(post="主任", role=Role.SHIFT_LEAD))
    with pytest.raises(ValueError, match="不能重复"):
        ScopePolicy(levels=same, level_minutes=30, urgent_minutes=10, check_days=1, basis={})
