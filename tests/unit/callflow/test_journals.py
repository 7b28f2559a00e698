"""Reading a journal while Asterisk writes it and while it is set aside: no line is left out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from callflow.journals import Position, read, unread

LIMIT = 1000


def set_aside(journal: Path) -> Path:
    return journal.rename(journal.with_name(f"{journal.name}.1"))


def read_all(journal: Path, at: Position) -> tuple[list[str], Position]:
    lines: list[str] = []
    while (chunk := read(journal, at, LIMIT)).end != at:
        lines, at = lines + chunk.lines, chunk.end
    return lines, at


def test_a_chunk_tells_whether_there_is_more(tmp_path: Path) -> None:
    journal = tmp_path / "queue_log"
    journal.write_text("one\ntwo\n")
    first = read(journal, Position(), 5)
    assert (first.lines, first.more) == (["one"], True)
    rest = read(journal, first.end, 5)
    assert (rest.lines, rest.more) == (["two"], False)


def test_the_line_being_written_waits_for_its_end(tmp_path: Path) -> None:
    journal = tmp_path / "queue_log"
    journal.write_text("one\ntw")
    lines, at = read_all(journal, Position())
    assert lines == ["one"]
    with journal.open("a") as file:
        file.write("o\n")
    assert read_all(journal, at)[0] == ["two"]


def test_one_look_tells_whether_something_was_written(tmp_path: Path) -> None:
    journal = tmp_path / "queue_log"
    assert unread(journal, Position()) == 0
    journal.write_text("one\n")
    assert unread(journal, Position()) == 4
    _, at = read_all(journal, Position())
    assert unread(journal, at) == 0
    set_aside(journal)
    assert unread(journal, at) == 0, "its successor is not there yet"
    journal.write_text("two\nthree\n")
    assert unread(journal, at) == 10
    _, at = read_all(journal, at)
    journal.write_text("four\n")
    assert unread(journal, at) == 5, "cut back in place"


def test_a_journal_set_aside_between_the_look_and_the_opening_is_read_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = tmp_path / "queue_log"
    journal.write_text("one\n")
    _, at = read_all(journal, Position())
    with journal.open("a") as file:
        file.write("two\n")
    plain, due = Path.open, [True]

    def opened(path: Path, *mode: Any, **how: Any) -> Any:
        if due:
            due.clear()
            set_aside(journal)
            journal.write_text("three\n")
        return plain(path, *mode, **how)

    monkeypatch.setattr(Path, "open", opened)
    assert read_all(journal, at)[0] == ["two", "three"]


def test_a_line_cut_short_at_the_end_of_a_file_set_aside_stops_nothing(tmp_path: Path) -> None:
    journal = tmp_path / "queue_log"
    journal.write_text("one\ntw")
    _, at = read_all(journal, Position())
    set_aside(journal)
    assert read_all(journal, at)[0] == [], "Asterisk may still be writing it"
    journal.write_text("three\n")
    assert read_all(journal, at)[0] == ["tw", "three"]


def test_what_is_written_while_the_end_is_read_is_read_before_the_successor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = tmp_path / "queue_log"
    journal.write_text("one\n")
    _, at = read_all(journal, Position())
    old = set_aside(journal)

    def then() -> None:
        with old.open("a") as file:
            file.write("two\n")
        journal.write_text("three\n")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", _followed_by(then))
        first = read(journal, at, LIMIT)
    assert first.lines + read_all(journal, first.end)[0] == ["two", "three"]


def _followed_by(then: Callable[[], None]) -> Callable[..., Any]:
    """`Path.open` whose first file is closed only after `then`: the writer's luck between two looks of the reader."""
    plain, due = Path.open, [then]

    def opened(path: Path, *mode: Any, **how: Any) -> Any:
        file = plain(path, *mode, **how)
        if due:
            act, leave = due.pop(), file.close

            def close() -> None:
                leave()
                act()

            file.close = close
        return file

    return opened
