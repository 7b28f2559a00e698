"""What the machine proposes for one field, and what a person needs to judge it."""

from dataclasses import dataclass
from typing import Any

from crm.drafts.said import Source


@dataclass(frozen=True)
class Proposal:
    """A value for a field (`label` as people read it), its words, 0..1 confidence, one Chinese sentence why."""

    value: str
    label: str
    sources: tuple[Source, ...]
    confidence: float
    reason: str

    def as_json(self) -> dict[str, Any]:
        """As the ticket stores it."""
        return {
            "value": self.value,
            "label": self.label,
            "sources": [source.as_json() for source in self.sources],
            "confidence": round(self.confidence, 2),
            "reason": self.reason,
        }
