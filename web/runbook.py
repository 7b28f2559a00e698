"""处置手册 (A06-3): one file for each topic in `runbooks/`; served by the product itself, so that it is there without
the Internet. Who is responsible stands in the policy (`crm.operations_policy`)."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from crm.operations_policy import TOPICS

FOLDER = Path(__file__).parent / "runbooks"
PROCESS = "service"
"""The topic of a process that does not run, and of a part that a newer process reports."""
Sentence = Annotated[str, Field(min_length=6)]


class Runbook(BaseModel):
    """What a red light means and what to do about it, for whoever is on duty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    lights: tuple[str, ...]
    """The lights that belong to it, as they are called on the health board."""
    means: Sentence
    noticed: Sentence
    """What citizens and staff notice of it."""
    steps: Annotated[tuple[Sentence, ...], Field(min_length=2)]
    call: Sentence
    """When to call whom."""


@cache
def runbooks() -> dict[str, Runbook]:
    """Topic -> its runbook."""
    return {
        topic: Runbook.model_validate(tomllib.loads((FOLDER / f"{topic}.toml").read_text(encoding="utf-8")))
        for topic in TOPICS
    }


def topic_of(part: str) -> str:
    """`line@node1：短信网关`, or the name of a light alone -> its topic."""
    light = part.rpartition("：")[2]
    return next((topic for topic, one in runbooks().items() if light in one.lights), PROCESS)
