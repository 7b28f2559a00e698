"""The reference pages, written from the code that they describe: `python -m hotline.tools.reference`.

Settings from the pydantic sections and the docstrings of their attributes, dialplan names from
`callflow/variables.py`, permissions from `core/permissions.py` and the route table, metrics from their
registry, the regulation from `requirements.toml` and the sources, the API from the route table. A test holds the
committed pages to this.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from prometheus_client import REGISTRY
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from callflow import variables
from core.permissions import ADMINISTRATORS, GRANTS, PRIVILEGED, SCOPES, Permission, Role
from hotline.settings import PORTS, Settings
from hotline.tools import regulation
from hotline.tools.life_page import LIFE, life_page
from hotline.wiring import ROLES, load
from web.api import document
from web.route import Door, Who
from web.routes import API, TABLE

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"
ELSEWHERE = frozenset({("core", "home"), ("core", "database_url"), ("core", "database_owner_url")})
"""Filled from the settings of the same name that stand outside every section."""
WRITTEN = "Written by `python -m hotline.tools.reference`; a test fails when it is out of date."


def pages() -> dict[str, str]:
    """File name -> Markdown, or the API's document as JSON."""
    return {
        "settings.md": settings_page(),
        "dialplan-variables.md": variables_page(),
        "permissions.md": permissions_page(),
        "metrics.md": metrics_page(),
        "regulation.md": regulation.page(WRITTEN),
        LIFE: life_page(WRITTEN),
        "openapi.json": document.text(API),
    }


def write() -> None:
    """Write every page anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def meanings(cls: type) -> dict[str, str]:
    """Attribute -> its docstring on one line, else the comment behind it; attributes without either are absent."""
    source = textwrap.dedent(inspect.getsource(cls))
    body = next(node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)).body
    lines, found = source.splitlines(), {}
    for node, after in zip(body, [*body[1:], None], strict=True):
        name = _target(node)
        if name is None or node.end_lineno is None:
            continue
        match after:
            case ast.Expr(ast.Constant(str(text))):
                found[name] = " ".join(text.split())
            case _ if comment := re.search(r"  # (.+)$", lines[node.end_lineno - 1]):
                found[name] = comment[1]
    return found


def _target(node: ast.stmt) -> str | None:
    match node:
        case ast.AnnAssign(target=ast.Name(name)) | ast.Assign(targets=[ast.Name(name)]):
            return name
    return None


# ------------------------------------------------------------------ settings


def settings_page() -> str:
    """Every setting: name in the file, name in the environment, default, meaning."""
    head = """\
# Settings

{written}

Each is a line of `<home>/hotline.toml`, or an environment variable, which is stronger; a name that does not exist is
an error at the start. Lists and tables in the environment are JSON: `HOTLINE_LINE__TRUNK_FROM='["10.20.0.1/32"]'`.
`port_offset` is added to the default of each port marked ⁺. What the bureau decides (limits, catalogue, roster)
is not here but in the county's folder.

