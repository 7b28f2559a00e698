"""What a list of draws is asked: searched, narrowed, sorted, paged, taken along."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from crm.draws import WantedDraws
from crm.search.filter import LONGEST_SEARCH
from web.route import Asks

Day = Annotated[date | None, Field(ge=date(2020, 1, 1), le=date(2100, 1, 1))]


class DrawFilter(Asks):
    """`search`: words of the name of who drew, or of what was drawn; days reach into the period."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    first: Day = None
    last: Day = None
    sort: Literal["newest", "oldest"] = "newest"

    @property
    def wanted(self) -> WantedDraws:
        """The filter as the list takes it."""
        return WantedDraws(self.search.split(), self.first, self.last, self.sort == "oldest")


class DrawList(DrawFilter):
    """The filter, and the first day of the period behind which the page begins."""

    after: Day = None


class DrawExport(DrawFilter):
    """The draws of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""

    @property
    def days(self) -> dict[str, str]:
        """The days as the ledger keeps them."""
        return self.model_dump(mode="json", include={"first", "last"}, exclude_none=True)
