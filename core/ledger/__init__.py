"""What was looked at and done, provably complete."""

from core.ledger.service import record

__all__ = ["record"]
