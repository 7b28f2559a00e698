"""Lines of Asterisk's journals, as it wrote them, into facts; what is none is refused or says nothing."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callflow.facts import Kind, Source, fact
from callflow.fold import fold_all
from callflow.rules import Outcome, view
from callflow.sources import ami, cdr, cel, queue_log
from core.clock import now
from core.errors import Invalid

CALL = "node1-1795427034.13"
BRIDGE = '{""bridge_id"":""59b1b365""}'


def line(kind: str, at: float, channel: str = "PJSIP/trunk-00000002", **more: str) -> str:
    uniqueid = more.pop("uniqueid", CALL)
    columns = [kind, f"{1795427034 + at:.6f}", CALL, uniqueid, channel, "13800000000", more.get("exten", "12345")]
    columns += [more.get(name, "") for name in ("context", "app", "appdata", "peer", "name", "extra")]
    return ",".join('"' + value + '"' for value in columns)


def hangup(source: str) -> str:
    return f'{{""hangupcause"":16,""hangupsource"":""{source}"",""dialstatus"":""""}}'


AGENT = {"channel": "PJSIP/1001-00000003", "uniqueid": "node1-1795427034.18", "context": "agents", "exten": "s"}
JOURNAL = [
    line("CHAN_START", 0.08, context="citizen"),
    line("ANSWER", 0.09, context="citizen"),
    line("APP_START", 3.1, context="hotline-ladder", app="Queue", appdata="hotline,,,,60"),
    line("CHAN_START", 3.2, **AGENT),
    line("ANSWER", 5.0, **AGENT),
    line("BRIDGE_ENTER", 5.1, **AGENT, extra=BRIDGE),
    line("BRIDGE_ENTER", 5.2, context="hotline-ladder", peer="PJSIP/1001-00000003", extra=BRIDGE),
    line("HANGUP", 60.0, **AGENT, extra=hangup("PJSIP/1001-00000003")),
    line("CHAN_END", 60.0, **AGENT),
    line("HANGUP", 60.1, context="hotline-ladder", exten="h", extra=hangup("PJSIP/1001-00000003")),
    line("CHAN_END", 60.1, context="hotline-ladder", exten="h"),
    line("LINKEDID_END", 60.1, context="hotline-ladder", exten="h"),
]


def test_a_journal_is_a_complete_call() -> None:
    row = view(fold_all(fact for text in JOURNAL for fact in cel.facts(cel.parse(text), "node1")))
    assert (row.caller, row.dialled, row.queue, row.agent) == ("+8613800000000", "12345", "hotline", "1001")
    assert (row.citizen_channel, row.agent_channel) == ("PJSIP/trunk-00000002", "PJSIP/1001-00000003")
    assert (row.outcome, row.cause, row.ended_by) == (Outcome.ANSWERED, 16, "agent")
    moments = [row.arrived_at, row.answered_at, row.queued_at, row.connected_at, row.ended_at]
    assert [round(at.timestamp() - 1795427034, 2) for at in moments if at] == [0.08, 0.09, 3.1, 5.2, 60.1]


def test_the_caller_is_known_from_the_dialplan_on() -> None:
    began = line("CHAN_START", 0.08, context="citizen").replace("13800000000", "")
    said = {"name": "HotlineArrived", "extra": '{""extra"":""12315""}'}
    arrived = line("USER_DEFINED", 0.09, context="hotline-arrived", **said)
    facts = [fact for text in (began, arrived) for fact in cel.facts(cel.parse(text), "node1")]
    row = view(fold_all(facts))
    assert (row.caller, row.arrived_at.timestamp() - 1795427034) == ("+8613800000000", pytest.approx(0.08))
    assert facts[1].data == {"caller": "+8613800000000", "dialled": "12315"}


PLACE = f"{CALL}~1"
KEPT = fact("node1", CALL, Source.AGI, Kind.KEPT, datetime.fromtimestamp(1795427034 + 65, UTC))


def place(kind: str, at: float, channel: str, uniqueid: str = "x.9", **more: str) -> str:
    return line(kind, at, channel, uniqueid=uniqueid, **more).replace(f'"{CALL}"', f'"{PLACE}"')


