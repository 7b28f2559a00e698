"""A form for an act, made from the model of what it is given: one field for each of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import NoneType
from typing import Annotated, Any, get_args, get_origin
from uuid import UUID

from annotated_types import Le, MaxLen
from pydantic import AwareDatetime, BaseModel, Field, create_model
from pydantic.fields import FieldInfo

from core.clock import SHANGHAI
from core.errors import Invalid
from crm.tickets.acts.refusing import ITEMS
from crm.tickets.rules import Given
from crm.tickets.states import Act
from web import act_words
from web.reading import FILE_FIELD
from web.route import Asks, Upload

UNSEEN = frozenset({"caller_name", "caller_phone", "anonymous"})
"""What no form of an act asks: the caller is the order's."""
FILES = "attachments"
"""The field of a model whose files come with the form and are kept together with the act."""
SENT_AS = {"lead_unit_id": "lead_unit", "assist_unit_ids": "assist_units", FILES: FILE_FIELD}
"""Fields that are sent, and that the guards call, by another name."""
ROWS = 4
SHORT = 60
YES_NO = (("true", "是"), ("false", "否"))
Options = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class ActField:
    """One field. `kind`: line, text, number, moment, choice, many, flag, lines, order, files or rows."""

    name: str
    label: str
    kind: str
    required: bool
    help: str = ""
    options: Options = ()
    most: int | None = None
    live: str = ""
    """A page of the order that says what comes of the value while it is typed."""
    rows: tuple[tuple["ActField", ...], ...] = ()
    value: str = ""
    """What it begins with."""


def fields(act: Act, given: type[BaseModel], choices: Mapping[str, Options], prefix: str = "") -> list[ActField]:
    """The form of an act; `choices` holds what may be chosen in this order, by field."""
    return [field(act, name, info, choices, prefix) for name, info in given.model_fields.items() if name not in UNSEEN]


def field(act: Act, name: str, info: FieldInfo, choices: Mapping[str, Options], prefix: str = "") -> ActField:
    """One field of the form."""
    label = act_words.OF_ACT.get((act, name)) or act_words.LABELS[name]
    help, sent = act_words.HELPS.get(name, ""), prefix + SENT_AS.get(name, name)
    kind, options = kind_of(name, info, choices)
    most = next((one.max_length for one in info.metadata if isinstance(one, MaxLen)), None)
    if kind == "number":
        most = next((int(str(one.le)) for one in info.metadata if isinstance(one, Le)), None)
    required = info.is_required() and kind != "flag"
    rows: tuple[tuple[ActField, ...], ...] = ()
    if kind == "rows":
        model = row_model(info)
        rows = tuple(tuple(fields(act, model, choices, f"{sent}_{n}_")) for n in range(min(ROWS, most or ROWS)))
    live = act_words.LIVE.get((act, name), "")
    return ActField(sent, label, kind, required, help, options, most, live, rows)


def kind_of(name: str, info: FieldInfo, choices: Mapping[str, Options]) -> tuple[str, Options]:
    """How a field is filled in, and from what it is chosen."""
    annotation = bare(info.annotation)
    if name == FILES:
        return "files", ()
    if name in choices:
        return ("many" if get_origin(annotation) is tuple else "choice"), choices[name]
    if get_origin(annotation) is tuple:
        return ("rows" if row_model(info) is not BaseModel else "lines"), ()
    if annotation is bool:
        return ("choice", YES_NO) if optional(info) else ("flag", ())
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return "choice", tuple(act_words.CHOICES[annotation].items())
    if name == "item":
        return "choice", tuple((str(n), f"（{'一二三四五六七'[n - 1]}）{text}") for n, text in ITEMS.items())
    if annotation is int:
        return "number", ()
    if annotation in (datetime, AwareDatetime):
        return "moment", ()
    if annotation is UUID:
        return "order", ()
    most = next((one.max_length for one in info.metadata if isinstance(one, MaxLen)), 0)
    return ("line" if 0 < most <= SHORT else "text"), ()


def bare(annotation: Any) -> Any:
    """`X` of `X | None`, and of an X with its limits."""
    inner = [one for one in get_args(annotation) if one is not NoneType]
    found = inner[0] if NoneType in get_args(annotation) else annotation
    return get_args(found)[0] if get_origin(found) is Annotated else found


def optional(info: FieldInfo) -> bool:
    """Whether None is one of its values: not asked is another answer than no."""
    return NoneType in get_args(info.annotation)


def row_model(info: FieldInfo) -> type[BaseModel]:
    """The model of each row; BaseModel itself where the field holds plain values."""
    inner = get_args(bare(info.annotation))[0]
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else BaseModel


def asks(act: Act, given: type[Given], base: type[Asks]) -> type[Asks]:
    """The request that the form sends: everything as text, read by the act's own model afterwards."""
    sent: dict[str, Any] = {}
    for one in fields(act, given, NO_CHOICES):
        for inner in [part for row in one.rows for part in row] or [one]:
            kind, default = SENT.get(inner.kind, (str, ""))
            sent[inner.name] = (
                kind,
                Field(default=default, max_length=inner.most) if inner.kind == "many" else default,
            )
    return create_model(f"{act.name.title()}Form", __base__=base, __doc__=f"The form of {act.value}.", **sent)


SENT: dict[str, tuple[Any, Any]] = {"many": (list[str], []), "files": (list[Upload], [])}
NO_CHOICES: dict[str, Options] = {"assist_unit_ids": (), "unit_ids": ()}
"""Enough to know which fields hold several values."""


def given_of(act: Act, given: type[BaseModel], asked: Asks, prefix: str = "") -> dict[str, Any]:
    """What was filled in, as the act's raw values; what was left empty is not there."""
    found: dict[str, Any] = {}
    for name, info in given.model_fields.items():
        if name in UNSEEN or name == FILES:
            continue
        sent, kind = prefix + SENT_AS.get(name, name), kind_of(name, info, NO_CHOICES)[0]
        if kind == "rows":
            model, most = row_model(info), len(field(act, name, info, NO_CHOICES).rows)
            rows = [given_of(act, model, asked, f"{sent}_{n}_") for n in range(most)]
            found[name] = [row for row in rows if any(value is not False for value in row.values())]
            continue
        value: Any = getattr(asked, sent)
        if kind == "flag":
            value = value == "true"
        elif kind == "lines":
            value = [line.strip() for line in str(value).splitlines() if line.strip()]
        elif kind == "moment" and value:
            value = moment(sent, str(value))
        if value not in ("", []):
            found[name] = value
    return found


def moment(name: str, value: str) -> datetime:
    """`2026-11-23T14:05` as the county's clock shows it. Raises Invalid."""
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        raise Invalid("invalid-input", "填写的内容有误，请按提示修改。", fields={name: "时间格式不正确。"}) from None
    return read if read.tzinfo else read.replace(tzinfo=SHANGHAI)
