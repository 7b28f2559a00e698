"""The rules of scoring: periods, the draw, sums, second looks, and who may take which step (第七条(四), F07-4)."""

import random
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from core.db import new_id
from crm.sampling import Period, last_complete, period_of
from crm.scoring.rules import Marks, Step, draw, may_not, needs_second, total, wrong
from crm.scoring_policy import ScoringPolicy

VALUES: dict[str, Any] = {
    "criteria": [{"name": "服务态度", "points": 40}, {"name": "工单填写", "points": 60, "asks": "要素齐全"}],
    "fatal": ["辱骂诉求人", "主动挂断"],
    "period": "week",
    "per_agent": 3,
    "shortest_s": 20,
    "pass_mark": 80,
    "second_below": 60,
    "objection_days": 3,
}
POLICY = ScoringPolicy.model_validate(VALUES | {"basis": dict.fromkeys(VALUES, "本局决定")})


@pytest.mark.parametrize(
    ("day", "kind", "first", "last", "label"),
    [
        (date(2026, 11, 16), "week", date(2026, 11, 16), date(2026, 11, 22), "2026年11月16日至22日"),
        (date(2026, 11, 22), "week", date(2026, 11, 16), date(2026, 11, 22), "2026年11月16日至22日"),
        (date(2026, 12, 31), "week", date(2026, 12, 28), date(2027, 1, 3), "2026年12月28日至2027年1月3日"),
        (date(2026, 11, 30), "month", date(2026, 11, 1), date(2026, 11, 30), "2026年11月"),
        (date(2028, 2, 10), "month", date(2028, 2, 1), date(2028, 2, 29), "2028年2月"),
        (date(2026, 12, 31), "month", date(2026, 12, 1), date(2026, 12, 31), "2026年12月"),
    ],
)
def test_a_period_is_a_week_or_a_month(day: date, kind: str, first: date, last: date, label: str) -> None:
    found = period_of(day, kind)
    assert (found, found.label) == (Period(first, last), label)


@pytest.mark.parametrize(
    ("today", "kind", "first"),
    [
        (date(2026, 11, 23), "week", date(2026, 11, 16)),
        (date(2026, 11, 22), "week", date(2026, 11, 9)),
        (date(2026, 12, 1), "month", date(2026, 11, 1)),
        (date(2027, 1, 31), "month", date(2026, 12, 1)),
    ],
)
def test_only_what_is_over_is_drawn(today: date, kind: str, first: date) -> None:
    assert last_complete(today, kind).first == first


@pytest.mark.proves("F07-4")
def test_the_same_seed_draws_the_same_calls_whatever_their_order() -> None:
    calls = {agent: [f"{agent}-{n}" for n in range(40)] for agent in ("a", "b")} | {"c": ["c-0", "c-1"]}
    drawn = draw(7, calls, 3)
    assert {agent: len(of) for agent, of in drawn.items()} == {"a": 3, "b": 3, "c": 2}
    for agent, of in drawn.items():
        assert set(of) <= set(calls[agent])
    mixed = {agent: random.Random(1).sample(of, len(of)) for agent, of in reversed(calls.items())}
    assert draw(7, mixed, 3) == drawn
    assert draw(8, calls, 3) != drawn
    without = {agent: [call for call in of if call in drawn[agent]] for agent, of in calls.items()}
    assert draw(7, without, 3) == drawn, "calls that were not drawn change nothing"


def test_every_call_is_drawn_as_often_as_any_other() -> None:
    calls = {"a": [f"call-{n}" for n in range(20)]}
    counts = dict.fromkeys(calls["a"], 0)
    for seed in range(2000):
        for call in draw(seed, calls, 5)["a"]:
            counts[call] += 1
    assert all(420 <= count <= 580 for count in counts.values()), counts


@pytest.mark.parametrize(
    ("points", "fatal", "sum_", "second"),
    [
        ((40, 60), (), 100, False),
        ((0, 60), (), 60, False),
        ((0, 59), (), 59, True),
        ((0, 0), (), 0, True),
        ((40, 60), ("主动挂断",), 0, True),
    ],
)
def test_a_total_and_whether_another_looks(
    points: Sequence[int], fatal: Sequence[str], sum_: int, second: bool
) -> None:
    marks = Marks(points, fatal)
    assert wrong(POLICY, marks) == ""
    assert (total(marks), needs_second(POLICY, marks)) == (sum_, second)


@pytest.mark.parametrize(
    ("points", "fatal", "why"),
    [
        ((40,), (), "全部 2 个项目"),
        ((40, 60, 0), (), "全部 2 个项目"),
        ((41, 0), (), "“服务态度”为 0 至 40 分"),
        ((0, -1), (), "“工单填写”为 0 至 60 分"),
        ((1, 1), ("迟到",), "列出的一票否决情形"),
        ((1, 1), ("主动挂断", "主动挂断"), "列出的一票否决情形"),
    ],
)
def test_marks_that_are_none(points: Sequence[int], fatal: Sequence[str], why: str) -> None:
    assert why in wrong(POLICY, Marks(points, fatal))


AGENT, FIRST, OTHER = new_id(), new_id(), new_id()


@pytest.mark.parametrize(
    ("step", "person", "earlier", "why"),
    [
        (Step.FIRST, OTHER, [], ""),
        (Step.FIRST, AGENT, [], "不能对本人接听的来电评分"),
        (Step.SECOND, AGENT, [FIRST], "不能对本人接听的来电复核"),
        (Step.SECOND, FIRST, [FIRST], "须由另一人"),
        (Step.SECOND, OTHER, [FIRST], ""),
        (Step.DECISION, FIRST, [FIRST], "须由另一人"),
        (Step.DECISION, OTHER, [FIRST, OTHER], "须由另一人"),
        (Step.DECISION, OTHER, [FIRST], ""),
        (Step.DECISION, None, [FIRST], "不能对本人"),
    ],
)
def test_each_step_is_another_persons(step: Step, person: UUID | None, earlier: list[UUID], why: str) -> None:
    found = may_not(step, person, AGENT, earlier)
    assert why in found if why else found == ""


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"criteria": [{"name": "服务态度", "points": 40}]}, "之和应为100"),
        ({"criteria": [{"name": "服务态度", "points": 40}, {"name": "服务态度", "points": 60}]}, "不能重名"),
        ({"criteria": []}, "at least 1"),
        ({"period": "day"}, "week"),
        ({"per_agent": 0}, "greater than"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        ScoringPolicy.model_validate(VALUES | {"basis": dict.fromkeys(VALUES, "本局决定")} | change)