WAITED = [
    *JOURNAL[:3],
    line("HANGUP", 70, context="hotline-after", exten="h", extra=hangup("dialplan/builtin")),
    line("CHAN_END", 70, context="hotline-after", exten="h"),
    place("CHAN_START", 65, "Local/wait@hotline-place-00000001;1", PLACE),
    place("CHAN_START", 65, "Local/wait@hotline-place-00000001;2"),
    place("APP_START", 65, "Local/wait@hotline-place-00000001;2", app="Queue", appdata="hotline,,,,60"),
]
REACHED = [
    place("BRIDGE_ENTER", 90, "PJSIP/1001-00000003", peer="Local/wait@hotline-place-00000001;2"),
    place("HotlinePlaceCalled", 92, "Local/wait@hotline-place-00000001;1", PLACE),
    place("HotlinePlaceMet", 99, "PJSIP/trunk-00000009"),
    place("BRIDGE_ENTER", 99, "PJSIP/trunk-00000009", peer="Local/wait@hotline-place-00000001;1"),
    place("HANGUP", 150, "PJSIP/trunk-00000009", extra=hangup("PJSIP/trunk-00000009")),
    place("HotlinePlaceOver", 150, "Local/wait@hotline-place-00000001;1", PLACE),
]


@pytest.mark.parametrize(
    ("so_far", "outcome", "ended"),
    [
        (WAITED, None, None),
        ([*WAITED, *REACHED[:2]], None, None),
        ([*WAITED, *REACHED[:2], REACHED[-1]], Outcome.KEPT, 150),
        ([*WAITED, REACHED[-1]], Outcome.KEPT, 150),
        ([*WAITED, *REACHED], Outcome.ANSWERED, 150),
    ],
)
def test_a_kept_place_is_the_same_call_until_the_citizen_was_called(
    so_far: list[str], outcome: Outcome | None, ended: float | None
) -> None:
    told = [one for text in so_far for one in cel.facts(cel.parse(text), "node1")]
    assert {one.linkedid for one in told} == {CALL}
    row = view(fold_all([*told, KEPT]))
    assert (row.outcome, row.queue, row.caller) == (outcome, "hotline", "+8613800000000")
    assert (row.ended_at and row.ended_at.timestamp() - 1795427034) == (ended and pytest.approx(ended))
    if outcome is Outcome.ANSWERED:
        assert (row.agent, row.citizen_channel, row.ended_by) == ("1001", "PJSIP/trunk-00000009", "citizen")
        assert row.connected_at and row.connected_at.timestamp() - 1795427034 == pytest.approx(99)


@pytest.mark.parametrize(
    "came",
    [
        [place("BRIDGE_ENTER", 120, "Local/wait@hotline-place-00000001;2", peer="PJSIP/1002-00000009")],
        [
            place("BRIDGE_ENTER", 110, "PJSIP/1002-00000009", peer="PJSIP/1001-00000003,Local/wait@hotline-place-1;2"),
            place("BRIDGE_EXIT", 120, "PJSIP/1001-00000003", peer="PJSIP/1002-00000009,Local/wait@hotline-place-1;2"),
        ],
    ],
)
def test_who_gets_the_citizen_of_a_kept_place_from_another_is_the_agent(came: list[str]) -> None:
    journal = [*WAITED, *REACHED[:4], *came]
    row = view(fold_all([*(one for text in journal for one in cel.facts(cel.parse(text), "node1")), KEPT]))
    assert (row.agent, row.citizen_channel) == ("1002", "PJSIP/trunk-00000009")


@pytest.mark.parametrize(
    ("left", "by"),
    [
        ([place("HANGUP", 150, "PJSIP/trunk-00000009", extra=hangup("PJSIP/trunk-00000009"))], "citizen"),
        (
            [
                place("HANGUP", 140, "PJSIP/trunk-0000000b", extra=hangup("PJSIP/trunk-0000000b")),
                place("HANGUP", 141, "Local/wait@hotline-place-00000001;2", context="hotline-other-hung-up"),
                place("HANGUP", 142, "PJSIP/trunk-00000009", extra=hangup("dialplan/builtin")),
            ],
            "outside",
        ),
        ([place("HANGUP", 141, "Local/wait@hotline-place-00000001;2", context="hotline-agent-hung-up")], "agent"),
    ],
)
def test_who_ended_the_call_of_a_kept_place(left: list[str], by: str) -> None:
    journal = [*WAITED, *REACHED[:4], *left, REACHED[-1]]
    row = view(fold_all([*(one for text in journal for one in cel.facts(cel.parse(text), "node1")), KEPT]))
    assert (row.outcome, row.ended_by) == (Outcome.ANSWERED, by)


