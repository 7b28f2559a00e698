"""What the regulation asks, what code holds it, which tests prove it: found in the sources, by ids.

`docs/reference/requirements.toml` lists the ids. A docstring that names an id or cites an article says that the code
below it holds that; `@pytest.mark.proves("A12.3-4")` says what a test proves. Nothing is imported: sources are parsed.
"""

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "docs" / "reference" / "requirements.toml"
CODE = ("core", "callflow", "recordings", "crm", "ivr", "web", "hotline")
ID = re.compile(r"(?<![\w.-])(?:[FA]\d\d(?:\.\d)?-\d+[a-z]?|[DTV]\d{1,2})(?![\w-])")
ARTICLE = re.compile(r"第[一二三四五六七八九十]+条(?:[（(][一二三四五六七八九][）)])?")


class Stage(StrEnum):
    """How far a requirement is."""

    DONE = "done"
    OPEN = "open"
    LATER = "later"


@dataclass(frozen=True)
class Requirement:
    """One line of the file."""

    id: str
    stage: Stage
    text: str


@dataclass(frozen=True)
class Article:
    """An article of the regulation, or an item of 第十二条."""

    name: str
    title: str
    requirements: tuple[Requirement, ...]


Places = dict[str, tuple[str, ...]]
"""Id or article -> paths, for tests with `::name`."""


@cache
def articles(file: Path = REQUIREMENTS) -> tuple[Article, ...]:
    """The file as it is. Raises KeyError or ValueError where it is not what it should be."""
    document = tomllib.loads(file.read_text(encoding="utf-8"))
    return tuple(
        Article(
            one["name"],
            one["title"],
            tuple(Requirement(row["id"], Stage(row["state"]), row["text"]) for row in one["requirements"]),
        )
        for one in document["article"]
    )


@cache
def proofs(folder: Path = ROOT / "tests") -> Places:
    """Id -> the tests that prove it, as `tests/unit/core/test_calendar.py::test_name`."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted(folder.rglob("test_*.py")):
        path = file.relative_to(folder.parent).as_posix()
        for name, ids in _marked(ast.parse(file.read_text(encoding="utf-8"))):
            for id in ids:
                found[id].append(f"{path}::{name}")
    return {id: tuple(dict.fromkeys(places)) for id, places in found.items()}


def _marked(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """Tests and what they prove: marks on the function, on its class, or `pytestmark` of the module."""
    whole = [id for node in tree.body if isinstance(node, ast.Assign) and _is_pytestmark(node) for id in _ids(node)]
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            of_class = [id for mark in node.decorator_list for id in _ids(mark)]
            for inner in node.body:
                if test := _test(inner):
                    yield f"{node.name}::{test.name}", [*whole, *of_class, *_of(test)]
        elif test := _test(node):
            yield test.name, [*whole, *_of(test)]


def _is_pytestmark(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets)


def _test(node: ast.stmt) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    known = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
    return node if known else None  # type: ignore[return-value]


def _of(test: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    return [id for mark in test.decorator_list for id in _ids(mark)]


def _ids(tree: ast.AST) -> list[str]:
    """The texts in every `pytest.mark.proves(...)` below this node, marks of single parameters among them."""
    return [
        argument.value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "proves"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]


@cache
def holders(root: Path = ROOT) -> Places:
    """Id or article -> the files whose docstrings name it."""
    found: dict[str, list[str]] = defaultdict(list)
    for package in CODE:
        for file in sorted((root / package).rglob("*.py")):
            said = " ".join(_strings(ast.parse(file.read_text(encoding="utf-8"))))
            named = {*ID.findall(said), *(name.replace("(", "（").replace(")", "）") for name in ARTICLE.findall(said))}
            for name in named:
                found[name].append(file.relative_to(root).as_posix())
    return {name: tuple(paths) for name, paths in found.items()}


def _strings(tree: ast.AST) -> Iterator[str]:
    """Docstrings of modules, classes, functions and attributes: every text that stands as a statement of its own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


def unproven(listed: tuple[Article, ...], proven: Places) -> list[str]:
    """What is called done without a test that proves it."""
    return [
        one.id for article in listed for one in article.requirements if one.stage is Stage.DONE and one.id not in proven
    ]


def unknown(listed: tuple[Article, ...], proven: Places) -> list[str]:
    """Ids that tests name and the file does not."""
    known = {one.id for article in listed for one in article.requirements}
    return sorted(set(proven) - known)


def page(written: str) -> str:
    """`regulation.md`."""
    listed, proven, held = articles(), proofs(), holders()
    parts = [HEAD.format(written=written, counts=_counts(listed))]
    for article in listed:
        cited = held.get(article.name, ())
        parts.append(f"## {article.name} {article.title}\n")
        if cited:
            parts.append(f"Cited in {_links(cited)}.\n")
        if article.requirements:
            parts.append("| id | what | state | code | tests |\n| --- | --- | --- | --- | --- |")
            parts += [_row(one, held.get(one.id, ()), proven.get(one.id, ())) for one in article.requirements]
            parts.append("")
    return "\n".join(parts)


def _row(one: Requirement, code: tuple[str, ...], tests: tuple[str, ...]) -> str:
    named = "<br>".join(f"[{test.partition('::')[2]}](../../{test.partition('::')[0]})" for test in tests)
    cells = (f"`{one.id}`", one.text.replace("|", "\\|"), one.stage.value, _links(code), named)
    return f"| {' | '.join(cells)} |"


def _links(paths: tuple[str, ...]) -> str:
    return ", ".join(f"[{path}](../../{path})" for path in paths)


def _counts(listed: tuple[Article, ...]) -> str:
    stages = [one.stage for article in listed for one in article.requirements]
    return ", ".join(f"{stages.count(stage)} {stage.value}" for stage in Stage)


HEAD = """\
# The regulation, article by article

{written}

弋府办字〔2023〕51号: what each article asks, the code whose docstrings name it, the tests that prove it. Features F,
acceptance checks A, readings D, timers T, worked deadlines V; {counts}. The list is
[requirements.toml](requirements.toml); how tests and code name an id:
[prove a requirement](../howto/prove-a-requirement.md).
"""
