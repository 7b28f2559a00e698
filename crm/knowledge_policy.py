"""What the bureau decides about the knowledge base: how often its items are reviewed, and how soon errors."""

from typing import Annotated, ClassVar

from pydantic import Field

from core.policy import PolicySection, section


@section
class KnowledgePolicy(PolicySection):
    """知识库 (第十七条、第十八条)."""

    key: ClassVar[str] = "knowledge"
    title: ClassVar[str] = "知识库"

    review_months: Annotated[int, Field(ge=1, le=60)] = Field(title="条目复审周期（月）")
    """From publication, and from each review that found it in order."""
    error_days: Annotated[int, Field(ge=1, le=30)] = Field(title="提供单位答复纠错的期限（工作日）")
    """From the report of an agent that an item is wrong."""
