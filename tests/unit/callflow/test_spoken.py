"""Calls that speak: which channels are theirs, and what the journal says of them."""

import json
from uuid import UUID

import pytest

from callflow.facts import Kind
from callflow.sources import cdr, cel
from callflow.spoken.rules import Outcome, ended, id_of, is_spoken, linkedid_of

ID = UUID("01993f6e-0000-7000-8000-00000000000a")
LINKED = linkedid_of(ID)


def event(kind: str, uniqueid: str = LINKED, **extra: str) -> cel.ChannelEvent:
    known = {"ANSWER", "HANGUP", "CHAN_START", "CHAN_END", "BRIDGE_ENTER", "APP_START"}
    line = [kind if kind in known else "USER_DEFINED", "1772452800.5", LINKED, uniqueid, "PJSIP/trunk-00000001"]
    line += ["12345", "s", "hotline-spoken", "Read", "", "", "" if kind in known else kind, json.dumps(extra)]
    return cel.parse(",".join(f'"{one.replace(chr(34), chr(34) * 2)}"' for one in line))


def test_an_id_names_its_channels_and_back() -> None:
    assert id_of(LINKED) == ID and is_spoken(LINKED)
    assert id_of("1772452800.12") is None and not is_spoken("1772452800.12")
    assert id_of("spoken-nonsense") is None


@pytest.mark.parametrize(
    ("one", "kind", "data"),
    [
        (event("ANSWER"), Kind.ANSWERED, {}),
        (event("HotlineConfirmed"), Kind.CONFIRMED, {}),
        (event("HANGUP", hangupcause="17"), Kind.ENDED, {"cause": "17"}),
        (event("CHAN_START"), None, {}),
        (event("BRIDGE_ENTER"), None, {}),
        (event("ANSWER", uniqueid="1772452800.9"), None, {}),
    ],
)
def test_the_journal_tells_of_answer_key_and_end_and_of_no_citizens_call(
    one: cel.ChannelEvent, kind: Kind | None, data: dict[str, str]
) -> None:
    found = cel.facts(one, "node1")
    assert [(fact.kind, dict(fact.data), fact.linkedid) for fact in found] == ([(kind, data, LINKED)] if kind else [])


def test_its_detail_record_is_no_calls() -> None:
    row = [LINKED, LINKED, "PJSIP/trunk-00000001", "", "", "", "1772452800", "1772452803", "1772452810", "", "", "", ""]
    assert cdr.facts(",".join(f'"{one}"' for one in row), "node1") == []


@pytest.mark.parametrize(
    ("cause", "answered", "outcome"),
    [
        ("16", True, Outcome.UNCONFIRMED),
        ("17", False, Outcome.BUSY),
        ("19", False, Outcome.NO_ANSWER),
        ("16", False, Outcome.NO_ANSWER),
        ("", False, Outcome.NO_ANSWER),
        ("1", False, Outcome.FAILED),
        ("38", False, Outcome.FAILED),
    ],
)
def test_how_it_ended(cause: str, answered: bool, outcome: Outcome) -> None:
    assert ended(cause, answered=answered) is outcome
    assert outcome.label
