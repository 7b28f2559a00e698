"""Which numbers may be dialled, how a sound is judged, whose words a telephone in the page may say."""

import pytest

from callflow.phones.rules import may_dial
from callflow.phones.sound import judged
from callflow.sources import cel
from web.phone_wire import speaks_for

PATTERNS = ("1[3-9]XXXXXXXXX", "0[3-9]XXXXXXXXX", "NXXXXXX", "110")


@pytest.mark.parametrize(
    ("number", "allowed"),
    [
        ("13800000000", True),
        ("12800000000", False),
        ("138000000001", False),
        ("1380000000", False),
        ("07935901234", True),
        ("0018005550100", False),
        ("5901234", True),
        ("1901234", False),
        ("110", True),
        ("1100", False),
        ("１１０", False),
        ("", False),
        ("110\n", False),
    ],
)
def test_a_number_must_fit_a_pattern_whole(number: str, allowed: bool) -> None:
    assert may_dial(number, PATTERNS) is allowed


@pytest.mark.parametrize(
    ("loss", "jitter_ms", "rtt_ms", "said"),
    [(0.0, 3, None, "好"), (0.01, 20, 150, "好"), (0.02, 3, 12, "一般"), (0.0, 41, 12, "差"), (0.0, 3, 301, "差")],
)
def test_the_worst_of_loss_jitter_and_round_trip_is_what_is_heard(
    loss: float, jitter_ms: int, rtt_ms: int | None, said: str
) -> None:
    assert judged(loss, jitter_ms, rtt_ms) == said


def message(*headers: str) -> str:
    return "\r\n".join(["REGISTER sip:127.0.0.1 SIP/2.0", *headers, "", "From: <sip:9999@body.invalid>"])


@pytest.mark.parametrize(
    ("text", "user"),
    [
        (message("From: <sip:1001@127.0.0.1>;tag=1"), "1001"),
        (message('from:"sip:1002@x" <sip:1001@127.0.0.1>'), None),
        (message("f: sip:1001@127.0.0.1"), "1001"),
        (message("From : <sip:1002@127.0.0.1>"), "1002"),
        (message("From:\r\n <sip:1002@127.0.0.1>"), "1002"),
        (message("From: <sip:1001@127.0.0.1>", "f: <sip:1002@127.0.0.1>"), None),
        (message("From: <tel:1001>"), None),
        (message("To: <sip:1001@127.0.0.1>"), None),
        ("SIP/2.0 200 OK\r\nFrom: <sip:12345@127.0.0.1>\r\n\r\n", ""),
        ("\r\n\r\n", ""),
    ],
)
def test_a_request_is_said_in_the_name_of_its_one_from(text: str, user: str | None) -> None:
    assert speaks_for(text) == user


def event(kind: str, **more: str) -> cel.ChannelEvent:
    at = cel.datetime.fromtimestamp(1.0, cel.UTC)
    given = {"channel": "PJSIP/1001-00000001", "context": "agents", **more}
    return cel.ChannelEvent(kind, at, "x.1", "x.1", **given)


def test_trying_the_headset_is_no_call() -> None:
    assert cel.facts(event("CHAN_START", exten="echo"), "node1") == []
    assert cel.facts(event("HANGUP", context="hotline-echo"), "node1") == []


def test_a_dialled_number_is_the_citizens() -> None:
    [fact] = cel.facts(event("HotlineDialled", extra='{"extra":"13800000000"}'), "node1")
    assert fact.data == {"direction": "outbound", "caller": "+8613800000000"}


def test_who_hung_up_in_the_page_is_the_agent_although_the_dialplan_did_it() -> None:
    ended = event("HANGUP", channel="PJSIP/trunk-00000001", context="hotline-agent-hung-up",
                  extra='{"hangupsource":"dialplan/builtin_hangup"}')  # fmt: skip
    [fact] = cel.facts(ended, "node1")
    assert fact.data["by"] == "agent"
