"""Rounds of an order, the units' parts in them, and everything that moved a due date."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import Base, Id


class Round(Base):
    """One dispatch of the ticket with its own 派发之日 and clock: the first (首办), to another unit after a return
    (改派, D10), or a rework (重办, D20).

    Keeps the version of policy and calendar that were in force at its dispatch (D35).
    """

    __tablename__ = "rounds"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"))
    n: Mapped[int]
    kind: Mapped[str]
    """`first` 首办, `redispatch` 改派, or `rework` 重办."""
    dispatched_at: Mapped[datetime]
    limit_days: Mapped[int | None]
    """Working days (工作日); None where the regulation sets no limit or another law sets it in other units."""
    limit_kind: Mapped[str] = mapped_column(default="category", server_default="category")
    """`category` (第十三条 by its kind), `repeated` (来电3次及以上且疑难、复杂), `statutory`, `ordered` (D20)."""
    statutory_limit_id: Mapped[UUID | None] = mapped_column(ForeignKey("statutory_limits.id"))
    due_at: Mapped[datetime | None]
    """Exclusive end: midnight after the last working day (D3)."""
    provisional: Mapped[bool] = mapped_column(default=False)
    """暂定: the calendar beyond the published year is a forecast (D4)."""
    days: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    """The days that were counted and skipped, each with its reason."""
    policy_version: Mapped[str]
    calendar_version: Mapped[str]
    closed_at: Mapped[datetime | None]
    cites: Mapped[str | None] = mapped_column(String(10))
    """On what the choice of its units rests: one of `crm.tickets.citing.Cites` (第十九条); the words are each part's
    `basis`. None for a rework, which goes to whoever had it."""
    power: Mapped[str | None] = mapped_column(String(40))
    """The line of the power list 权责清单 that was cited."""
    suggested: Mapped[list[Any]] = mapped_column(JSONB, default=list, server_default=text("'[]'::jsonb"))
    """Who was suggested, best first, as `crm.tickets.suggesting.Suggestion.kept`: measured by what came of it."""

    __table_args__ = (UniqueConstraint("ticket_id", "n"), Index("ix_rounds_due", "due_at"))


class Assignment(Base):
    """One unit's part in a round, with its own clocks (D6, D29)."""

    __tablename__ = "assignments"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"))
    round_id: Mapped[UUID | None] = mapped_column(ForeignKey("rounds.id"))
    """None of `reader`: 知会 is no dispatch and has no clock."""
    round: Mapped[Round | None] = relationship(lazy="raise")
    """Set with `round_id` where both are new: the round is written first."""
    unit_id: Mapped[UUID]
    role: Mapped[str]
    """`lead` 主办, `assist` 协办, `copy` 抄送 the competent department of an enterprise (第五条), `sub` 二级承办
    for the unit of `parent_id` (第八条(六)), `reader` 知会 of what is none of the six kinds (D12)."""
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("assignments.id"))
    """Of `sub`: the part that it answers to; of `copy`: the enterprise's part that it watches."""
    stage: Mapped[str] = mapped_column(default="to-sign", server_default="to-sign")
    """One of `crm.tickets.states.Stage`."""
    basis: Mapped[str] = mapped_column(default="")
    """Why this unit: the catalogue's line, or the centre's decision (第十九条)."""
    dispatched_at: Mapped[datetime]
    dispatched_by: Mapped[UUID | None]
    sign_due_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    signed_at: Mapped[datetime | None]
    signed_by: Mapped[UUID | None]
    submitted_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    """How it ended: one of `crm.tickets.parts.Outcome`."""
    sent_back: Mapped[int] = mapped_column(default=0, server_default="0")
    """发回重办 by the quality check, in this round (D19)."""
    read_at: Mapped[datetime | None]
    """阅知 of a copied department, or of a unit to which the order went for information."""
    sign_overdue_at: Mapped[datetime | None]
    overdue_at: Mapped[datetime | None]
    inner_due_at: Mapped[datetime | None]
    """内部时限 by the unit's own details, never after `due_at` (第三十条); nothing but the unit's own list reads it."""
    inform_due_at: Mapped[datetime | None]
    """Until when the unit means to have told the citizen that it handles the order (第八条(三) 告知)."""
    informed_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_assignments_open_lead",
            "round_id",
            unique=True,
            postgresql_where=text("role = 'lead' AND closed_at IS NULL"),
        ),
        Index("ix_assignments_unit_open", "unit_id", "due_at", postgresql_where=text("closed_at IS NULL")),
        Index(
            "ix_assignments_to_sign",
            "sign_due_at",
            "id",
            postgresql_where=text("signed_at IS NULL AND closed_at IS NULL AND sign_due_at IS NOT NULL"),
        ),
        Index("ix_assignments_due", "due_at", "id", postgresql_where=text("closed_at IS NULL AND due_at IS NOT NULL")),
        Index("ix_assignments_lead_dispatched", "dispatched_at", "unit_id", postgresql_where=text("role = 'lead'")),
        Index(
            "ix_assignments_inner_due",
            "inner_due_at",
            "id",
            postgresql_where=text("closed_at IS NULL AND inner_due_at IS NOT NULL"),
        ),
        Index(
            "ix_assignments_inform_due",
            "inform_due_at",
            "id",
            postgresql_where=text("informed_at IS NULL AND closed_at IS NULL AND inform_due_at IS NOT NULL"),
        ),
        Index("ix_assignments_parent", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        Index("ix_assignments_copies", "unit_id", "id", postgresql_where=text("role = 'copy'")),
        Index("ix_assignments_ticket", "ticket_id"),
        Index("ix_assignments_round", "round_id"),
    )


