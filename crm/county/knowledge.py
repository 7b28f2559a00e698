"""The knowledge items that a county's folder brings for a demonstration, and how people call things (第十七条)."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from crm.county.data import Code, Name, Record


class Class(StrEnum):
    """The six classes of 第十七条."""

    FUNCTIONS = "functions"
    POLICY = "policy"
    APPROVAL = "approval"
    ENFORCEMENT = "enforcement"
    SERVICE = "service"
    CONSULTATION = "consultation"

    @property
    def label(self) -> str:
        """As the regulation writes it."""
        return _CLASSES[self]


_CLASSES = {
    Class.FUNCTIONS: "机构职能",
    Class.POLICY: "政策法规",
    Class.APPROVAL: "行政审批",
    Class.ENFORCEMENT: "行政执法",
    Class.SERVICE: "公共服务",
    Class.CONSULTATION: "民生咨询",
}
Question = Annotated[str, Field(min_length=4, max_length=100)]


class KnowledgeRecord(Record):
    """One item for a demonstration."""

    number: Annotated[str, Field(pattern=r"^ZS\d{5}$")]
    question: Question
    other_ways: tuple[Question, ...] = Field((), max_length=20)
    answer: Annotated[str, Field(min_length=5, max_length=4000)]
    basis: Annotated[str, Field(min_length=2, max_length=500)]
    kind: Class
    unit: Code
    area: Code | None = None
    keywords: tuple[Name, ...] = Field((), max_length=20)
    valid_from: date | None = None
    valid_to: date | None = None


class Wording(Record):
    """What people say for an official word: to a search both are the same."""

    official: Name
    said: tuple[Name, ...] = Field(min_length=1)


class Knowledge(Record):
    """The whole file."""

    item: tuple[KnowledgeRecord, ...] = ()
    words: tuple[Wording, ...] = ()
