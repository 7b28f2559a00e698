"""The kinds of demand 诉求类别 that the regulation names (第九条, 第十三条)."""

from enum import StrEnum


class Category(StrEnum):
    """诉求类别; its limit in working days is policy."""

    CONSULTATION = "consultation"
    HELP = "help"
    SUGGESTION = "suggestion"
    OPINION = "opinion"
    COMPLAINT = "complaint"
    REPORT = "report"

    @property
    def label(self) -> str:
        """As the regulation writes it."""
        return LABELS[self]


LABELS: dict[Category, str] = {
    Category.CONSULTATION: "咨询",
    Category.HELP: "求助",
    Category.SUGGESTION: "建议",
    Category.OPINION: "意见",
    Category.COMPLAINT: "投诉",
    Category.REPORT: "举报",
}
