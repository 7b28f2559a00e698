"""Limits, duty hours, staffing and the steps from intent to fact, as tables."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callflow.agents.rules import Intent, PauseReason, steps, unanswered
from callflow.incidents.rules import Desk, minute_of, missed, staffed
from callflow.limits import CallerLimits, Limits
from callflow.numbers.models import DutyMobile
from callflow.numbers.rules import in_turn, on_duty
from callflow.sources.ami import AUTO_PAUSE, Device, Member
from core.clock import SHANGHAI

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
LIMITS = Limits(calls=3, window_min=10, concurrent=2)


def minutes(count: float) -> datetime:
    return NOW + timedelta(minutes=count)


def test_one_number_may_call_so_often_and_no_more() -> None:
    limits = CallerLimits()
    answers = []
    for n in range(4):
        answers.append(limits.admit("+8613800000000", f"{n}", minutes(n), LIMITS))
        limits.ended(f"{n}")
    assert answers == [None, None, None, "calls"]
    assert limits.admit("+8613800000009", "x", minutes(4), LIMITS) is None
    assert limits.admit("+8613800000000", "y", minutes(10.1), LIMITS) is None


def test_so_many_at_once_and_no_more_and_asking_twice_counts_once() -> None:
    limits = CallerLimits()
    assert [limits.admit("+861", call, NOW, LIMITS) for call in ("a", "a", "b", "c")] == [
        None,
        None,
        None,
        "concurrent",
    ]
    limits.ended("a")
    assert limits.admit("+861", "d", NOW, LIMITS) is None


def test_a_call_whose_end_was_missed_stops_counting_when_no_channel_of_it_is_left() -> None:
    limits = CallerLimits()
    for call in ("a", "b"):
        limits.admit("+861", call, NOW, LIMITS)
    limits.only({"a", "b"}, minutes(1))
    assert limits.admit("+861", "c", minutes(1), LIMITS) == "concurrent"
    limits.only({"a"}, NOW)
    assert limits.admit("+861", "c", minutes(1), LIMITS) == "concurrent", "b came after the list of channels"
    limits.only({"a"}, minutes(1))
    assert limits.admit("+861", "c", minutes(1), LIMITS) is None


def test_a_withheld_number_is_nobodys() -> None:
    limits = CallerLimits()
    assert {limits.admit(None, f"{n}", NOW, LIMITS) for n in range(50)} == {None}


def test_what_no_longer_counts_is_forgotten() -> None:
    limits = CallerLimits()
    for n in range(100):
        limits.admit(f"+86{n}", f"{n}", NOW, LIMITS)
    limits.tidy(NOW + timedelta(hours=5), lambda _: LIMITS)
    assert not limits._callers
    assert not limits._caller_of


def mobile(start: str, end: str, days: list[int] | None = None, position: int = 1) -> DutyMobile:
    hours = {"from_time": time.fromisoformat(start), "to_time": time.fromisoformat(end)}
    return DutyMobile(
        name=start, phone="+861", position=position, active=True, weekdays=days or [1, 2, 3, 4, 5, 6, 7], **hours
    )


@pytest.mark.parametrize(
    ("start", "end", "days", "at", "expected"),
    [
        ("18:00", "08:30", None, "2026-11-23T18:00", True),
        ("18:00", "08:30", None, "2026-11-23T08:29", True),
        ("18:00", "08:30", None, "2026-11-23T08:30", False),
        ("18:00", "08:30", [1], "2026-11-24T03:00", True),
        ("18:00", "08:30", [1], "2026-11-23T03:00", False),
        ("08:30", "18:00", [1, 2, 3, 4, 5], "2026-11-22T12:00", False),
        ("08:30", "18:00", None, "2026-11-22T12:00", True),
        ("00:00", "00:00", None, "2026-11-22T23:59", True),
    ],
)
def test_duty_hours(start: str, end: str, days: list[int] | None, at: str, expected: bool) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=SHANGHAI)
    assert on_duty(mobile(start, end, days), moment.astimezone(UTC)) is expected


def test_mobiles_are_called_in_their_order() -> None:
    both = [mobile("18:00", "08:30", position=2), mobile("18:01", "08:30", position=1)]
    assert [one.position for one in in_turn(both, datetime(2026, 11, 23, 12, tzinfo=UTC))] == [1, 2]


@pytest.mark.parametrize(
    ("desks", "on_duty", "counts", "expected"),
    [
        ([], False, False, False),
        ([], True, False, False),
        ([], True, True, True),
        ([Desk("idle", None)], False, False, True),
        ([Desk("talking", None)], False, False, True),
        ([Desk("idle", "wrap-up")], False, False, True),
        ([Desk("idle", "break")], False, False, False),
        ([Desk("idle", "no-answer")], False, False, False),
        ([Desk("unavailable", None)], False, False, False),
        ([Desk("unknown", None), Desk("ringing", None)], False, False, True),
    ],
)
def test_whether_a_human_serves_the_line(desks: list[Desk], on_duty: bool, counts: bool, expected: bool) -> None:
    assert staffed(desks, on_duty=on_duty, duty_counts=counts) is expected


def test_minutes_that_nobody_observed() -> None:
    assert minute_of(minutes(0.9)) == NOW
    assert [missed(NOW, minutes(n)) for n in (0, 1, 2, 10)] == [0, 0, 1, 9]


def member(queue: str = "hotline", extension: str = "1001", **more: object) -> Member:
    base = {"device": Device.IDLE, "paused": False, "reason": "", "penalty": 0, "in_call": False, "calls_taken": 0}
    return Member(queue, extension, **{**base, "last_call_at": None, "paused_at": None, **more})  # type: ignore[arg-type]


places = st.tuples(st.sampled_from(["hotline", "second"]), st.sampled_from(["1001", "1002", "1003"]))
reasons = st.one_of(st.none(), st.sampled_from(PauseReason))
intents = st.dictionaries(places, st.builds(Intent, reasons, st.integers(0, 2), st.just(NOW)))
facts = st.dictionaries(places, st.tuples(st.booleans(), st.integers(0, 2)))


@given(intents, facts)
def test_after_the_steps_fact_is_intent(meant: dict, found: dict) -> None:
    members = {place: member(*place, paused=paused, penalty=penalty) for place, (paused, penalty) in found.items()}
    for step in steps(meant, members):
        place = (step.headers["Queue"], step.headers["Interface"].removeprefix("PJSIP/"))
        paused, penalty = step.headers.get("Paused") == "true", int(step.headers.get("Penalty", "0"))
        match step.action:
            case "QueueAdd":
                assert place not in members
                members[place] = member(*place, paused=paused, penalty=penalty)
            case "QueuePause":
                members[place] = member(*place, paused=paused, penalty=members[place].penalty)
            case "QueuePenalty":
                members[place] = member(*place, paused=members[place].paused, penalty=penalty)
            case "QueueRemove":
                del members[place]
    assert {place: (one.paused, one.penalty) for place, one in members.items()} == {
        place: (bool(intent.reason), intent.penalty) for place, intent in meant.items()
    }
    assert steps(meant, members) == []


@pytest.mark.parametrize(
    ("paused_at", "reason", "expected"),
    [(5, AUTO_PAUSE, {"1001"}), (-5, AUTO_PAUSE, set()), (5, "break", set()), (None, AUTO_PAUSE, set())],
)
def test_an_automatic_pause_counts_only_if_it_is_newer_than_the_intent(
    paused_at: int | None, reason: str, expected: set[str]
) -> None:
    at = NOW + timedelta(seconds=paused_at) if paused_at is not None else None
    seen = {("hotline", "1001"): member(paused=True, reason=reason, paused_at=at)}
    assert unanswered({("hotline", "1001"): Intent(None, 0, NOW)}, seen) == expected
