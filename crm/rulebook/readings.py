"""解释口径: the register of readings that the rule console shows beside the values that carry them (F31-1).

A reading whose other branch exists is a value of the policy and changes with it; the others are fixed by the program,
and stand here so that whoever is asked can say them.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from core.policy import Policy
from core.rules.text import Value, section_title, values

Words = Annotated[str, Field(min_length=4, max_length=400)]


class Reading(BaseModel):
    """One question that the regulation leaves open, how it is read, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    article: Words
    question: Words
    reading: Words
    """As the county's file has it; what is in force says the policy."""
    why: Words
    rules: tuple[str, ...] = ()
    """`section.name` of the policy."""


@cache
def readings() -> Mapping[str, Reading]:
    """By id, D1 and on."""
    text = files("crm.rulebook").joinpath("readings.toml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, Reading]).validate_python(tomllib.loads(text))


def in_force(policy: Policy, reading: Reading) -> list[tuple[str, Value]]:
    """The values that carry a reading now, each with the title of its section. KeyError for one that is none."""
    found = []
    for rule in reading.rules:
        key, _, name = rule.partition(".")
        section = policy.sections[key]
        found.append((section_title(section), {one.name: one for one in values(section)}[name]))
    return found
