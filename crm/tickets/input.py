"""What people may write into an order, checked at the door: sizes, control characters, known codes."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from core import phone
from core.forms import Clean
from crm.county.categories import Category
from crm.tickets.rules import Given

PERSONAL = frozenset({"caller_name", "caller_phone"})


Line = Annotated[str, Field(max_length=60), Clean]


Words = Annotated[str, Field(min_length=2, max_length=500), Clean]
"""A reason or a basis: a sentence or a few."""
Text = Annotated[str, Field(min_length=5, max_length=4000), Clean]
"""An answer."""


def _phone(value: str | None) -> str | None:
    return phone.normalise(value) if value else None


class Correction(Given):
    """Fields that a person decides; those that are not given stay as they are."""

    category: Category | None = None
    matter: Annotated[str | None, Field(max_length=40)] = None
    title: Line | None = None
    content: Annotated[str, Field(max_length=4000), Clean] | None = None
    address: Annotated[str, Field(max_length=200), Clean] | None = None
    area: Annotated[str | None, Field(max_length=40)] = None
    occurred: Annotated[str, Field(max_length=100), Clean] | None = None
    subject: Annotated[str, Field(max_length=100), Clean] | None = None
    demand: Annotated[str, Field(max_length=500), Clean] | None = None
    caller_name: Annotated[str, Field(max_length=40), Clean] | None = None
    caller_phone: Annotated[str | None, Field(max_length=32), AfterValidator(_phone)] = None
    anonymous: bool | None = None
    confidential: bool | None = None
    emergency: bool | None = None

    def given(self) -> dict[str, Any]:
        """Name -> value of the fields that were sent; NOT NULL texts never become None."""
        sent = {name: getattr(self, name) for name in self.model_fields_set}
        for name in ("title", "content", "address", "occurred", "subject", "demand"):
            if name in sent and sent[name] is None:
                sent[name] = ""
        for name in ("anonymous", "confidential", "emergency"):
            if name in sent and sent[name] is None:
                sent[name] = False
        return sent
