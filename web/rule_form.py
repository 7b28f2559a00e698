"""A form for a section of the policy, made from its model: each value with its basis, errors beside both."""

import tomllib
from dataclasses import dataclass
from enum import Enum
from typing import Any

from annotated_types import Ge, Le, MaxLen
from pydantic import create_model
from pydantic.fields import FieldInfo

from core.errors import Invalid
from core.forms import validate
from core.policy import PolicySection
from core.rules.text import labels, toml, values
from web.route import Asks

VALUE, BASIS = "value_", "basis_"
LONGEST_LINE = 200
"""Characters: a longer text is written in several lines."""
YES_NO = (("true", "是"), ("false", "否"))


@dataclass(frozen=True)
class RuleField:
    """One value in the form. `kind`: `number`, `choice`, `text`, `prose` in several lines, or `toml` for lists."""

    name: str
    label: str
    kind: str
    value: str
    basis: str
    help: str = ""
    options: tuple[tuple[str, str], ...] = ()


def fields(section: PolicySection) -> list[RuleField]:
    """The form as it stands for this section."""
    made = []
    for one in values(section):
        info = type(section).model_fields[one.name]
        kind, options = _kind(info)
        shown = toml(one.value) if kind in ("toml", "number") or isinstance(one.value, bool) else _plain(one.value)
        made.append(RuleField(one.name, one.label, kind, shown, one.basis, _help(info, kind), options))
    return made


def asks(kind: type[PolicySection]) -> type[Asks]:
    """The request that the form sends: every value and every basis as text."""
    names = [name for name in kind.model_fields if name != "basis"]
    given: dict[str, Any] = {f"{prefix}{name}": (str, "") for name in names for prefix in (VALUE, BASIS)}
    return create_model(f"{kind.__name__}Form", __base__=Asks, __doc__=f"The form of [{kind.key}].", **given)


def section(kind: type[PolicySection], asked: Asks) -> PolicySection:
    """What was filled in, as the section. Raises Invalid with a sentence beside each field."""
    wrong: dict[str, str] = {}
    given: dict[str, Any] = {}
    bases: dict[str, str] = {}
    for name, info in kind.model_fields.items():
        if name == "basis":
            continue
        text = str(getattr(asked, f"{VALUE}{name}"))
        bases[name] = str(getattr(asked, f"{BASIS}{name}"))
        if not bases[name]:
            wrong[f"{BASIS}{name}"] = "请写明条款、解释口径或本局决定。"
        try:
            given[name] = _read(text) if _kind(info)[0] == "toml" else text
        except tomllib.TOMLDecodeError:
            wrong[f"{VALUE}{name}"] = "请按现有的样式填写。"
    if not wrong:
        try:
            return validate(kind, given | {"basis": bases})
        except Invalid as error:
            wrong = {f"{VALUE}{name}" if name in given else name: what for name, what in error.fields.items()}
    raise Invalid("invalid-input", "填写的内容有误，请按提示修改。", fields=wrong)


def _read(text: str) -> Any:
    found = tomllib.loads(f"x = {text}")
    if list(found) != ["x"]:
        raise tomllib.TOMLDecodeError("one value only")
    return found["x"]


def _kind(info: FieldInfo) -> tuple[str, tuple[tuple[str, str], ...]]:
    annotation = info.annotation
    if annotation is bool:
        return "choice", YES_NO
    if annotation is int:
        return "number", ()
    if annotation is str:
        most = next((one.max_length for one in info.metadata if isinstance(one, MaxLen)), 0)
        return "prose" if most > LONGEST_LINE else "text", ()
    if words := labels(info):
        return "choice", tuple((_plain(one), said) for one, said in words.items())
    return "toml", ()


def _plain(value: Any) -> str:
    return str(value.value if isinstance(value, Enum) else value)


def _help(info: FieldInfo, kind: str) -> str:
    if info.description:
        return info.description
    if kind == "toml":
        return "按政策文件的样式填写"
    least = next((one.ge for one in info.metadata if isinstance(one, Ge)), None)
    most = next((one.le for one in info.metadata if isinstance(one, Le)), None)
    return f"{least} 至 {most}" if least is not None and most is not None else ""
