"""Tables of agents: what each means to be doing, and what Asterisk last said of their telephones."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base
from core.personal import Personal


class Agent(Base):
    """话务员 at the line: the telephone, and the intent. Asterisk follows; it never decides."""

    __tablename__ = "line_agents"
    __table_args__ = (
        CheckConstraint(r"extension ~ '^[1-8][0-9]{3}$'", name="extension_is_digits"),
        CheckConstraint("logged_in_at IS NOT NULL OR paused_at IS NULL", name="paused_only_logged_in"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    extension: Mapped[str] = mapped_column(String(6), unique=True)
    """Also the name of the endpoint: PJSIP/<extension>."""
    name: Mapped[str] = mapped_column(String(40))
    sip_secret: Mapped[str] = mapped_column(Personal)
    webrtc: Mapped[bool] = mapped_column(default=False)
    """Whether a browser registers (DTLS-SRTP over wss); False: a plain SIP telephone."""
    phone_session_id: Mapped[UUID | None]
    """Of a browser's telephone: the sign-in that was given `sip_secret`; None: nobody knows the present one."""
    logged_in_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    pause_reason: Mapped[str | None] = mapped_column(String(20))
    """A `PauseReason`."""
    wrap_up_until: Mapped[datetime | None]
    """When the wrap-up pause lifts by itself."""
    version: Mapped[int] = mapped_column(default=1)
    """Counts the changes of intent; what a page shows, it sends back."""
    changed_at: Mapped[datetime] = mapped_column(default=now)


class AgentQueue(Base):
    """Which queues an agent serves; a higher penalty is called later (skills)."""

    __tablename__ = "line_agent_queues"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("line_agents.user_id", ondelete="CASCADE"), primary_key=True)
    queue: Mapped[str] = mapped_column(ForeignKey("line_queues.name"), primary_key=True)
    penalty: Mapped[int] = mapped_column(default=0)


class Presence(Base):
    """Fact: how one node's Asterisk last described an agent's telephone in a queue."""

    __tablename__ = "line_presence"

    node: Mapped[str] = mapped_column(String(64), primary_key=True)
    queue: Mapped[str] = mapped_column(String(40), primary_key=True)
    extension: Mapped[str] = mapped_column(String(6), primary_key=True)
    device: Mapped[str] = mapped_column(String(16))
    """A `Device`: idle, ringing, talking, on-hold, unavailable, unknown."""
    paused: Mapped[bool]
    reason: Mapped[str | None] = mapped_column(String(40))
    in_call: Mapped[bool]
    calls_taken: Mapped[int]
    last_call_at: Mapped[datetime | None]
    seen_at: Mapped[datetime]


class AgentState(Base):
    """From `at` on an agent meant this, or the telephone did that; one row for each change (`timeline`)."""

    __tablename__ = "line_agent_states"
    __table_args__ = (Index("ix_line_agent_states_latest", "user_id", "side", "at", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    side: Mapped[str] = mapped_column(String(8))
    """A `timeline.Side`."""
    state: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]
