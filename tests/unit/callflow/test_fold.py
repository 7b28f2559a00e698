"""The fold's laws: order, repetition and grouping of facts change nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callflow.facts import KEYS, Fact, Kind, Source, fact
from callflow.fold import EMPTY, Field, claims, fold, fold_all, merge
from callflow.rules import Direction, Outcome, view, waited

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def said(source: Source, kind: Kind, after: float, **data: str) -> Fact:
    return fact("node1", "node1-1.0", source, kind, at(after), **data)


@st.composite
def any_fact(draw: st.DrawFn) -> Fact:
    kind = draw(st.sampled_from(list(Kind)))
    values = st.sampled_from(["1001", "1002", "hotline", "second", "12345", "0", "7", "16", "system", "inbound"])
    data = draw(st.dictionaries(st.sampled_from(sorted(KEYS[kind])), values)) if KEYS[kind] else {}
    return said(draw(st.sampled_from(list(Source))), kind, draw(st.integers(0, 6)), **data)


facts = st.lists(any_fact(), max_size=14)


@given(facts, st.randoms(use_true_random=False))
def test_any_order_gives_the_same_state(said: list[Fact], random) -> None:
    shuffled = random.sample(said, len(said))
    assert fold_all(shuffled) == fold_all(said)


@given(facts, st.randoms(use_true_random=False))
def test_any_repetition_gives_the_same_state(said: list[Fact], random) -> None:
    again = said + random.choices(said, k=len(said)) if said else said
    assert fold_all(again) == fold_all(said)


@given(facts, st.lists(st.integers(0, 2), min_size=14, max_size=14))
def test_any_partition_merges_to_the_same_state(said: list[Fact], part: list[int]) -> None:
    groups = [fold_all(one for one, where in zip(said, part, strict=False) if where == k) for k in range(3)]
    assert merge(merge(groups[0], groups[1]), groups[2]) == fold_all(said)
    assert merge(groups[0], merge(groups[2], groups[1])) == fold_all(said)


@given(st.lists(any_fact(), min_size=1, max_size=14), st.randoms(use_true_random=False))
def test_any_history_gives_one_row(said: list[Fact], random) -> None:
    row = view(fold_all(said))
    assert row == view(fold_all(random.sample(said, len(said)) + said))
    assert (row.outcome is None) == (row.ended_at is None)
    assert row.arrived_at == min(one.at for one in said) or Field.ARRIVED_AT in {f for one in said for f in claims(one)}
    assert row.ended_at is None or row.ended_at >= row.arrived_at


def test_a_state_only_grows() -> None:
    one = said(Source.CEL, Kind.QUEUED, 3, queue="hotline")
    state = fold(EMPTY, one)
    assert fold(state, one) == state
    assert set(fold(state, said(Source.AMI, Kind.ENDED, 9))) >= set(state)


QUEUE_CALL = [
    said(
        Source.CEL, Kind.ARRIVED, 0, direction="inbound", caller="13800000000", dialled="12345", channel="PJSIP/trunk-1"
    ),
    said(Source.CEL, Kind.ANSWERED, 0.1),
    said(Source.AGI, Kind.ROUTED, 0.2, original_hotline="12369 环保热线", queue="hotline"),
    said(Source.CEL, Kind.QUEUED, 5, queue="hotline"),
    said(Source.CEL, Kind.CONNECTED, 8, agent="1001", channel="PJSIP/1001-2"),
    said(Source.CEL, Kind.ENDED, 60, cause="16", by="citizen"),
]
LIVE = [fact(f.node, f.linkedid, Source.AMI, f.kind, f.at + timedelta(milliseconds=3), **f.data) for f in QUEUE_CALL]
QUEUE_LOG = [
    said(Source.QUEUE_LOG, Kind.QUEUED, 5, queue="hotline"),
    said(Source.QUEUE_LOG, Kind.CONNECTED, 8, agent="1001"),
]
THREE_CDRS = [said(Source.CDR, Kind.ARRIVED, s, direction="inbound", dialled="12345") for s in (0, 5, 8)]
THREE_CDRS += [said(Source.CDR, Kind.ENDED, s) for s in (5, 8, 60)]


@pytest.mark.parametrize(
    "sources",
    [
        QUEUE_CALL,
        QUEUE_CALL + LIVE,
        LIVE + QUEUE_CALL + QUEUE_LOG,
        THREE_CDRS + LIVE + QUEUE_LOG + QUEUE_CALL,
        LIVE,
        LIVE[:3] + QUEUE_CALL[3:] + THREE_CDRS,
    ],
    ids=["journal", "live too", "all queue facts", "everything", "live only", "cut in mid-call"],
)
def test_whoever_reports_the_row_is_complete(sources: list[Fact]) -> None:
    row = view(fold_all(sources))
    assert row.outcome is Outcome.ANSWERED
    assert row.direction is Direction.INBOUND
    assert (row.caller, row.dialled, row.original_hotline) == ("+8613800000000", "12345", "12369 环保热线")
    assert (row.queue, row.agent, row.cause, row.ended_by) == ("hotline", "1001", 16, "citizen")
    times = [row.arrived_at, row.answered_at, row.queued_at, row.connected_at, row.ended_at]
    assert [round((t - START).total_seconds(), 1) for t in times if t] == [0, 0.1, 5, 8, 60]
    assert round(waited(row).total_seconds()) == 8


def test_a_more_trusted_source_wins_whenever_it_speaks() -> None:
    exact, coarse = said(Source.CEL, Kind.CONNECTED, 8.123, agent="1001"), said(Source.QUEUE_LOG, Kind.CONNECTED, 8)
    assert view(fold_all([exact, coarse])).connected_at == at(8.123) == view(fold_all([coarse, exact])).connected_at


def test_the_first_connection_dates_the_call_and_the_last_agent_has_it() -> None:
    row = view(
        fold_all(
            [
                said(Source.CEL, Kind.CONNECTED, 8, agent="1001", channel="PJSIP/1001-1"),
                said(Source.CEL, Kind.CONNECTED, 90, agent="1002", channel="PJSIP/1002-1"),
            ]
        )
    )
    assert (row.connected_at, row.agent, row.agent_channel) == (at(8), "1002", "PJSIP/1002-1")


arrived, answered, queued, connected = (
    said(Source.CEL, Kind.ARRIVED, 0, direction="inbound"),
    said(Source.CEL, Kind.ANSWERED, 0.1),
    said(Source.CEL, Kind.QUEUED, 1, queue="hotline"),
    said(Source.CEL, Kind.CONNECTED, 5, agent="1001"),
)
ended, stopped = (
    said(Source.CEL, Kind.ENDED, 9, cause="16", by="citizen"),
    said(Source.CEL, Kind.ENDED, 9, cause="16", by="system"),
)
died, gone = said(Source.AMI, Kind.INTERRUPTED, 9), said(Source.AMI, Kind.GONE, 9)
begun, message, silence = (
    said(Source.CEL, Kind.MESSAGE, 6),
    said(Source.RECORDING, Kind.MESSAGE, 6, seconds="11"),
    said(Source.RECORDING, Kind.MESSAGE, 6, seconds="0"),
)


full = said(Source.CEL, Kind.REFUSED, 1, reason="queue-full")


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ([arrived, answered], None),
        ([arrived, answered, queued, connected, ended], Outcome.ANSWERED),
        ([arrived, answered, queued, connected, gone], Outcome.ANSWERED),
        ([arrived, answered, queued, said(Source.CEL, Kind.CONNECTED, 5, outside="trunk"), ended], Outcome.OUTSIDE),
        ([arrived, answered, queued, ended], Outcome.ABANDONED),
        ([arrived, answered, ended], Outcome.ABANDONED),
        ([arrived, ended], Outcome.FAILED),
        ([arrived, answered, said(Source.AGI, Kind.SELF_SERVED, 1, what="state"), ended], Outcome.SELF_SERVICE),
        ([arrived, answered, said(Source.AGI, Kind.SELF_SERVED, 1, what="state"), queued, ended], Outcome.ABANDONED),
        ([arrived, answered, said(Source.CEL, Kind.REFUSED, 1, reason="number"), ended], Outcome.REFUSED),
        ([arrived, answered, full, ended], Outcome.ABANDONED),
        ([arrived, answered, full, queued, connected, ended], Outcome.ANSWERED),
        ([arrived, answered, full, begun, message, ended], Outcome.MESSAGE),
        ([arrived, answered, queued, begun, ended], Outcome.MESSAGE),
        ([arrived, answered, queued, begun, message, ended], Outcome.MESSAGE),
        ([arrived, answered, queued, begun, silence, ended], Outcome.ABANDONED),
        ([arrived, answered, queued, connected, died], Outcome.INTERRUPTED),
        ([arrived, answered, queued, died], Outcome.INTERRUPTED),
        ([arrived, answered, queued, connected, stopped], Outcome.INTERRUPTED),
        ([arrived, answered, queued, connected, died, ended], Outcome.ANSWERED),
        ([arrived, answered, queued, begun, message, died], Outcome.MESSAGE),
    ],
)
def test_outcome(facts: list[Fact], outcome: Outcome | None) -> None:
    assert view(fold_all(facts)).outcome is outcome
    assert view(fold_all(reversed(facts))).outcome is outcome


@pytest.mark.parametrize(
    "bad",
    [
        {"linkedid": ""},
        {"linkedid": "a b"},
        {"linkedid": "x" * 129},
        {"linkedid": "1\r\n"},
        {"node": ""},
        {"at": datetime(2026, 1, 1)},
        {"kind": "vanished"},
        {"source": "rumour"},
        {"data": {"colour": "red"}},
    ],
)
def test_what_is_no_fact_is_refused(bad: dict[str, object]) -> None:
    good = {"node": "node1", "linkedid": "1.0", "source": "cel", "kind": "ended", "at": START}
    Fact.model_validate(good)
    with pytest.raises(ValueError, match="validation error"):
        Fact.model_validate(good | bad)


def test_values_are_made_printable_and_short() -> None:
    made = said(Source.AMI, Kind.ARRIVED, 0, channel="138\r\n\x00" + "0" * 2000, dialled="")
    assert made.data == {"channel": ("138" + "0" * 2000)[:512]}