One more variable is read before everything else: `HOTLINE_CACHE`, the folder that keeps what is costly to fetch
(default `~/.cache/hotline`).
"""
    return _text([head.format(written=WRITTEN), *_section(Settings, ())])


def _section(cls: type[BaseModel], path: tuple[str, ...]) -> Iterator[str]:
    said, rows, below = meanings(cls), [], []
    for name, field in cls.model_fields.items():
        if (*path, name) in ELSEWHERE:
            continue
        if inner := _model_in(field.annotation):
            below.append((inner, (*path, name)))
        else:
            where = (*path, name)
            shifted = "⁺" if name in PORTS.get(".".join(path), ()) else ""
            rows.append((f"`{name}`", f"`{environment(where)}`", _default(field) + shifted, said.get(name, "")))
    title = f"`[{'.'.join(path)}]`" if path else "Outside every section"
    yield f"## {title}\n\n{_first_line(cls)}\n\n{_table(('name', 'environment', 'default', 'meaning'), rows)}"
    for inner, where in below:
        yield from _section(inner, where)


def environment(path: Sequence[str]) -> str:
    """The environment variable of a setting: ("line", "sip_port") -> HOTLINE_LINE__SIP_PORT."""
    return "HOTLINE_" + "__".join(path).upper()


def _model_in(annotation: Any) -> type[BaseModel] | None:
    options = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return next((one for one in options if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _default(field: FieldInfo) -> str:
    value = field.default
    if field.is_required():
        return "must be given"
    if value is None or value == "":
        return "empty"
    if isinstance(value, Path) and value.is_relative_to(ROOT):
        value = value.relative_to(ROOT)
    if isinstance(value, tuple):
        return ", ".join(f"`{one}`" for one in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


# ------------------------------------------------------------------ dialplan


def variables_page() -> str:
    """Channel variables, routes, rungs and call events."""
    kinds: tuple[tuple[str, type[Enum]], ...] = (
        ("Channel variables", variables.Variable),
        ("Routes", variables.Route),
        ("Refusals", variables.Refusal),
        ("Rungs of the ladder", variables.Rung),
        ("Call events", variables.CallEvent),
    )
    parts = [
        f"# Dialplan variables\n\n{WRITTEN}\n\nThe names that dialplan and flows share (`callflow/variables.py`).\n"
    ]
    for title, enum in kinds:
        said = meanings(enum)
        rows = [(f"`{one.value}`", said.get(one.name, "")) for one in enum]
        table = _table(("name", "meaning"), rows) if said else " → ".join(name for name, _ in rows) + "\n"
        parts.append(f"## {title}\n\n{_first_line(enum)}\n\n{table}")
    return _text(parts)


# ------------------------------------------------------------------ permissions


def permissions_page() -> str:
    """Roles by permission, and every route with who may come."""
    said = meanings(Permission)
    roles = list(Role)
    grants = [
        (f"`{one.value}`", said.get(one.name, ""), *("●" if one in GRANTS[role] else "" for role in roles))
        for one in Permission
        if one is not Permission.SELF
    ]
    second = "、".join(role.label for role in roles if role in PRIVILEGED)
    apart = "、".join(role.label for role in roles if role in ADMINISTRATORS)
    routes = [
        (f"`{r.method} {r.path}`", r.summary, _who(r.who)) for r in sorted(TABLE, key=lambda r: (r.path, r.method))
    ]
    scopes = [(f"`{one.value}`", said.get(one.name, "")) for one in Permission if one in SCOPES]
    doors = [(f"*{door.name.lower()}*", door.value) for door in Door]
    return _text(
        [
            f"# Permissions\n\n{WRITTEN}\n",
            f"## Roles\n\nEverybody who signed in has `self`. A second factor is asked of {second}.\n"
            + f"{apart} are three people (三员分立): whoever is one of them\n"
            + "holds no other role and stands in no unit, and none of them sees orders, calls or citizens.\n\n"
            + _table(("permission", "", *(role.label for role in roles)), grants),
            "## Programs\n\nAn access token of the API carries some of these and nothing else:\n\n"
            + _table(("scope", ""), scopes),
            "## Routes\n\nOne permission is enough where several stand. Routes without one name a door:\n\n"
            + _table(("door", "who may come"), doors),
            _table(("route", "", "who may come"), routes),
        ]
    )


def _who(who: Who) -> str:
    if isinstance(who, Door):
        return f"*{who.name.lower()}*"
    return ", ".join(f"`{one.value}`" for one in (who if isinstance(who, tuple) else (who,)))


# ------------------------------------------------------------------ metrics


def metrics_page() -> str:
    """Every metric that a role defines, as Prometheus names it."""
    for role in ROLES:
        load(role)
    families = [family for family in REGISTRY.collect() if family.name.startswith("hotline_")]
    rows = [
        (f"`{family.name}{'_total' if family.type == 'counter' else ''}`", family.documentation, family.type)
        for family in sorted(families, key=lambda family: family.name)
    ]
    return _text(
        [f"# Metrics\n\n{WRITTEN}\n", inspect.cleandoc(METRICS) + "\n", _table(("name", "meaning", "type"), rows)]
    )


METRICS = """
    `GET https://<web.host>:<web.port>/metrics` gives them in the Prometheus text format, on loopback or with the bearer
    token `web.metrics_token`. One answer holds the samples of all role processes of this instance on this machine,
    added up; a role that starts again begins at zero, as Prometheus expects of a process. How to watch an instance:
    [operate it](../howto/operate.md).
"""

# ------------------------------------------------------------------ Markdown


def _first_line(cls: type) -> str:
    return inspect.cleandoc(cls.__doc__ or "").partition("\n")[0]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _text(parts: Iterable[str]) -> str:
    return "\n".join(parts)


if __name__ == "__main__":
    write()
