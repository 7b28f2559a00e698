"""What the bureau's data becomes in Asterisk's files: agents, queues, roster. Only checked values get there.

A value that could end a line, open a section or call a function is refused with Invalid("bad-line-value"): an
agent's name, a number or a queue is data, never configuration.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import jinja2

from callflow.menu import Menu
from core.errors import Invalid

TEMPLATES = Path(__file__).parents[1] / "asterisk_conf"

EXTENSION = re.compile(r"[1-8][0-9]{3}")
NUMBER = re.compile(r"\+?[0-9]{2,20}")
QUEUE = re.compile(r"[a-z][a-z0-9_-]{0,39}")
SECRET = re.compile(r"[A-Za-z0-9_-]{16,128}")
NAME = re.compile(r"[\w .·()（）-]{1,40}")
PATTERN = re.compile(r"(?:[0-9XZN]|\[[0-9](?:-[0-9])?\]){3,20}")
"""Digits that may be dialled: X any, Z 1 to 9, N 2 to 9, [3-9] of these."""
LONGEST_QUEUE = 10_000
STRATEGIES = ("rrmemory", "leastrecent", "fewestcalls", "random", "ringall", "linear")


def checked(value: str, pattern: re.Pattern[str], field: str, meaning: str) -> str:
    """`value` if it is what `pattern` allows, whole; else Invalid("bad-line-value")."""
    if not pattern.fullmatch(value):
        raise Invalid("bad-line-value", f"{meaning}的写法不正确，未写入电话系统。", fields={field: meaning})
    return value


@dataclass(frozen=True)
class AgentPhone:
    """One agent's phone: four-digit extension, generated secret, name shown to colleagues."""

    extension: str
    secret: str
    name: str
    browser: bool = False
    """Whether the phone runs in the browser (WebRTC, A-law only) or is a SIP softphone."""

    def __post_init__(self) -> None:
        checked(self.extension, EXTENSION, "extension", "分机号")
        checked(self.secret, SECRET, "secret", "分机口令")
        checked(self.name, NAME, "name", "坐席姓名")


@dataclass(frozen=True)
class QueueFile:
    """One pool of agents."""

    name: str
    strategy: Literal["rrmemory", "leastrecent", "fewestcalls", "random", "ringall", "linear"] = "rrmemory"
    offer_after_s: int = 0
    """When and how often callers hear that they may hang up and keep their place; 0: never."""

    def __post_init__(self) -> None:
        checked(self.name, QUEUE, "queue", "队列名")
        if self.name == "general":  # a queue of this name would become the file's general section
            raise Invalid("bad-line-value", "队列名不能是 general。", fields={"queue": "请换一个队列名"})
        if self.strategy not in STRATEGIES:
            raise Invalid("bad-line-value", "队列的分配方式不正确，未写入电话系统。")


@dataclass(frozen=True)
class DialledNumber:
    """A number that citizens dial: the hotline that it was before the merger, and the queue that answers."""

    dialled: str
    original: str
    queue: str

    def __post_init__(self) -> None:
        checked(self.dialled, NUMBER, "dialled", "接入号码")
        checked(self.original, NUMBER, "original", "原热线号码")
        checked(self.queue, QUEUE, "queue", "队列名")


@dataclass(frozen=True)
class Roster:
    """Who answers when: what the dialplan follows while Python is silent. Numbers in the form that is dialled."""

    default_queue: str = "hotline"
    numbers: tuple[DialledNumber, ...] = ()
    second_queue: str | None = None
    duty: tuple[str, ...] = ()
    """Duty mobiles, called one after the other."""
    outside: str | None = None
    longest: tuple[tuple[str, int], ...] = ()
    """Queue, and how many callers may wait in it, 0: without limit."""
    menu: Menu = field(default_factory=Menu)
    """What the callers' keys do."""
    allowed: tuple[str, ...] = ()
    """Patterns of the numbers that may be dialled; none: no calls out."""
    keeps: bool = False
    """Whether callers who wait may hang up and keep their place."""
    rates: bool = False
    """Whether callers are asked to rate the agent's service."""

    def __post_init__(self) -> None:
        checked(self.default_queue, QUEUE, "default_queue", "队列名")
        if self.second_queue is not None:
            checked(self.second_queue, QUEUE, "second_queue", "队列名")
        for queue, longest in self.longest:
            checked(queue, QUEUE, "longest", "队列名")
            if not 0 <= longest <= LONGEST_QUEUE:
                raise Invalid("bad-line-value", "队列的长度不正确，未写入电话系统。", fields={"longest": queue})
        for pattern in self.allowed:
            checked(pattern, PATTERN, "allowed", "允许拨打的号码")
        for number in (*self.duty, *((self.outside,) if self.outside else ())):
            checked(number, NUMBER, "duty", "值班电话")


_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(TEMPLATES),
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=False,
    autoescape=False,
)


def fill(template: str, **values: Any) -> str:
    """The text of `asterisk_conf/<template>.j2`. A value that the template misses is an error."""
    return _environment.get_template(f"{template}.j2").render(**values)
