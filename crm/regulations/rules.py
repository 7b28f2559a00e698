"""A document's text as articles, and citations in the basis of a rule. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_NUMBERS = "一二三四五六七八九十百"
_HEAD = re.compile(rf"第[{_NUMBERS}]+条")
_CHAPTER = re.compile(rf"第[{_NUMBERS}]+章")
CITATION = re.compile(rf"第[{_NUMBERS}]+条(?:[（(][{_NUMBERS}][）)])*")
READING = re.compile(r"解释口径|本局决定|GB/T|\d号〕|〔\d{4}〕")


@dataclass(frozen=True)
class Article:
    """One article with its items, or a chapter's heading, whose `name` is empty."""

    name: str
    paragraphs: tuple[str, ...]


def articles(text: str) -> list[Article]:
    """The text by articles; what stands before the first article has no name."""
    found: list[tuple[str, list[str]]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        head = _HEAD.match(line)
        if head or _CHAPTER.match(line) or not found:
            found.append((head[0] if head else "", [line]))
        else:
            found[-1][1].append(line)
    return [Article(name, tuple(paragraphs)) for name, paragraphs in found]


def citations(basis: str) -> list[str]:
    """Articles and items that a basis names, as they are written: `第十二条（三）`."""
    return list(dict.fromkeys(CITATION.findall(basis)))


def article_of(citation: str) -> str:
    """`第十二条（三）` -> `第十二条`."""
    found = _HEAD.match(citation)
    return found[0] if found else citation


def pieces(basis: str, known: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The basis in pieces, each with the article that it names, or none: a page makes links of them."""
    names, at = set(known), 0
    for hit in CITATION.finditer(basis):
        if article_of(hit[0]) not in names:
            continue
        if hit.start() > at:
            yield basis[at : hit.start()], ""
        yield hit[0], article_of(hit[0])
        at = hit.end()
    if at < len(basis):
        yield basis[at:], ""


def is_cited(basis: str) -> bool:
    """Whether a basis says where it comes from: an article, a recorded reading, a decision, or a document."""
    return bool(CITATION.search(basis) or READING.search(basis))
