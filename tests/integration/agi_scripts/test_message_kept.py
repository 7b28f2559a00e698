"""The script of the message box, run as Asterisk runs it: a process of its own that speaks AGI on its pipes."""

import json
import subprocess
import sys
from array import array
from dataclasses import dataclass
from pathlib import Path

import pytest

from callflow.facts import Kind
from callflow.sources import messages
from core.errors import Invalid

SCRIPT = Path(__file__).parents[3] / "agi_scripts" / "message_kept.py"
LINKEDID = "node1-1700000000.12"
SPEECH = array("h", [2000, -2000] * 4000 * 3).tobytes()
"""Three seconds in which somebody is loud."""
SILENCE = array("h", [12, -9] * 8000).tobytes()


@dataclass(frozen=True)
class Ran:
    """What the script told Asterisk, and wrote."""

    said: str
    errors: str
    lines: list[str]

    @property
    def variables(self) -> dict[str, str]:
        return dict(line.split('"')[1::2] for line in self.said.splitlines() if line.startswith("SET VARIABLE"))  # type: ignore[misc]


def run(folder: Path, samples: bytes | None, *, caller: bytes = b"13800000001", answers: bytes = b"200 result=1\n" * 4,
        journal: Path | None = None) -> Ran:  # fmt: skip
    message = folder / f"{LINKEDID}_message.sln"
    if samples is not None:
        message.write_bytes(samples)
    journal = journal or folder / "messages.jsonl"
    header = b"agi_request: python\nagi_channel: PJSIP/trunk-1\nagi_callerid: " + caller + b"\nagi_uniqueid: x\n\n"
    done = subprocess.run(
        [sys.executable, SCRIPT, message, journal, "12345"], input=header + answers, capture_output=True, timeout=30
    )
    lines = journal.read_text().splitlines() if journal.is_file() else []
    return Ran(done.stdout.decode(), done.stderr.decode(), lines)


def test_a_message_is_noted_with_its_caller_and_length(tmp_path: Path) -> None:
    ran = run(tmp_path, SPEECH)
    assert ran.variables == {"HOTLINE_SECONDS": "3.0", "HOTLINE_KEPT": "kept"}
    arrived, left = messages.facts(ran.lines[0], "node1")
    assert (arrived.kind, arrived.linkedid) == (Kind.ARRIVED, LINKEDID)
    assert arrived.at.timestamp() == 1_700_000_000
    assert arrived.data == {"direction": "inbound", "caller": "+8613800000001", "dialled": "12345"}
    assert left.data == {"seconds": "3"}
    assert ran.errors == "", "nothing of the caller in Asterisk's log"


@pytest.mark.parametrize(
    ("samples", "seconds"),
    [(SILENCE, "0"), (b"", "0"), (SPEECH[:2000] + SILENCE, "0")],
    ids=["silence", "nothing", "a click"],
)
def test_a_message_without_speech_is_empty(tmp_path: Path, samples: bytes, seconds: str) -> None:
    ran = run(tmp_path, samples)
    assert ran.variables == {"HOTLINE_SECONDS": "0.0", "HOTLINE_KEPT": "empty"}
    assert messages.facts(ran.lines[0], "node1")[1].data == {"seconds": seconds}


def test_a_message_that_is_not_there_has_failed(tmp_path: Path) -> None:
    ran = run(tmp_path, None)
    assert ran.variables["HOTLINE_KEPT"] == "failed"
    assert ran.lines == []


def test_a_journal_that_cannot_be_written_does_not_cost_the_message(tmp_path: Path) -> None:
    ran = run(tmp_path, SPEECH, journal=tmp_path)
    assert ran.variables == {"HOTLINE_SECONDS": "3.0", "HOTLINE_KEPT": "kept"}


def test_a_line_that_a_full_disk_cut_short_costs_the_next_message_nothing(tmp_path: Path) -> None:
    (tmp_path / "messages.jsonl").write_text('{"at": 1700')
    cut, line = run(tmp_path, SPEECH).lines
    assert cut == '{"at": 1700'
    assert messages.facts(line, "node1")[1].data == {"seconds": "3"}


@pytest.mark.parametrize("answers", [b"", b"HANGUP\n", b"511 Command Not Permitted on a dead channel\n", b"nonsense\n"])
def test_a_caller_who_is_gone_leaves_the_message_all_the_same(tmp_path: Path, answers: bytes) -> None:
    ran = run(tmp_path, SPEECH, answers=answers)
    assert json.loads(ran.lines[0])["seconds"] == 3.0


@pytest.mark.parametrize(
    "caller",
    [
        b'"<1>"; System(id)',
        b"\xff\xfe\xe5\xbc",
        b"x" * 5000,
        b"",
        b"${SHELL(id)}",
        b"a: b: c",
        "张伟".encode(),
        b'\\"}\\',
    ],
)
def test_a_hostile_caller_number_is_text_and_no_more(tmp_path: Path, caller: bytes) -> None:
    ran = run(tmp_path, SPEECH, caller=caller)
    assert ran.variables == {"HOTLINE_SECONDS": "3.0", "HOTLINE_KEPT": "kept"}
    [line] = ran.lines
    assert "caller" not in messages.facts(line, "node1")[0].data, "no number: nobody's"


@pytest.mark.parametrize(
    "line",
    [
        "", "{", "[]", '{"at": 1}', '{"at": 1, "linkedid": "a b", "caller": "", "dialled": "", "seconds": 1}',
        '{"at": 1e99, "linkedid": "a", "caller": "", "dialled": "", "seconds": 1}',
        '{"at": 1, "linkedid": "a", "caller": "", "dialled": "", "seconds": -1}',
        '{"at": 1, "linkedid": "a", "caller": "", "dialled": "", "seconds": 1, "more": 1}',
    ],
)  # fmt: skip
def test_a_line_that_is_none_is_set_aside(line: str) -> None:
    with pytest.raises(Invalid, match="bad-message-line"):
        messages.facts(line, "node1")