@pytest.mark.parametrize(("key", "rating"), [("1", 1), ("5", 5), ("6", None), ("", None), ("x", None)])
def test_a_call_ends_with_its_talk_and_the_rating_comes_after(key: str, rating: int | None) -> None:
    there = {"context": "hotline-rating", "exten": "s"}
    journal = [
        *JOURNAL[:9],
        line("USER_DEFINED", 60.05, context="hotline-agent-hung-up", name="HotlineRating"),
        line("USER_DEFINED", 66, name="HotlineRated", extra=f'{{""extra"":""{key}""}}', **there),
        line("HANGUP", 68, extra=hangup("PJSIP/trunk-00000002"), **there),
        line("CHAN_END", 68, **there),
    ]
    row = view(fold_all(fact for text in journal for fact in cel.facts(cel.parse(text), "node1")))
    assert (row.rating, row.outcome, row.cause, row.ended_by) == (rating, Outcome.ANSWERED, 16, "agent")
    assert row.ended_at
    assert row.ended_at.timestamp() - 1795427034 == pytest.approx(60.05)


@pytest.mark.parametrize(("seconds", "outcome"), [("7.4", Outcome.MESSAGE), ("0.0", Outcome.ABANDONED)])
def test_a_message_counts_by_what_was_said_in_it(seconds: str, outcome: Outcome) -> None:
    journal = [
        line("CHAN_START", 0.08, context="citizen"),
        line("ANSWER", 0.09, context="citizen"),
        line("USER_DEFINED", 9.0, name="HotlineMessage", extra='{""extra"":""""}'),
        line("USER_DEFINED", 18.0, name="HotlineKept", extra='{""extra"":""' + seconds + '""}'),
        line("HANGUP", 20.0, context="hotline-ladder", extra=hangup("dialplan/builtin")),
    ]
    row = view(fold_all(fact for text in journal for fact in cel.facts(cel.parse(text), "node1")))
    assert (row.outcome, row.message_seconds) == (outcome, round(float(seconds)))


def test_what_a_flow_learned_comes_back_from_the_journal() -> None:
    said = cel.learned_data(
        Kind.ROUTED, {"queue": "hotline", "original_hotline": "12369, 环保\n热线&x=1", "dialled": ""}
    )
    assert said.isascii()
    assert not set(said) & set(',"\\ \n$')
    [fact] = cel.facts(cel.parse(line("HotlineLearned", 1, extra=f'{{""extra"":""{said}""}}')), "node1")
    assert (fact.source, fact.kind) == (Source.AGI, Kind.ROUTED)
    assert fact.data == {"queue": "hotline", "original_hotline": "12369, 环保热线&x=1"}


@pytest.mark.parametrize(
    "said", ["", "kind=ended&cause=16", "kind=", "kind=x", "queue=a", "kind=routed&agent=1", "%%%"]
)
def test_nothing_else_can_be_learned(said: str) -> None:
    assert cel.facts(cel.parse(line("HotlineLearned", 1, extra=f'{{""extra"":""{said}""}}')), "node1") == []


@pytest.mark.parametrize(
    ("source", "by"),
    [
        ("PJSIP/trunk-00000002", "citizen"),
        ("PJSIP/1001-00000003", "agent"),
        ("PJSIP/trunk-00000009", "outside"),
        ("dialplan/builtin", "dialplan"),
        ("", "system"),
    ],
)
def test_who_hung_up(source: str, by: str) -> None:
    [fact] = cel.facts(cel.parse(line("HANGUP", 9, extra=hangup(source))), "node1")
    assert (fact.kind, fact.data["by"]) == (Kind.ENDED, by)


@pytest.mark.parametrize(
    "channel",
    [
        "AudioSocket/127.0.0.1:9092-1",
        "PJSIP/probe-00000004",
        "Local/1@x-00000001;1",
        "",
        "PJSIP",
        "CBAnn/1",
        "../../etc",
    ],
)
def test_taps_and_inner_channels_make_no_call(channel: str) -> None:
    for kind in ("CHAN_START", "ANSWER", "HANGUP", "CHAN_END", "BRIDGE_ENTER"):
        assert cel.facts(cel.parse(line(kind, 0, channel=channel, peer="PJSIP/1001-1")), "node1") == []


def test_a_call_out_has_the_citizen_as_its_caller() -> None:
    begun = line("CHAN_START", 0, channel="PJSIP/1001-00000001", context="agents", exten="013800000000")
    joined = line(
        "BRIDGE_ENTER", 4, channel="PJSIP/1001-00000001", context="hotline-outbound", peer="PJSIP/trunk-00000002"
    )
    row = view(fold_all(fact for text in (begun, joined) for fact in cel.facts(cel.parse(text), "node1")))
    assert (row.direction, row.agent, row.citizen_channel) == ("outbound", "1001", "PJSIP/trunk-00000002")


