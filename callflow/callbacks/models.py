"""Tables of call-back tasks, and of the calls that were made for them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id
from core.personal import Personal, index_for


class CallbackTask(Base):
    """回拨任务: somebody has to call this citizen. One per call at most."""

    __tablename__ = "line_callbacks"

    id: Mapped[Id]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id"), unique=True)
    phone: Mapped[str | None] = mapped_column(Personal)
    """None where the number was withheld and only the message may tell it."""
    reason: Mapped[str] = mapped_column(String(16))
    """A `Reason`."""
    call_ended_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(default=now)
    attempts: Mapped[int] = mapped_column(default=0)
    """How often somebody called and did not reach the citizen."""
    not_before: Mapped[datetime | None]
    """When to try again; None: now."""
    claimed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    claimed_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    done_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    """None together with `done_at`: the citizen reached an agent by calling again."""
    result: Mapped[str | None] = mapped_column(String(200))
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        Index("ix_line_callbacks_waiting", "created_at", postgresql_where=text("done_at IS NULL")),
        index_for("ix_line_callbacks_phone", phone),
    )


class CallbackCall(Base):
    """A call out that somebody made for a task, by the name under which Asterisk knows it."""

    __tablename__ = "line_callback_calls"

    task_id: Mapped[UUID] = mapped_column(ForeignKey("line_callbacks.id"), primary_key=True)
    node: Mapped[str] = mapped_column(String(64), primary_key=True)
    linkedid: Mapped[str] = mapped_column(String(128), primary_key=True)

    __table_args__ = (Index("ix_line_callback_calls_call", "node", "linkedid"),)
