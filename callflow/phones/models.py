"""Table of how a call sounded in an agent's page."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base


class CallSound(Base):
    """One stretch of talk as the browser measured it (W3C webrtc-stats): what arrived at the agent's ear.

    A page that was lost and came back makes another stretch of the same call.
    """

    __tablename__ = "line_call_sounds"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """The page's own name for the stretch, so that saying it again changes it."""
    node: Mapped[str] = mapped_column(String(64))
    linkedid: Mapped[str] = mapped_column(String(128))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    began_at: Mapped[datetime] = mapped_column(default=now)
    seconds: Mapped[int]
    received: Mapped[int]
    """Packets, 20 ms each."""
    lost: Mapped[int]
    jitter_ms: Mapped[int]
    """Mean over the stretch."""
    worst_jitter_ms: Mapped[int]
    rtt_ms: Mapped[int | None]
    """Round trip, mean; None before the first report (RTCP)."""
    worst_rtt_ms: Mapped[int | None]

    __table_args__ = (Index("ix_line_call_sounds_call", "node", "linkedid"),)

    @property
    def loss(self) -> float:
        """Share of the packets that did not arrive, 0 to 1."""
        sent = self.received + self.lost
        return self.lost / sent if sent else 0.0
