"""What is hashed and signed stays what it was: a recording's leaf, a seal of either form; the second says how far the
ledger was."""

from datetime import UTC, date, datetime
from uuid import UUID

from recordings.models import Kind, Recording, RecordingState
from recordings.proof.models import ArchiveSeal
from recordings.proof.statement import leaf, text


def seal(**more: object) -> ArchiveSeal:
    return ArchiveSeal(
        day=date(2026, 11, 23),
        count=1,
        root="a" * 64,
        root_sm3="b" * 64,
        previous="0" * 64,
        public_key="c" * 64,
        **more,
    )


def test_a_seal_from_before_the_ledger_was_in_it_reads_as_it_was_signed() -> None:
    assert text(seal()) == (
        f"HOTLINE ARCHIVE SEAL 1\nday: 2026-11-23\ncount: 1\nsha256: {'a' * 64}\nsm3: {'b' * 64}\n"
        f"previous: {'0' * 64}\npublic-key: {'c' * 64}\n"
    )


def test_a_seal_says_how_far_the_ledger_was() -> None:
    lines = text(seal(ledger_place=7, ledger_digest="d" * 64)).splitlines()
    assert lines[0] == "HOTLINE ARCHIVE SEAL 2"
    assert lines[-2:] == [f"ledger: 7 {'d' * 64}", f"public-key: {'c' * 64}"]


def test_the_leaf_of_a_recording_is_what_the_first_seals_hold() -> None:
    row = Recording(
        id=UUID("01a20f83-5124-7b58-a8a7-3d35ddbde139"),
        node="node1",
        linkedid="1700000000.1",
        kind=Kind.TALK,
        part=1,
        started_at=datetime(2026, 11, 23, 4, tzinfo=UTC),
        seconds=12.5,
        channels=2,
        digest="a" * 64,
        sm3="b" * 64,
        size=100,
        state=RecordingState.STORED,
        catalogued_at=datetime(2026, 11, 23, 4, 1, 0, 7, tzinfo=UTC),
    )
    assert leaf(row).decode() == (
        '{"catalogued_at":"2026-11-23T04:01:00.000007+00:00","channels":2,"id":"01a20f83-5124-7b58-a8a7-3d35ddbde139",'
        '"kind":"talk","linkedid":"1700000000.1","node":"node1","part":1,"seconds":12.5,"sha256":"' + "a" * 64 + '",'
        '"size":100,"sm3":"' + "b" * 64 + '","started_at":"2026-11-23T04:00:00.000000+00:00","state":"stored"}'
    )
