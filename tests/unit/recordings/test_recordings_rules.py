"""Pure decisions about recordings: names, protection, ranges, gaps, admission."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from recordings.archive.playback import parse_range
from recordings.archive.rules import Take, finished, last_protected_day, take_of, takes, whole_samples
from recordings.models import Kind, Side
from recordings.speech.rules import MARGIN_S, MIN_GAP_S, Span, Voice, admit, capacity, gaps, stretches, unheard

SHANGHAI_NOON = 4


@pytest.mark.proves("V26")
@pytest.mark.parametrize(
    ("day", "last"),
    [
        (date(2026, 11, 23), date(2029, 11, 23)),
        (date(2028, 2, 29), date(2031, 2, 28)),
        (date(2026, 12, 31), date(2029, 12, 31)),
    ],
)
def test_last_protected_day(day: date, last: date) -> None:
    assert last_protected_day(datetime(day.year, day.month, day.day, SHANGHAI_NOON, tzinfo=UTC), 3) == last


def test_the_day_is_that_of_shanghai() -> None:
    assert last_protected_day(datetime(2026, 11, 22, 16, 0, tzinfo=UTC), 3) == date(2029, 11, 23)
    assert last_protected_day(datetime(2026, 11, 22, 15, 59, tzinfo=UTC), 3) == date(2029, 11, 22)


@pytest.mark.parametrize(
    ("name", "take"),
    [
        ("1700000000.12_talk1_in.sln", Take("1700000000.12", Kind.TALK, 1)),
        ("node1-1700000000.12_talk12_out.sln", Take("node1-1700000000.12", Kind.TALK, 12)),
        ("1700000000.12_message.sln", Take("1700000000.12", Kind.MESSAGE, 1)),
        ("1700000000.12_talk0_in.sln", None),
        ("../etc_talk1_in.sln", None),
        ("a_talk1_in.wav", None),
        ("_message.sln", None),
        ("x\n_message.sln", None),
        ("", None),
    ],
)
def test_names_in_the_spool(name: str, take: Take | None) -> None:
    assert take_of(name) == take


def test_two_files_are_one_recording() -> None:
    assert takes(["b_message.sln", "a_talk1_out.sln", "a_talk1_in.sln", "notes.txt"]) == [
        Take("a", Kind.TALK, 1),
        Take("b", Kind.MESSAGE, 1),
    ]


@given(st.text(max_size=60))
def test_any_name_leads_back_to_itself_or_nowhere(name: str) -> None:
    take = take_of(name)
    assert take is None or name in take.names


@pytest.mark.parametrize(
    ("ended", "writing", "empty", "quiet", "expected"),
    [
        (True, False, False, 0, True),
        (True, False, True, 0, True),
        (True, True, False, 99, False),
        (False, False, False, 29, False),
        (False, False, False, 30, True),
        (False, False, True, 99, False),
        (False, True, False, 99, False),
        (None, False, False, 29, False),
        (None, False, True, 30, True),
        (None, True, True, 30, False),
    ],
)
def test_finished(ended: bool | None, writing: bool, empty: bool, quiet: float, expected: bool) -> None:
    assert finished(ended=ended, being_written=writing, empty=empty, quiet_s=quiet, quiet_after_s=30) is expected


@given(st.integers(0, 10_000))
def test_half_a_sample_does_not_count(size: int) -> None:
    assert whole_samples(size) * 2 <= size < whole_samples(size) * 2 + 2


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-", (0, 100)),
        ("bytes=10-19", (10, 20)),
        ("bytes=-10", (90, 100)),
        ("bytes=-1000", (0, 100)),
        ("bytes=90-1000", (90, 100)),
        ("bytes=0-1,5-6", None),
        ("items=0-1", None),
        ("bytes=a-b", None),
        ("bytes=-", None),
        ("bytes=٣-٤", None),
    ],
)
def test_ranges(header: str | None, expected: tuple[int, int] | None) -> None:
    assert parse_range(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=-0", "bytes=20-10"])
def test_ranges_outside(header: str) -> None:
    with pytest.raises(Invalid, match="range-not-satisfiable"):
        parse_range(header, 100)


@given(st.text(max_size=30), st.integers(1, 10_000))
def test_no_range_header_reads_outside(header: str, total: int) -> None:
    try:
        part = parse_range("bytes=" + header, total)
    except Invalid:
        return
    assert part is None or 0 <= part[0] < part[1] <= total


spans = st.lists(
    st.tuples(st.floats(0, 100), st.floats(0, 30)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=8
)


@given(spans, st.floats(5, 100))
def test_gaps_and_cover_make_the_whole(covered: list[tuple[float, float]], end: float) -> None:
    found = gaps((0.0, end), covered)
    assert all(0 <= a < b <= end and b - a > 0 for a, b in found)
    for start, stop in covered:
        assert all(stop <= a or start >= b for a, b in found)
    for tenth in range(int(end * 10)):
        at = tenth / 10
        if not any(a - MIN_GAP_S <= at <= b + MIN_GAP_S for a, b in [*found, *covered]):
            assert end < MIN_GAP_S


@pytest.mark.parametrize(
    ("covered", "expected"),
    [
        ([], [(0, 10)]),
        ([(0.3, 10)], []),
        ([(0.3, 4), (6, 9.5)], [(4, 6)]),
        ([(2, 20)], [(0, 2)]),
        ([(0, 3), (1, 2)], [(3, 10)]),
    ],
)
def test_gaps(covered: list[tuple[float, float]], expected: list[tuple[float, float]]) -> None:
    assert gaps((0, 10), covered) == expected


def voice(number: int, side: Side) -> Voice:
    return Voice(
        UUID(int=number), side, f"PJSIP/{number}", datetime(2026, 11, 23, tzinfo=UTC) + timedelta(seconds=number)
    )


def test_citizens_come_first_and_whoever_speaks_stays() -> None:
    voices = [voice(number, side) for number in range(3) for side in Side]
    assert admit(voices, set(), 4) == [*(voice(n, Side.CITIZEN) for n in range(3)), voice(0, Side.OTHER)]
    late = voice(2, Side.CITIZEN)
    assert admit(voices, {late}, 1) == [late]
    assert admit(voices, set(), 0) == []


def test_citizens_displace_agents() -> None:
    agent = voice(0, Side.OTHER)
    assert admit([agent, voice(1, Side.CITIZEN)], {agent}, 1) == [voice(1, Side.CITIZEN)]


@pytest.mark.parametrize(("threads", "factor", "room"), [(2, 0.5, 2), (2, 2.0, 0), (4, 0.1, 27)])
def test_capacity(threads: int, factor: float, room: int) -> None:
    assert capacity(threads, factor) == room


@pytest.mark.parametrize(
    ("covered", "missing"),
    [
        ([(0.6, 10.0)], [(0.0, 0.6)]),
        ([(0.05, 10.0)], []),
        ([(0.0, 9.5)], []),
        ([(0.0, 8.5)], [(8.5, 10.0)]),
        ([(0.0, 4.0), (4.3, 10.0)], [(4.0, 4.3)]),
        ([], [(0.0, 10.0)]),
    ],
    ids=["before the tap", "a moment", "the last moment", "the end", "between taps", "all"],
)
def test_what_the_recording_is_asked_for(covered: list[Span], missing: list[Span]) -> None:
    assert unheard((0.0, 10.0), covered) == missing


def test_an_utterance_that_a_gap_cut_is_heard_anew_from_end_to_end() -> None:
    utterances = [(0.7, 2.0), (3.0, 4.0), (5.0, 6.0)]
    assert stretches([(0.0, 0.6)], utterances, (0.0, 10.0)) == [(0.0, 2.0 + MARGIN_S)]
    assert stretches([(4.1, 4.8)], utterances, (0.0, 10.0)) == [(3.0 - MARGIN_S, 6.0 + MARGIN_S)]


SPANS = st.lists(st.tuples(st.floats(0, 50), st.floats(0.01, 5)).map(lambda one: (one[0], one[0] + one[1])), max_size=8)


@given(SPANS, SPANS)
def test_stretches_hold_every_gap_and_only_whole_utterances(found: list[Span], said: list[Span]) -> None:
    whole = (0.0, 60.0)
    asked = stretches(found, said, whole)
    for gap in found:
        assert any(start <= gap[0] and gap[1] <= end for start, end in asked)
    for start, end in asked:
        assert whole[0] <= start < end <= whole[1]
        assert all((start <= one[0] and one[1] <= end) or one[1] <= start or one[0] >= end for one in said)
    assert all(before[1] < after[0] for before, after in pairwise(asked))
