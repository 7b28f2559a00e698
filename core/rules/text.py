"""A policy as a text and as values: written out whole, and compared value by value."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pydantic import BaseModel

from core.policy import Policy, PolicySection


@dataclass(frozen=True)
class Value:
    """One value of the policy as a person reads it: `签收（工作日）`, 1, `第十三条：…`."""

    section: str
    name: str
    label: str
    value: Any
    basis: str


@dataclass(frozen=True)
class Change:
    """One value before and after; a value that the earlier program did not know has no `before`."""

    before: Value | None
    after: Value


def values(section: PolicySection) -> Iterator[Value]:
    """The section's values in their order."""
    for name, field in type(section).model_fields.items():
        if name == "basis":
            continue
        basis = section.basis[name]
        yield Value(section.key, name, field.title or basis, getattr(section, name), basis)


def section_title(section: PolicySection | type[PolicySection]) -> str:
    """What the screens call it."""
    return section.title or section.key


def changes(before: Policy, after: Policy) -> list[Change]:
    """What differs, value or basis."""
    known = {(one.section, one.name): one for section in before.sections.values() for one in values(section)}
    found = [
        Change(known.get((one.section, one.name)), one)
        for section in after.sections.values()
        for one in values(section)
    ]
    return [
        one
        for one in found
        if one.before is None or (one.before.value, one.before.basis) != (one.after.value, one.after.basis)
    ]


def write(policy: Policy, replaced: PolicySection | None = None) -> str:
    """The policy's TOML, whole; `replaced` stands in for the section of its kind. `parse` reads it back."""
    lines = [f"title = {toml(policy.title)}", f"issued = {policy.issued.isoformat()}", ""]
    for key, kept in policy.sections.items():
        section = replaced if replaced is not None and replaced.key == key else kept
        shown = list(values(section))
        lines += [f"[{key}]", *(f"{one.name} = {toml(one.value)}" for one in shown), ""]
        lines += [f"[{key}.basis]", *(f"{one.name} = {toml(one.basis)}" for one in shown), ""]
    return "\n".join(lines)


def toml(value: Any) -> str:
    """A value as TOML writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case Enum():
            return toml(value.value)
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case int() | float():
            return repr(value)
        case BaseModel():
            return toml({name: getattr(value, name) for name in type(value).model_fields})
        case dict():
            return "{ " + ", ".join(f"{key} = {toml(one)}" for key, one in value.items() if one is not None) + " }"
        case list() | tuple():
            return "[" + ", ".join(toml(one) for one in value) + "]"
    raise TypeError(f"a policy has no values of type {type(value).__name__}")


def chinese(value: Any) -> str:
    """A value as a person reads it."""
    match value:
        case bool():
            return "是" if value else "否"
        case "" | () | []:
            return "无"
        case Enum() | BaseModel() | dict():
            return toml(value)
        case list() | tuple():
            return "；".join(chinese(one) for one in value)
    return str(value)
