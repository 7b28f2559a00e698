"""Replies 答复 of units, what the quality check said to them, and a unit's inner steps."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id
from core.personal import Personal


class Reply(Base):
    """One answer: of the lead (办结), an assisting unit (协办意见) or a sub-unit (上报); kept also when sent back."""

    __tablename__ = "replies"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), index=True)
    round_id: Mapped[UUID] = mapped_column(ForeignKey("rounds.id"))
    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignments.id"), index=True)
    role: Mapped[str]
    """`lead`, `assist`, `sub`."""
    text: Mapped[str]
    close_kind: Mapped[str | None]
    """`handled` 办理完毕 or `no-basis` 无政策法规依据 (第十二条(六)); None of other than the lead."""
    citation: Mapped[str] = mapped_column(default="")
    """Law or policy and its article, for the second kind."""
    explained: Mapped[bool] = mapped_column(default=False)
    """解释回访 by the unit (第二十六条(二))."""
    explanation: Mapped[str] = mapped_column(default="", server_default="")
    """解释回访记录: what was explained, and what the citizen said to it."""
    solved: Mapped[bool | None]
    evidence: Mapped[str] = mapped_column(default="", server_default="")
    """What shows that it was done, where that is no attached file (第十二条(六))."""
    overdue_assists: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    """协办逾期未复: assisting units whose reply the lead did not have (F08-4)."""

    gathered: Mapped[list[Any]] = mapped_column(JSONB, default=list, server_default="[]")
    """Replies of assisting units and sub-units that the lead's answer gathers (F08-4)."""

    contact_method: Mapped[str | None]
    contact_at: Mapped[datetime | None]
    contact_person: Mapped[str | None] = mapped_column(Personal)
    contact_reference: Mapped[str] = mapped_column(default="")
    contact_call_id: Mapped[UUID | None]
    """The call in which the citizen was told, where it went over this hotline."""
    contact_exception: Mapped[str | None]
    contact_note: Mapped[str] = mapped_column(default="")
    publish_ok: Mapped[bool] = mapped_column(default=False)
    """Whether the unit holds the result fit for publication (第二十二条)."""
    attachments: Mapped[list[Any]] = mapped_column(JSONB, default=list)

    submitted_at: Mapped[datetime]
    submitted_by: Mapped[UUID | None]
    due_at: Mapped[datetime | None]
    """The due in force at the submission: what decides 按期办结 (D18)."""
    in_time: Mapped[bool | None]

    __table_args__ = (
        Index("ix_replies_contact_call_id", "contact_call_id", postgresql_where=sql("contact_call_id IS NOT NULL")),
    )
    """按期办结, once it passed; None of every other reply."""
    state: Mapped[str]
    """`submitted`, `passed`, `sent-back`, `reworked`, `noted` (an assisting reply needs no verdict)."""


class QualityCheck(Base):
    """答复审核 (D19): passed, or sent back in the same round with the clock running on."""

    __tablename__ = "quality_checks"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), index=True)
    round_id: Mapped[UUID] = mapped_column(ForeignKey("rounds.id"))
    reply_id: Mapped[UUID] = mapped_column(ForeignKey("replies.id"), unique=True)
    verdict: Mapped[str]
    """`pass` or `send-back`."""
    reasons: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    text: Mapped[str] = mapped_column(default="")
    due_at: Mapped[datetime | None]
    checked_at: Mapped[datetime]
    checked_by: Mapped[UUID | None]
    compensation_days: Mapped[int] = mapped_column(default=0)
    """Working days given back where the check itself was late (D19)."""


class InternalStep(Base):
    """内部流转 of a unit (第八条(三)): 经办, 科室, 分管领导; soft, never moving the due date."""

    __tablename__ = "internal_steps"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), index=True)
    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignments.id"))
    n: Mapped[int]
    name: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    needs_leader: Mapped[bool] = mapped_column(default=False)
    """呈批: only the unit's leader finishes it."""
    soft_due_at: Mapped[datetime | None]
    rest: Mapped[list[Any]] = mapped_column(JSONB, default=list, server_default="[]")
    """The steps of the unit's own flow that follow on this one, as they stood when the unit signed."""
    opened_at: Mapped[datetime]
    opened_by: Mapped[UUID | None]
    done_at: Mapped[datetime | None]
    done_by: Mapped[UUID | None]
    result: Mapped[str] = mapped_column(default="")

    __table_args__ = (
        UniqueConstraint("assignment_id", "n"),
        Index("uq_internal_steps_open", "assignment_id", unique=True, postgresql_where=sql("done_at IS NULL")),
        Index(
            "ix_internal_steps_soft_due",
            "soft_due_at",
            postgresql_where=sql("done_at IS NULL AND soft_due_at IS NOT NULL"),
        ),
    )
