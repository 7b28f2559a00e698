"""How often the right item is found: questions with the number of the item that answers them. Pure besides reading."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from core.errors import Invalid
from crm.knowledge.engine import Engine, Narrow

SHOWN = 3


@dataclass(frozen=True)
class Miss:
    """A question whose item is not among the first three, with what was found instead."""

    question: str
    item: str
    found: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """Of `count` questions so many found their item at the first place, and among the first three."""

    count: int
    first: int
    among_three: int
    misses: Sequence[Miss]


def read(path: Path) -> list[tuple[str, str]]:
    """TSV or CSV with a head: question, item number. Raises Invalid("bad-questions")."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ","))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Invalid("bad-questions", f"问题文件 {path.name} 无法读取：{error}") from error
    found = [(row[0].strip(), row[1].strip()) for row in rows[1:] if len(row) > 1 and row[0].strip()]
    if not found:
        raise Invalid("bad-questions", f"问题文件 {path.name} 没有问题；第一行为表头，每行一个问题和一个条目编号。")
    return found


def evaluate(engine: Engine, questions: Iterable[tuple[str, str]], today: date) -> Verdict:
    """Ask all of them."""
    count = first = three = 0
    misses: list[Miss] = []
    for question, item in questions:
        found = tuple(hit.entry.number for hit in engine.search(question, Narrow(), today, SHOWN))
        count, first, three = count + 1, first + (found[:1] == (item,)), three + (item in found)
        if item not in found:
            misses.append(Miss(question, item, found))
    return Verdict(count, first, three, misses)
