"""The words of AGI: requests, commands and replies as bytes and back, with every limit that keeps a peer honest."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

LONGEST_LINE = 8192
HEADER_LINES = 64
HEADER_BYTES = 32_768
LONGEST_COMMAND = 2000
"""Asterisk reads commands into 2048 bytes (AGI_BUF_LEN, res_agi.c)."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ASSIGNABLE = re.compile(r"[A-Za-z0-9_./%&=~+-]*")
_BARE = re.compile(r"[A-Za-z0-9_./+-]+")
_REPLY = re.compile(r"(\d{3}) result=(-?[^\s()]*)(?: \((.*)\))?(?: endpos=(\d+))?$", re.DOTALL)
_PATH = re.compile(r"/([a-z][a-z0-9-]{0,31})")


class AgiError(Exception):
    """Something ended this conversation; the dialplan goes on by itself."""


class HungUp(AgiError):
    """The caller is gone."""


class BadPeer(AgiError):
    """What arrived is not AGI: too long, out of turn, undecodable or malformed."""


class Mute(AgiError):
    """The peer did not answer in time."""


class Refused(AgiError):
    """Asterisk does not know the command or does not allow it here (510, 511, 520)."""


class BadValue(AgiError):
    """A value that could end a line or an assignment, or does not fit into one; it was not sent."""


@dataclass(frozen=True)
class Request:
    """What Asterisk says first: the flow asked for, its query, and `agi_*` without their prefix."""

    flow: str
    query: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """`200 result=1 (value) endpos=800`. `value` is None where there are no brackets."""

    code: int
    result: str
    value: str | None = None
    endpos: int = 0

    @property
    def number(self) -> int:
        """The result as a number; anything else is a peer that does not speak AGI."""
        try:
            return int(self.result)
        except ValueError as error:
            raise BadPeer("result is no number") from error


def decode(line: bytes) -> str:
    """One line as text. A SIP peer's broken UTF-8 costs its characters, not the call."""
    return line.decode("utf-8", "replace")


def parse_header(lines: list[str]) -> Request:
    """The lines before the blank one. Raises BadPeer where no flow is named."""
    values: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.startswith("agi_"):
            raise BadPeer("a header line that is none of AGI's")
        values.setdefault(name[4:], value.removeprefix(" "))
    url = urlsplit(values.get("request", ""))
    path = _PATH.fullmatch(url.path)
    if url.scheme != "agi" or not path:
        raise BadPeer("no flow is asked for")
    return Request(path[1], dict(parse_qsl(url.query, max_num_fields=16)), values)


def parse_reply(line: str) -> Reply:
    """A final reply line. Raises Refused for 5xx, HungUp for a dead channel, BadPeer for anything else."""
    if line.startswith("511 "):
        raise HungUp("the channel is dead")
    if re.match(r"5\d\d(?: |$)", line):
        raise Refused(line[:80])
    found = _REPLY.fullmatch(line)
    if not found or found[1] != "200":
        raise BadPeer("a reply that is none of AGI's")
    return Reply(int(found[1]), found[2], found[3], int(found[4] or 0))


def command(*words: str) -> bytes:
    """One command line. Each word stays one word, whatever it holds; raises BadValue for what cannot be sent."""
    line = (" ".join(_quoted(word) for word in words) + "\n").encode("utf-8", "surrogatepass")
    if len(line) > LONGEST_COMMAND:
        raise BadValue("longer than Asterisk reads")
    return line


def assignments(values: Iterable[tuple[str, str]]) -> str:
    """The argument of Asterisk's MSet, which takes quotes, brackets and backslashes out of what it sets and ends a
    value at a comma: none of them is sent. Raises BadValue."""
    pairs = list(values)
    for name, value in pairs:
        if not _ASSIGNABLE.fullmatch(value):
            raise BadValue(f"{name} cannot be assigned")
    return ",".join(f"{name}={value}" for name, value in pairs)


def _quoted(word: str) -> str:
    if _CONTROL.search(word) or any(0xD800 <= ord(character) <= 0xDFFF for character in word):
        raise BadValue("a control character")
    if _BARE.fullmatch(word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
