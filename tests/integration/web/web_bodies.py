"""Bodies for any route of the table, made from its model: plausible ones, and what a hostile or broken client sends."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from web.route import Route

NOBODY = UUID(int=9)
UNSEEN = {"NUL": "a\0b", "a surrogate": "a\ud800", "turned about": "a\u202eb", "escape": "\x1b[2J"}


def sample(schema: dict[str, Any], inside: dict[str, Any]) -> Any:
    """The plainest value of a JSON Schema."""
    if "$ref" in schema:
        return sample(inside[schema["$ref"].rsplit("/", 1)[1]], inside)
    if "default" in schema or "anyOf" in schema:
        return schema.get("default") or sample(schema["anyOf"][0], inside)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("format") == "uuid":
        return str(NOBODY)
    if schema.get("format") in {"date", "date-time", "time"}:
        return {"date": "2026-11-23", "date-time": "2026-11-23T08:00:00+08:00", "time": "08:00"}[schema["format"]]
    plain: dict[str, Any] = {
        "integer": schema.get("minimum", 1),
        "boolean": False,
        "array": [],
        "number": 1,
        "object": {},
    }
    if schema["type"] in plain:
        return plain[schema["type"]]
    if "pattern" in schema:
        return next(
            (one for one in ("x" * 20, "abcde", "1" * 16, "0" * 64, "A1") if re.match(schema["pattern"], one)), "x"
        )
    return "核" * max(4, schema.get("minLength", 0))


def in_path(route: Route[Any]) -> set[str]:
    """The fields that its address holds."""
    return set(re.findall(r"{(\w+)}", route.path))


def body_of(route: Route[Any]) -> dict[str, Any]:
    """A body with every field that must be there, besides those of the path."""
    schema = route.asks.model_json_schema()
    names = set(schema.get("required", [])) - in_path(route)
    return {name: sample(schema["properties"][name], schema.get("$defs", {})) for name in names}


def flat(body: dict[str, Any]) -> dict[str, str]:
    """The body as a form sends it."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in body.items()
        if value != []
    }


def fields_of(route: Route[Any]) -> list[str]:
    """What its body may hold; a file travels otherwise."""
    return sorted(set(route.asks.model_fields) - in_path(route) - {"file"})


def texts_of(route: Route[Any]) -> list[str]:
    """Those of them that take any words."""
    known = route.asks.model_json_schema()["properties"]
    return [name for name in fields_of(route) if _is_text(known[name])]


def _is_text(schema: dict[str, Any]) -> bool:
    kinds = [schema, *schema.get("anyOf", [])]
    return any(one.get("type") == "string" and not {"format", "enum", "pattern"} & set(one) for one in kinds)


def refused_bodies(route: Route[Any]) -> Iterator[tuple[str, dict[str, Any], set[str]]]:
    """What no route may take: its name, the body as JSON, and the fields of which one must be named."""
    base, names = body_of(route), fields_of(route)
    if base:
        yield "nothing", {}, set(base)
    yield "a field that is none", base | {"is_admin": "1"}, {"is_admin"}
    if not names:
        return
    yield "objects", {name: {"$gt": ""} for name in names}, set(names)
    yield "far too long", dict.fromkeys(names, "长" * 20_001), set(names)
    for what, text in UNSEEN.items():
        yield what, base | dict.fromkeys(names, text), set(names)


def odd_bodies(route: Route[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What looks right and may be refused or kept as what it is, but never acted upon."""
    base, texts = body_of(route), texts_of(route)
    if texts:
        for text in (
            '=HYPERLINK("http://x","y")',
            "<script>alert(1)</script>",
            "{{7*987654321}}';DROP TABLE users;--",
        ):
            yield text, base | dict.fromkeys(texts, text)
    yield "forged ids", base
    if "version" in base:
        yield "stale", base | {"version": 2**31 - 1}
