"""What decides about keeping and destroying: who acts when, what is typed, and that nothing ends a day too early."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.actor import Actor
from core.db import new_id
from core.permissions import GRANTS, Permission, Role
from crm.installed import Installation
from crm.retention.lists import NEEDS, RETURNERS, may_not
from crm.retention.models import DisposalList
from crm.retention.rules import FROM, OPEN, Act, Item, Kept, Reason, Standing, due, typed
from crm.retention_policy import RetentionPolicy
from recordings.archive.rules import last_protected_day


@pytest.mark.proves("F12.9-3")
def test_each_step_belongs_to_another_office() -> None:
    holders = {act: {role for role in Role if NEEDS[act] in GRANTS[role]} for act in NEEDS}
    assert holders == {
        Act.REVIEW: {Role.ARCHIVIST},
        Act.APPROVE: {Role.DIRECTOR},
        Act.CONFIRM: {Role.BUREAU_LEADER},
        Act.ORDER: {Role.ARCHIVIST},
    }
    assert set(RETURNERS) == {NEEDS[Act.APPROVE], NEEDS[Act.CONFIRM]}
    for role in Role:
        if any(needed in GRANTS[role] for needed in (*NEEDS.values(), Permission.RETENTION_HOLD)):
            assert Permission.RETENTION_VIEW in GRANTS[role], role


@pytest.mark.proves("F12.9-3")
def test_the_way_of_a_list() -> None:
    assert [(act.value, [one.value for one in FROM[act]]) for act in Act] == [
        ("review", ["proposed"]),
        ("approve", ["reviewed"]),
        ("confirm", ["approved"]),
        ("return", ["reviewed", "approved", "confirmed"]),
        ("order", ["confirmed"]),
    ]
    assert set(Standing) - set(OPEN) == {Standing.DONE, Standing.VOID}
    for kind in (Act, Standing, Item, Kept, Reason):
        assert len({one.label for one in kind}) == len(kind), "each has a name of its own"


@pytest.mark.proves("F12.9-3")
def test_who_reviewed_or_approved_does_not_approve_again() -> None:
    one, two, three = (Actor(new_id(), str(n)) for n in range(3))
    row = DisposalList(reviewed_by=one.user_id, approved_by=two.user_id)
    assert [bool(may_not(who, row, Act.CONFIRM)) for who in (one, two, three)] == [True, True, False]
    assert [bool(may_not(who, row, Act.APPROVE)) for who in (one, two, three)] == [True, False, False]
    assert not may_not(one, row, Act.ORDER), "the archive officer who reviewed executes what others approved"


def test_what_is_typed_names_how_many() -> None:
    assert [typed(act, 12) for act in (Act.REVIEW, Act.APPROVE, Act.CONFIRM, Act.ORDER)] == [
        "审查12份",
        "同意销毁12份",
        "同意销毁12份",
        "永久销毁12份",
    ]


@pytest.mark.proves("F12.9-2", "D32")
def test_classes_are_at_least_the_three_years(installation: Installation) -> None:
    policy = installation.policy[RetentionPolicy]
    assert {kind.value: kind.years(policy) for kind in Kept} == dict.fromkeys(
        ("report", "emergency", "supervision", "petition"), 5
    )
    assert Kept.REPORT.why(policy) == "举报件，保存5年"
    with pytest.raises(ValueError, match="greater than or equal to 3"):
        RetentionPolicy.model_validate(policy.model_dump() | {"report_years": 2})


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))


@pytest.mark.proves("D32", "A12.9-1")
@given(MOMENTS, st.integers(3, 100), st.integers(3, 100))
def test_more_years_never_end_earlier_and_no_day_is_lost(at: datetime, years: int, more: int) -> None:
    last = last_protected_day(at, years)
    assert (last_protected_day(at, max(years, more)) >= last) and not due(last, last)
    assert due(last, last + timedelta(days=1)) and last.year == (at + timedelta(hours=8)).year + years


@pytest.mark.proves("A12.9-1", "D32")
@pytest.mark.parametrize(
    ("recorded", "last"),
    [
        (datetime(2026, 11, 23, 3, 0, tzinfo=UTC), date(2029, 11, 23)),
        (datetime(2028, 2, 29, 3, 0, tzinfo=UTC), date(2031, 2, 28)),
        (datetime(2026, 11, 22, 16, 0, tzinfo=UTC), date(2029, 11, 23)),
        (datetime(2029, 2, 28, 3, 0, tzinfo=UTC), date(2032, 2, 28)),
    ],
)
def test_the_last_protected_day(recorded: datetime, last: date) -> None:
    assert last_protected_day(recorded, 3) == last
