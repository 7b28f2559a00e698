"""Every field of every form, address and API body refuses what it cannot be, by name and in a sentence that says why.

The fields come from the table of routes and from the table of acts: what is added to either is asked as well.
"""

import re
from typing import Any

import pytest
from pydantic import BaseModel

from core.errors import Invalid
from core.forms import SENTENCES, UNSEEN_HERE, validate
from core.policy import SECTIONS
from crm.tickets.table import BY_ACT
from web import rule_form
from web.reading import refuse_controls
from web.routes import TABLE

MODELS: dict[str, type[BaseModel]] = {f"{route.method} {route.path}": route.asks for route in TABLE}
MODELS |= {f"act {act}": lines[0].effect.given for act, lines in BY_ACT.items()}
MODELS = {name: model for name, model in MODELS.items() if model.model_fields}
POISON: dict[str, Any] = {
    "an object": {"$gt": ""},
    "a list of objects": [{"$gt": ""}],
    "a list of very many": ["x"] * 10_000,
    "far too long": "长" * 300_000,
    "a number beyond all": 10**30,
}
SAID = re.compile(r"[\u4e00-\u9fff]{3}")
VAGUE = "内容不正确。"
UNSEEN = ("a\0b", "a\x1b[2J", "a\x7f", "a\x85b", "\ud800", "a\udfffb", "\u202eabc", "a\u2066b\u2069")


def refused(model: type[BaseModel], values: dict[str, Any]) -> dict[str, str]:
    try:
        validate(model, values)
    except Invalid as error:
        return error.fields
    return {}


@pytest.mark.parametrize("name", list(MODELS))
def test_each_field_says_what_is_wrong_with_it(name: str) -> None:
    model = MODELS[name]
    wrong = []
    for field, info in model.model_fields.items():
        said = {how: refused(model, {field: value}).get(field, "") for how, value in POISON.items()}
        wrong += [(field, how, sentence) for how, sentence in said.items() if not SAID.search(sentence)]
        wrong += [(field, how, sentence) for how, sentence in said.items() if sentence == VAGUE]
        if info.is_required() and refused(model, {}).get(field) != SENTENCES["missing"]:
            wrong.append((field, "missing", refused(model, {}).get(field, "")))
    assert wrong == []


@pytest.mark.parametrize("name", list(MODELS))
def test_no_field_is_made_up(name: str) -> None:
    for made_up in ("is_admin", "state", "__proto__", "a" * 500):
        if made_up not in MODELS[name].model_fields:
            assert refused(MODELS[name], {made_up: "1"}).get(made_up[:60]) == SENTENCES["extra_forbidden"]


@pytest.mark.parametrize("section", SECTIONS, ids=str)
def test_a_form_of_rules_says_what_is_wrong_with_each_value(section: str) -> None:
    asks = rule_form.asks(SECTIONS[section])
    for text in ("'; DROP TABLE tickets;--", "[[[[", "=1+1", "9" * 30, "<script>", "x = 1\ny = 2"):
        with pytest.raises(Invalid) as error:
            rule_form.section(SECTIONS[section], asks(**dict.fromkeys(asks.model_fields, text)))
        assert error.value.fields
        assert all(name in asks.model_fields and SAID.search(said) for name, said in error.value.fields.items()), text


@pytest.mark.parametrize("text", UNSEEN)
def test_what_nobody_sees_is_refused_beside_its_field(text: str) -> None:
    for value in (text, [text], {"inner": text}, [{"inner": [text]}]):
        with pytest.raises(Invalid) as error:
            refuse_controls({"title": "好", "content": value})
        assert error.value.fields == {"content": UNSEEN_HERE}


def test_what_people_type_is_let_through() -> None:
    refuse_controls({"content": "第一行\n第二行\t👍🏽 “引号” —— 龘𠮷", "numbers": [1, None, True]})
