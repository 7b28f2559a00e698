"""A policy as a text and as values: written out whole, and compared value by value."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from core.policy import Policy, PolicySection


@dataclass(frozen=True)
class Value:
    """One value of the policy: `签收（工作日）`, 1, `第十三条：…`; `shown` is the value as a person reads it."""

    section: str
    name: str
    label: str
    value: Any
    shown: str
    basis: str


@dataclass(frozen=True)
class Change:
    """One value before and after; a value that the earlier program did not know has no `before`."""

    before: Value | None
    after: Value

    @property
    def basis_stays(self) -> bool:
        """Another value on the same basis: perhaps the basis was forgotten."""
        return self.before is not None and self.before.basis == self.after.basis


def values(section: PolicySection) -> Iterator[Value]:
    """The section's values in their order."""
    for name, field in type(section).model_fields.items():
        if name == "basis":
            continue
        basis, value = section.basis[name], getattr(section, name)
        yield Value(section.key, name, field.title or basis, value, labels(field).get(value) or chinese(value), basis)


def labels(field: FieldInfo) -> dict[Any, str]:
    """What a person reads for each of a field's choices: an Enum's labels, or `json_schema_extra={"labels": {…}}`."""
    if isinstance(field.annotation, type) and issubclass(field.annotation, Enum):
        return {one: str(getattr(one, "label", one.value)) for one in field.annotation}
    extra = field.json_schema_extra
    given = extra.get("labels") if isinstance(extra, dict) else None
    said = given if isinstance(given, dict) else {}
    return {one: str(said.get(one, one)) for one in get_args(field.annotation)} if is_choice(field) else {}


def is_choice(field: FieldInfo) -> bool:
    """Whether the field takes one of a few words."""
    return get_origin(field.annotation) is Literal


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
        case Enum():
            return str(getattr(value, "label", value.value))
        case list() | tuple():
            return "；".join(chinese(one) for one in value)
    return str(value)
