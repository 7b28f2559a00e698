"""The documents as tests read them: tables, code blocks, links."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])


def tables(text: str) -> Iterator[list[str]]:
    """Every row of every table besides heads: its cells."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        is_head = number + 1 < len(lines) and lines[number + 1].startswith(("| ---", "|---"))
        if line.startswith("| ") and not line.startswith(("| ---", "|---")) and not is_head:
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def blocks(text: str, language: str) -> list[str]:
    """The contents of the fenced blocks in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def links(text: str) -> list[str]:
    """Where links and pictures lead, besides other sites."""
    found = re.findall(r"\]\(([^)#\s]+)", text)
    return [link for link in found if not re.match(r"[a-z]+:", link)]