def test_a_third_who_comes_in_takes_nothing_over() -> None:
    joined = line(
        "BRIDGE_ENTER", 9, channel="PJSIP/1002-00000009", uniqueid="x.9", context="hotline-join",
        peer="PJSIP/1001-00000003,PJSIP/trunk-00000002",
    )  # fmt: skip
    assert cel.facts(cel.parse(joined), "node1") == []


def leaves(channel: str, left: str, at: float = 20) -> str:
    """A channel goes; `left` are in the bridge still."""
    return line("BRIDGE_EXIT", at, channel=channel, uniqueid="x.8", peer=left)


@pytest.mark.parametrize(
    ("gone", "left", "agent"),
    [
        ("PJSIP/1001-00000003", "PJSIP/1002-00000009,PJSIP/trunk-00000002", "1002"),
        ("PJSIP/1002-00000009", "PJSIP/trunk-00000002,PJSIP/1001-00000003", "1001"),
        ("PJSIP/trunk-00000007", "PJSIP/1001-00000003,PJSIP/trunk-00000002", "1001"),
        ("PJSIP/1001-00000003", "PJSIP/trunk-00000007,PJSIP/trunk-00000002", "1001"),
        ("PJSIP/trunk-00000002", "PJSIP/1001-00000003,PJSIP/1002-00000009", "1001"),
        ("PJSIP/1001-00000003", "PJSIP/trunk-00000002", "1001"),
        ("PJSIP/1001-00000003", "", "1001"),
    ],
)
def test_with_whom_the_citizen_is_left_of_three_is_the_agent(gone: str, left: str, agent: str) -> None:
    journal = [*JOURNAL[:7], leaves(gone, left)]
    row = view(fold_all(fact for text in journal for fact in cel.facts(cel.parse(text), "node1")))
    assert (row.agent, row.citizen_channel) == (agent, "PJSIP/trunk-00000002")
    assert row.connected_at and row.connected_at.timestamp() - 1795427034 == pytest.approx(5.2)


def test_who_gets_the_citizen_from_another_is_the_agent() -> None:
    over = line("BRIDGE_ENTER", 9, context="hotline-pass", peer="PJSIP/1002-00000009")
    [fact] = cel.facts(cel.parse(over), "node1")
    assert fact.data["agent"] == "1002"


def test_a_colleague_who_is_asked_makes_a_call_within_the_house() -> None:
    texts = [
        line("CHAN_START", 0, channel="PJSIP/1001-00000001", context="agents", exten="s"),
        line(
            "HotlineDialled", 1, channel="PJSIP/1001-00000001", context="hotline-consult", extra='{""extra"":""1002""}'
        ),
    ]
    row = view(fold_all(fact for text in texts for fact in cel.facts(cel.parse(text), "node1")))
    assert (row.direction, row.caller) == ("internal", None)


@pytest.mark.parametrize("allowed", [True, False])
def test_a_citizen_whom_a_desk_telephone_sends_outside_has_still_called_and_been_answered(allowed: bool) -> None:
    sent = [line("HotlineDialled", 20, context="hotline-outbound", extra='{""extra"":""13900000000""}')]
    if not allowed:
        sent.append(line("HotlineRefused", 20.1, context="hotline-outbound", extra='{""extra"":""number""}'))
    ended = line("HANGUP", 30, context="hotline-outbound", extra=hangup("dialplan/builtin"))
    texts = [*JOURNAL[:7], *sent, ended]
    row = view(fold_all(fact for text in texts for fact in cel.facts(cel.parse(text), "node1")))
    assert (row.direction, row.caller, row.outcome) == ("inbound", "+8613800000000", Outcome.ANSWERED)


def test_who_hung_up_outside_after_a_transfer() -> None:
    ended = line("HANGUP", 30, context="hotline-other-hung-up", extra=hangup("dialplan/builtin"))
    [fact] = cel.facts(cel.parse(ended), "node1")
    assert fact.data["by"] == "outside"


def test_a_duty_mobile_that_accepts_answers_outside() -> None:
    accepted = line("HotlineAccepted", 9, channel="PJSIP/trunk-00000007", uniqueid="x.9", extra='{""extra"":""2""}')
    bridged = line("BRIDGE_ENTER", 9.1, peer="PJSIP/trunk-00000007")
    ended = line("HANGUP", 30, extra=hangup("PJSIP/trunk-00000002"))
    row = view(
        fold_all(f for text in (JOURNAL[0], accepted, bridged, ended) for f in cel.facts(cel.parse(text), "node1"))
    )
    assert (row.outcome, row.outside, row.agent) == (Outcome.OUTSIDE, "duty/2", None)