class DueChange(Base):
    """One movement of a round's due date; there is no other way to move it (invariant 2)."""

    __tablename__ = "due_changes"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), index=True)
    round_id: Mapped[UUID] = mapped_column(ForeignKey("rounds.id"))
    assignment_id: Mapped[UUID | None] = mapped_column(ForeignKey("assignments.id"))
    """An assisting unit's own due; None: the round's, which is the lead's."""
    seq: Mapped[int]
    """The event that moved it."""
    at: Mapped[datetime] = mapped_column(default=now)
    cause: Mapped[str]
    """`calendar`, `retype`, `upgrade`, `extension`, `statutory`, `compensation`, `suspension`, `upstream`."""
    before: Mapped[datetime | None]
    after: Mapped[datetime]
    days: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    basis: Mapped[str]


class Extension(Base):
    """延期 (第十五条): asked before the due instant, in principle once, at most the original limit."""

    __tablename__ = "extensions"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), index=True)
    round_id: Mapped[UUID] = mapped_column(ForeignKey("rounds.id"))
    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignments.id"))
    applied_at: Mapped[datetime]
    applied_by: Mapped[UUID | None]
    ground: Mapped[str]
    """`complex` 情况复杂, `difficult` 办理难度大, `policy` 其他政策性原因."""
    explanation: Mapped[str]
    days: Mapped[int]
    """Working days asked for."""
    due_before: Mapped[datetime]
    due_asked: Mapped[datetime]
    decide_due_at: Mapped[datetime | None]
    state: Mapped[str]
    """`open`, `forwarded` (the city decides), `granted`, `refused`, `void`."""
    exceptional: Mapped[bool] = mapped_column(default=False)
    """A further one, by the bureau's leader with a document number (D16)."""
    document: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(default="")
    city_consents: Mapped[bool | None]
    """Of an upstream order's application that was sent up: the city's answer; None until it is registered (D33)."""
    city_answer: Mapped[str] = mapped_column(default="", server_default="")

    __table_args__ = (
        Index("uq_extensions_open", "ticket_id", unique=True, postgresql_where=text("state IN ('open', 'forwarded')")),
    )


class Retype(Base):
    """改类 while the order is handled (D13); one that lengthens the limit waits for a second person."""

    __tablename__ = "retypes"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), index=True)
    round_id: Mapped[UUID] = mapped_column(ForeignKey("rounds.id"))
    category_before: Mapped[str]
    category_after: Mapped[str]
    reason: Mapped[str]
    state: Mapped[str]
    """`proposed`, `done`, `rejected`, `void`."""
    proposed_at: Mapped[datetime]
    proposed_by: Mapped[UUID | None]
    second_at: Mapped[datetime | None]
    second_by: Mapped[UUID | None]
    second_reason: Mapped[str] = mapped_column(default="")

    __table_args__ = (
        Index("uq_retypes_proposed", "ticket_id", unique=True, postgresql_where=text("state = 'proposed'")),
    )


class StatutoryLimit(Base):
    """A limit that another law sets for a matter (第十三条 last sentence, D15)."""

    __tablename__ = "statutory_limits"

    id: Mapped[Id]
    matter: Mapped[str] = mapped_column(index=True)
    n: Mapped[int]
    unit: Mapped[str]
    """One of `core.calendar.LimitUnit`."""
    citation: Mapped[str]
    effective_from: Mapped[date]
    effective_to: Mapped[date | None]
    proposed_at: Mapped[datetime] = mapped_column(default=now, server_default=text("now()"))
    proposed_by: Mapped[UUID | None]
    approved_by: Mapped[UUID | None]
    approved_at: Mapped[datetime | None]
    """In force only once a second person approved it."""
    rejected_by: Mapped[UUID | None]
    rejected_at: Mapped[datetime | None]
    rejected_reason: Mapped[str] = mapped_column(default="", server_default="")
