"""The city centre's spreadsheets as a county's file describes them: its columns, its words and its dates, both ways."""

from collections import Counter
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from crm.county.categories import Category
from crm.county.data import Record

Title = Annotated[str, Field(min_length=1, max_length=40)]
Titles = Annotated[tuple[Title, ...], Field(min_length=1, max_length=10)]
Word = Annotated[str, Field(min_length=1, max_length=40)]


class Progress(StrEnum):
    """How far an order is in the city's eyes; its words for each stand in the file."""

    TO_SIGN = "to-sign"
    SIGNED = "signed"
    REPLIED = "replied"
    RETURNED = "returned"
    CLOSED = "closed"


class Kind(StrEnum):
    """What is written back."""

    SIGN = "sign"
    REPLY = "reply"
    RETURN = "return"
    EXTENSION = "extension"

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"sign": "签收", "reply": "答复", "return": "退回", "extension": "延期"}[self.value]


class Columns(Record):
    """Our field -> the titles under which the city sends it, any of them; an empty one is not sent."""

    upstream_number: Titles
    upstream_type: tuple[Title, ...] = ()
    category: tuple[Title, ...] = ()
    state: tuple[Title, ...] = ()
    title: tuple[Title, ...] = ()
    content: Titles
    address: tuple[Title, ...] = ()
    caller_name: tuple[Title, ...] = ()
    caller_phone: tuple[Title, ...] = ()
    confidential: tuple[Title, ...] = ()
    handed_at: tuple[Title, ...] = ()
    due: Titles


WrittenField = Literal[
    "",
    "upstream_number",
    "number",
    "kind",
    "at",
    "unit",
    "category",
    "state",
    "text",
    "ground",
    "days",
    "due",
    "close_kind",
]


class WrittenColumn(Record):
    """One column of what is written back: its title there, and which of our values it holds; empty: left blank."""

    title: Title
    field: WrittenField = ""


class Written(Record):
    """What is written back: the sheet's columns in their order, and the city's word for each kind."""

    sheet: Annotated[str, Field(min_length=1, max_length=31)]
    date: Annotated[str, Field(min_length=2, max_length=40)]
    """As `strftime` writes it."""
    words: dict[Kind, Word]
    columns: Annotated[tuple[WrittenColumn, ...], Field(min_length=2, max_length=60)]

    @model_validator(mode="after")
    def _whole(self) -> "Written":
        if missing := [kind.value for kind in Kind if kind not in self.words]:
            raise ValueError(f"written.words 缺少 {missing}")
        if not {"upstream_number", "kind"} <= {column.field for column in self.columns}:
            raise ValueError("written.columns 须有 upstream_number 和 kind")
        return self


class CityLayout(Record):
    """`city.toml`."""

    name: Annotated[str, Field(min_length=2, max_length=40)]
    """Whose it is: `上饶市12345政务服务热线`."""
    required: tuple[str, ...] = ("upstream_number", "content", "due")
    columns: Columns
    dates: Annotated[tuple[str, ...], Field(min_length=1, max_length=20)]
    """Dates as text, as `strptime` reads them; one without a time is the whole day."""
    categories: dict[Word, Category]
    """The city's word -> ours; the first of several is the one that we write."""
    states: dict[Word, Progress] = {}
    yes: tuple[Word, ...] = ("是",)
    anonymous: tuple[Word, ...] = ("匿名",)
    """Names that are none."""
    written: Written

    @model_validator(mode="after")
    def _titles_are_unique(self) -> "CityLayout":
        titles = [title for name in Columns.model_fields for title in getattr(self.columns, name)]
        if twice := sorted(title for title, count in Counter(titles).items() if count > 1):
            raise ValueError(f"列名重复：{twice}")
        if unknown := set(self.required) - set(Columns.model_fields):
            raise ValueError(f"required 中没有这些栏目：{sorted(unknown)}")
        return self

    def word(self, category: Category | None) -> str:
        """The city's word for one of our categories; empty for none."""
        return next((word for word, ours in self.categories.items() if ours is category), "")

    def state(self, progress: Progress) -> str:
        """The city's word for how far an order is."""
        return next((word for word, ours in self.states.items() if ours is progress), "")