BAD_CEL = ["", "x", '"unclosed', "a,b", ",".join(["x"] * 13), ",".join(["x"] * 14), '"a" "b"', "A,inf," + "," * 10]
BAD_CEL += ["A,1e99," + "," * 10, "A,-1e20," + "," * 10, "\x00" * 40]


@pytest.mark.parametrize("bad", BAD_CEL)
def test_a_bad_channel_event_is_refused(bad: str) -> None:
    with pytest.raises(Invalid, match="bad-cel-line"):
        cel.parse(bad)


@pytest.mark.parametrize("extra", ["{", "[]", "null", '""x""', '{""hangupcause"": []}', "\\", "{" * 500])
def test_bad_details_cost_the_event_nothing_else(extra: str) -> None:
    facts = cel.facts(cel.parse(line("HANGUP", 9, extra=extra)), "node1")
    assert [fact.kind for fact in facts] == [Kind.ENDED]


def test_queue_log_knows_its_part() -> None:
    lines = [
        f"1795427034|{CALL}|hotline|NONE|ENTERQUEUE||13800000000|1",
        f"1795427036|{CALL}|hotline|PJSIP/1001|CONNECT|2|node1-1795427034.18|1",
        f"1795427060|{CALL}|hotline|PJSIP/1001|COMPLETECALLER|0|24|1",
        "1795426978|NONE|NONE|NONE|QUEUESTART|",
        "1795426982|NONE|hotline|Agent1001|PAUSE|Auto-Pause",
        "1795426982|MANAGER|hotline|PJSIP/1001|ADDMEMBER|",
    ]
    facts = [fact for text in lines for fact in queue_log.facts(text, "node1")]
    row = view(fold_all(facts))
    assert (row.queue, row.agent, row.ended_by, row.outcome) == ("hotline", "1001", "citizen", Outcome.ANSWERED)
    assert {fact.source for fact in facts} == {Source.QUEUE_LOG}


def test_an_agent_who_is_gone_does_not_end_the_call() -> None:
    assert queue_log.facts(f"1795427060|{CALL}|hotline|PJSIP/1001|COMPLETEAGENT|0|24|1", "node1") == []


@pytest.mark.parametrize("bad", ["", "x|y|z|a|b", "1|2|3", "99999999999999999999|a|b|c|d|", "|||||"])
def test_a_bad_queue_log_line_is_refused(bad: str) -> None:
    with pytest.raises(Invalid, match="bad-queue-log-line"):
        queue_log.facts(bad, "node1")


def record(channel: str = "PJSIP/trunk-00000002", uniqueid: str = CALL) -> str:
    times = ("1795427034.083350", "1795427034.083877", "1795427060.1")
    row = (CALL, uniqueid, channel, "", "13800000000", "12345", *times, "26", "26", "ANSWERED", "Queue")
    return ",".join(f'"{value}"' for value in row)


def test_a_record_dates_its_call_and_one_of_a_tap_does_not() -> None:
    assert [fact.kind for fact in cdr.facts(record(), "node1")] == [Kind.ARRIVED, Kind.ANSWERED, Kind.ENDED]
    assert cdr.facts(record(channel="AudioSocket/127.0.0.1-1"), "node1") == []
    assert cdr.facts(record(uniqueid="node1-2.0"), "node1") == []


@pytest.mark.parametrize("bad", ["", "a,b", '"x', ",".join(["x"] * 13), ",".join(["x"] * 15)])
def test_a_bad_record_is_refused(bad: str) -> None:
    with pytest.raises(Invalid, match="bad-cdr-line"):
        cdr.facts(bad, "node1")


HEADERS = ["Event", "Queue", "Interface", "Status", "Paused", "CallsTaken", "LastCall", "LastPause", "Timestamp"]


@given(st.dictionaries(st.sampled_from(HEADERS), st.text()))
def test_no_live_event_raises(event: dict[str, str]) -> None:
    received = now()
    assert ami.moment(event, received) == received or event["Timestamp"]
    found = ami.member(event)
    assert found is None or event["Queue"]


def test_a_member_is_read_as_app_queue_describes_it() -> None:
    event = {"Queue": "hotline", "Interface": "PJSIP/1001", "Status": "3", "Paused": "1", "PausedReason": "Auto-Pause"}
    member = ami.member(event | {"CallsTaken": "7", "LastCall": "x", "Penalty": "-1", "LastPause": "1795426982"})
    assert member
    assert (member.extension, member.device, member.paused, member.calls_taken) == ("1001", "talking", True, 7)
    assert (member.last_call_at, member.penalty) == (None, 0)
    assert json.dumps(member.reason) == '"Auto-Pause"'
