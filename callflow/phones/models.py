"""Table of how a call sounded in an agent's page."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from callflow.phones.rules import Became, Way
from core.clock import now
from core.db import Base, Id


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


class CallLeg(Base):
    """Somebody whom an agent brought into a citizen's call: asked 咨询, or given the citizen 转接."""

    __tablename__ = "line_call_legs"

    id: Mapped[Id]
    node: Mapped[str] = mapped_column(String(64))
    linkedid: Mapped[str] = mapped_column(String(128))
    """The citizen's call."""
    leg: Mapped[str | None] = mapped_column(String(128), unique=True)
    """Of a consultation: its own call, with its own recording."""
    kind: Mapped[str] = mapped_column(String(8))
    """A `rules.Way`."""
    how: Mapped[str | None] = mapped_column(String(8))
    """A `passing.To.how`; None of what was passed on before this was kept."""
    shown: Mapped[str] = mapped_column(String(80))
    """Who, as everybody may see it: a name, or a number that is masked."""
    asked_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    asked_by_name: Mapped[str] = mapped_column(String(40))
    asked_at: Mapped[datetime] = mapped_column(default=now)
    joined_at: Mapped[datetime | None]
    """Since when the citizen, the agent and this one talked together."""
    result: Mapped[str | None] = mapped_column(String(12))
    """A `rules.Became`; None: nothing was done with it."""
    done_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_line_call_legs_call", "node", "linkedid"),)

    @property
    def said(self) -> str:
        """What it was and what became of it, as staff read it."""
        became = Became(self.result).label if self.result else ""
        return "，".join(filter(None, (Way(self.kind).label, became)))
