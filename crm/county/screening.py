"""The county's screening list 受理范围核对表: what to ask, what to say, and which words speak for an item of 第十条."""

from typing import Annotated

from pydantic import Field

from crm.county.data import Name, Record

Sentence = Annotated[str, Field(min_length=4, max_length=400)]


class ScreeningItem(Record):
    """One item of 第十条."""

    number: int = Field(ge=1, le=7)
    name: Name
    """A few words for the list."""
    question: Sentence
    """What the agent makes sure of."""
    not_this: Sentence
    """What looks like it and is accepted all the same."""
    script: Sentence
    """话术: what is said to the citizen."""
    referral: Sentence
    """Where the citizen is sent, as the form begins with it."""
    words: tuple[Name, ...] = ()


class Screening(Record):
    """The whole list: all seven items in their order."""

    item: tuple[ScreeningItem, ...]
