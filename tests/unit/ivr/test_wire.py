"""AGI's words: nothing that is said can become a second command, and every reply is what it seems."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.agi.wire import BadPeer, BadValue, HungUp, Refused, command, parse_header, parse_reply


def asterisk_splits(line: str) -> list[str]:
    """How Asterisk takes a line apart (parse_args, res_agi.c): quotes group, a backslash takes the next literally."""
    words, word, quoted, escaped, open_word = [], "", False, False, False
    for character in line:
        if escaped:
            word, escaped = word + character, False
        elif character == "\\":
            escaped = open_word = True
        elif character == '"':
            quoted, open_word = not quoted, True
        elif character in " \t" and not quoted:
            if open_word:
                words.append(word)
            word, open_word = "", False
        else:
            word, open_word = word + character, True
    return [*words, word] if open_word else words


@given(st.lists(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40), min_size=1, max_size=5))
def test_every_word_arrives_as_it_was_said(words: list[str]) -> None:
    line = command(*words).decode()
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert asterisk_splits(line[:-1]) == words


@given(st.text(), st.sampled_from("\r\n\0\x1b\x7f"), st.text())
def test_a_control_character_is_refused(before: str, control: str, after: str) -> None:
    with pytest.raises(BadValue):
        command("SET", "VARIABLE", "X", before + control + after)


def test_more_than_asterisk_reads_is_refused() -> None:
    with pytest.raises(BadValue):
        command("VERBOSE", "长" * 700)


@pytest.mark.parametrize(
    ("line", "result", "value", "endpos"),
    [
        ("200 result=0", "0", None, 0),
        ("200 result=1 (hangup)", "1", "hangup", 0),
        ("200 result=1 (a (b) c)", "1", "a (b) c", 0),
        ("200 result=1 ()", "1", "", 0),
        ("200 result=-1 endpos=800", "-1", None, 800),
        ("200 result= (timeout)", "", "timeout", 0),
    ],
)
def test_replies(line: str, result: str, value: str | None, endpos: int) -> None:
    reply = parse_reply(line)
    assert (reply.result, reply.value, reply.endpos) == (result, value, endpos)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("510 Invalid or unknown command", Refused),
        ("520 usage", Refused),
        ("511 Command Not Permitted on a dead channel", HungUp),
        ("", BadPeer),
        ("hello", BadPeer),
        ("200", BadPeer),
        ("200 result=1 (open", BadPeer),
        ("300 result=1", BadPeer),
    ],
)
def test_replies_that_are_none(line: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_reply(line)


@given(st.text(max_size=200))
def test_any_text_is_a_reply_or_a_clear_error(line: str) -> None:
    with contextlib.suppress(BadPeer, HungUp, Refused):
        parse_reply(line)


def test_a_query_is_kept_apart_from_the_flow() -> None:
    request = parse_header(["agi_network: yes", "agi_request: agi://h:4573/status?x=1", "agi_uniqueid: n-1.2"])
    assert (request.flow, request.query, request.values["uniqueid"]) == ("status", {"x": "1"}, "n-1.2")
