"""The message box's own journal into facts: written by `agi_scripts/message_kept.py`, also while nothing else runs.

It says how long the speech in a message is, 0 for a message in which nobody spoke, and it knows caller and number
by itself: a message whose other witnesses were lost with the disk's cache is still somebody's.
"""

import re
from datetime import UTC, datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from callflow.facts import Fact, Kind, Source, fact
from callflow.rules import Direction
from core.errors import Invalid

FILE = "messages.jsonl"
_BEGAN = re.compile(r"(?:.*-)?(\d{9,11})\.\d+")
"""A linkedid carries the second in which its call began."""


class Line(BaseModel):
    """One line."""

    model_config = ConfigDict(extra="forbid")

    at: AwareDatetime
    linkedid: str
    caller: str = Field(max_length=64)
    dialled: str = Field(max_length=64)
    seconds: float = Field(ge=0, le=7200)


def facts(line: str, node: str) -> list[Fact]:
    """What one line says. Raises Invalid("bad-message-line")."""
    try:
        found = Line.model_validate_json(line)
        known = {"direction": Direction.INBOUND.value, "caller": found.caller, "dialled": found.dialled}
        seconds = f"{found.seconds:.0f}" if found.seconds >= 1 or not found.seconds else "1"
        return [
            fact(node, found.linkedid, Source.RECORDING, Kind.ARRIVED, _began(found), **known),
            fact(node, found.linkedid, Source.RECORDING, Kind.MESSAGE, found.at, seconds=seconds),
        ]
    except (ValidationError, ValueError, OverflowError) as error:
        raise Invalid("bad-message-line", "留言日志中有一行无法识别，已另行保存。") from error


def _began(line: Line) -> datetime:
    began = _BEGAN.fullmatch(line.linkedid)
    return min(line.at, datetime.fromtimestamp(int(began[1]), UTC)) if began else line.at
