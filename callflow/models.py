"""Tables of calls: one row per call, and how far each node's journals were read."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from callflow.rules import Direction, Outcome
from core.clock import now
from core.db import Base, Id
from core.personal import Personal, index_for, last_four_index_for


class Call(Base):
    """One call, whoever made it, and whatever became of it; what the facts about it amount to."""

    __tablename__ = "calls"

    id: Mapped[Id]
    node: Mapped[str] = mapped_column(String(64))
    linkedid: Mapped[str] = mapped_column(String(128))
    direction: Mapped[str] = mapped_column(String(10), default=Direction.INBOUND)
    caller: Mapped[str | None] = mapped_column(Personal)
    """The citizen's number, E.164, whichever way the call goes; None where withheld."""
    dialled: Mapped[str | None] = mapped_column(String(32))
    """The number of the hotline that an inbound call reached, such as 12345 or a merged one."""
    original_hotline: Mapped[str | None] = mapped_column(String(80))
    """The hotline that this number was before the merger (第二条, 归并热线)."""
    queue: Mapped[str | None] = mapped_column(String(64))
    agent_id: Mapped[UUID | None]
    """The user who talked last."""
    agent_name: Mapped[str | None] = mapped_column(String(80))
    """That agent's name at the time, or who answered outside."""
    agent_extension: Mapped[str | None] = mapped_column(String(16))
    citizen_channel: Mapped[str | None] = mapped_column(String(256))
    agent_channel: Mapped[str | None] = mapped_column(String(256))
    arrived_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    queued_at: Mapped[datetime | None]
    connected_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    cause: Mapped[int | None]
    """ITU-T Q.850 cause of the citizen's leg."""
    ended_by: Mapped[str | None] = mapped_column(String(16))
    message_seconds: Mapped[int | None]
    rating: Mapped[int | None] = mapped_column(SmallInteger)
    """What the caller thought of the agent's service, by a key after the talk: 1 to 5, 5 the best. It judges the agent
    alone; 满意率 is of orders, and asked at the follow-up."""
    outcome: Mapped[str | None] = mapped_column(String(16))
    """None while the call lasts."""
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The fold's state: field -> [rank, instant, value]; the caller's value stands only in `caller`."""
    announced: Mapped[list[str]] = mapped_column(ARRAY(String(32)), default=list)
    """Names of the events that were published for this call: each once."""
    changed_at: Mapped[datetime] = mapped_column(default=now)

    __table_args__ = (
        UniqueConstraint("node", "linkedid"),
        Index("ix_calls_arrived_at_id", "arrived_at", "id"),
        Index("ix_calls_open", "node", postgresql_where=text("ended_at IS NULL")),
        Index("ix_calls_agent_id_arrived_at", "agent_id", "arrived_at"),
        index_for("ix_calls_caller", caller),
        last_four_index_for("ix_calls_caller_last_four", caller),
    )

    @property
    def changed_at_latest(self) -> datetime:
        """The latest moment that any source reported of this call."""
        return max(datetime.fromisoformat(at) for _, at, _ in self.evidence.values())

    @property
    def outcome_label(self) -> str:
        """The outcome as staff read it; 通话中, 等待中 or 保留排队 while the call lasts."""
        if self.outcome:
            return Outcome(self.outcome).label
        if self.connected_at:
            return "通话中"
        return "保留排队" if self.keeps_place else "等待中"

    @property
    def keeps_place(self) -> bool:
        """Whether the caller has hung up and keeps the place in the queue (保留排队)."""
        return "kept_at" in self.evidence


class Node(Base):
    """One Asterisk as it was last seen."""

    __tablename__ = "line_nodes"

    node: Mapped[str] = mapped_column(String(64), primary_key=True)
    booted_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    """Last sign of life; when nobody saw it die, its calls ended here."""


class JournalPosition(Base):
    """How far one of a node's journals (CEL, CDR, queue_log) was turned into facts."""

    __tablename__ = "line_journal_positions"

    node: Mapped[str] = mapped_column(String(64), primary_key=True)
    journal: Mapped[str] = mapped_column(String(32), primary_key=True)
    inode: Mapped[int] = mapped_column(BigInteger)
    offset: Mapped[int] = mapped_column(BigInteger)
