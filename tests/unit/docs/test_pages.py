"""What the documents tell people to write and to open is really there."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import typer.main
from doc_pages import DOCS, PAGES, ROOT, blocks, links, tables

from hotline import commands
from hotline.cli import app
from hotline.settings import Settings
from hotline.setup.packages import TO_RUN, TO_TEST

COMMAND = re.compile(r"(?:^ {4,}|`)(?:\.venv/bin/)?(make|hotline) ([a-z][a-z-]*)", re.MULTILINE)
SNIPPETS = [(page, block) for page in PAGES for block in blocks(page.read_text(encoding="utf-8"), "toml")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [link for link in links(text) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize(("page", "block"), SNIPPETS, ids=[page.stem for page, _ in SNIPPETS])
def test_settings_in_the_guides_are_accepted(page: Path, block: str) -> None:
    Settings(**tomllib.loads(block))


def test_json_in_the_documents_is_json() -> None:
    found = [block for page in PAGES for block in blocks(page.read_text(encoding="utf-8"), "json")]
    assert found
    assert all(isinstance(json.loads(block), dict) for block in found)


def test_decisions_are_numbered_without_a_gap() -> None:
    pages = sorted((DOCS / "decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for number, page in enumerate(pages, 1):
        assert page.read_text(encoding="utf-8").startswith(f"# {number}. "), page.name


def test_every_dependency_has_its_reason() -> None:
    names = {need.package for need in (*TO_RUN, *TO_TEST)}
    for file in ("requirements.in", "requirements-dev.in", "requirements-speech-train.in"):
        found = re.findall(r"^[A-Za-z0-9_-]+", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
        names |= {name for name in found if not name.startswith("-")}
    assets = json.loads((ROOT / "web" / "assets" / "package.json").read_text(encoding="utf-8"))
    names |= set(assets["dependencies"]) | set(assets["devDependencies"])
    table = (DOCS / "decisions" / "0002-dependencies.md").read_text(encoding="utf-8")
    rows = list(tables(table))
    assert names == {name.strip() for row in rows for name in row[0].split(",")}
    assert all(row[1] for row in rows)


def test_commands_named_in_the_documents_exist() -> None:
    commands.register(app)
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = [(page.name, *found) for page in PAGES for found in COMMAND.findall(page.read_text(encoding="utf-8"))]
    assert len(named) > len(targets)
    assert [one for one in named if one[2] not in (targets if one[1] == "make" else known)] == []
