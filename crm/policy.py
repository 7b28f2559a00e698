"""What the bureau decides about orders and messages: this package's sections of the policy."""

from string import Formatter
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from core.policy import PolicySection, section
from crm.county.categories import Category

Days = Annotated[int, Field(ge=1, le=366)]


@section
class LimitsPolicy(PolicySection):
    """办结时限 in working days from 派发之日 (第十三条, D12)."""

    key: ClassVar[str] = "limits"

    consultation: Days
    help: Days
    suggestion: Days
    opinion: Days
    complaint: Days
    report: Days
    repeated: Days
    """来电3次及以上反映且诉求属疑难、复杂的."""
    sign: Days
    """签收."""

    def of(self, category: Category) -> int:
        """The limit of a category."""
        return int(getattr(self, category.value))


@section
class OrdersPolicy(PolicySection):
    """Numbers, query codes, and how often a query may fail."""

    key: ClassVar[str] = "orders"

    number_prefix: Annotated[str, Field(pattern=r"^[A-Z]{1,4}$")]
    query_code_digits: Annotated[int, Field(ge=4, le=10)]
    query_failures_per_call: Annotated[int, Field(ge=1, le=10)]
    query_failures_per_day: Annotated[int, Field(ge=1, le=100)]
    """After so many wrong codes in 24 hours the order is not spoken of until they have passed."""


def _receipt(value: str) -> str:
    if set(_names(value)) != {"number", "code"}:
        raise ValueError("the receipt names {number} and {code}, nothing else")
    return value


def _names(template: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(template) if name is not None]


@section
class SmsPolicy(PolicySection):
    """受理短信 (第十三条, D31)."""

    key: ClassVar[str] = "sms"

    signature: Annotated[str, Field(min_length=2, max_length=12)]
    receipt: Annotated[str, AfterValidator(_receipt)]
    receipt_several: Annotated[str, AfterValidator(_receipt)]
    """The same for several orders of one call (A09-2): room for their numbers."""
    max_characters: Annotated[int, Field(ge=20, le=70)]
    """70 UCS-2 characters are one message."""
    unknown_wait_hours: Annotated[int, Field(ge=1, le=168)]
    """A message whose acknowledgement was lost waits so long for its report, then a person decides."""
