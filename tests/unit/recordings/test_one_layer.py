"""Whoever reads words reads the one layer that counts."""

from pathlib import Path
from uuid import UUID

from recordings.layers.rules import Kept, compared, parted
from recordings.models import Side
from recordings.speech.engine import Utterance, Word

ROOT = Path(__file__).parents[3]
A, B = UUID(int=1), UUID(int=2)


def test_nobody_else_reads_the_table_of_utterances() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for package in ("web", "ivr", "crm", "callflow", "core", "hotline")
        for path in (ROOT / package).rglob("*.py")
        if "TranscriptSegment" in path.read_text(encoding="utf-8")
    }
    assert readers == set(), "they call recordings.said"


def said(*words: tuple[str, float]) -> Utterance:
    return Utterance(tuple(Word(text, at, at + 0.4, 0.9) for text, at in words))


def test_an_utterance_is_cut_where_a_person_corrected() -> None:
    corrected = [Kept(A, Side.CITIZEN, (11.0, 12.0)), Kept(B, Side.CITIZEN, (13.0, 14.0))]
    heard = said(("小区", 0.0), ("停水", 1.2), ("三", 1.6), ("天", 2.5), ("了", 3.2))
    pieces = [(line, piece.text) for line, piece in parted(heard, 10.0, corrected)]
    assert pieces == [(None, "小区"), (A, "停水三"), (None, "天"), (B, "了")]
    assert [piece.text for _, piece in parted(heard, 10.0, [])] == ["小区停水三天了"]


def test_layers_are_compared_where_they_overlap() -> None:
    older = [(Side.CITIZEN, 0.0, 2.0, "小区挺税"), (Side.CITIZEN, 5.0, 6.0, "三天了"), (Side.OTHER, 1.0, 2.0, "好")]
    newer = [(Side.CITIZEN, 0.5, 1.0, "小区"), (Side.CITIZEN, 1.0, 2.5, "停水")]
    found = [(one.side, one.start_s, one.older, one.newer) for one in compared(older, newer)]
    assert found == [
        (Side.CITIZEN, 0.0, "小区挺税", "小区停水"),
        (Side.OTHER, 1.0, "好", ""),
        (Side.CITIZEN, 5.0, "三天了", ""),
    ]
    assert compared(older[:1], newer)[0].pieces == [("小区", "小区"), ("挺税", "停水")]
    assert compared([], []) == []
