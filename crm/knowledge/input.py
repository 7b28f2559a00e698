"""What people write into an item, checked at the door."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from core.forms import Clean
from crm.county.knowledge import Class

MOST_WAYS = 20
Question = Annotated[str, Field(min_length=4, max_length=100), Clean]
Keyword = Annotated[str, Field(min_length=1, max_length=20), Clean]


class ItemText(BaseModel):
    """The text of a version. A draft needs its question alone; what it lacks is said when it is submitted (A17-1)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: Question
    other_ways: Annotated[tuple[Question, ...], Field(max_length=MOST_WAYS)] = ()
    answer: Annotated[str, Field(max_length=4000), Clean] = ""
    basis: Annotated[str, Field(max_length=500), Clean] = ""
    kind: Class | None = None
    area: Annotated[str | None, Field(max_length=40)] = None
    valid_from: date | None = None
    valid_to: date | None = None
    keywords: Annotated[tuple[Keyword, ...], Field(max_length=MOST_WAYS)] = ()

    @field_validator("other_ways", "keywords")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value))
