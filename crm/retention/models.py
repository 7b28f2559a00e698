"""Tables of retention: legal holds 冻结, and disposal lists 销毁清单 with what stands on them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id
from core.personal import Personal

STATES = "state IN ('proposed', 'reviewed', 'approved', 'confirmed', 'executing', 'done', 'void')"
APPROVED = "state IN ('proposed', 'reviewed', 'void') OR (approved_by IS NOT NULL AND approved_by <> reviewed_by)"
CONFIRMED = (
    "state NOT IN ('confirmed', 'executing', 'done') OR (confirmed_by IS NOT NULL"
    " AND confirmed_by <> approved_by AND confirmed_by <> reviewed_by)"
)


class LegalHold(Base):
    """冻结: nothing in its scope is destroyed until a named person lifts it. What is given of the scope holds together:
    a unit and a period mean the unit's recordings and files of that period."""

    __tablename__ = "legal_holds"
    __table_args__ = (
        CheckConstraint("num_nonnulls(ticket_id, phone, unit_id, first) > 0", name="scope"),
        CheckConstraint("(first IS NULL) = (last IS NULL) AND first <= last", name="period"),
        CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="lifted"),
        Index("ix_legal_holds_present", "placed_at", postgresql_where=text("lifted_at IS NULL")),
    )

    id: Mapped[Id]
    reason: Mapped[str] = mapped_column(String(20))
    """A `rules.Reason`."""
    document: Mapped[str] = mapped_column(String(200))
    """The letter, case or instruction that asks for it, with its number."""
    owner: Mapped[str] = mapped_column(String(80))
    """Who answers for it and says when it may be lifted: a body and a person."""
    restriction_id: Mapped[UUID | None] = mapped_column(unique=True)
    """限制处理 of a citizen's data that placed it; such a hold ends with the restriction and by nothing else."""
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"))
    phone: Mapped[str | None] = mapped_column(Personal)
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    first: Mapped[date | None]
    last: Mapped[date | None]
    """Days in Shanghai on which it was recorded or added, both included."""
    placed_at: Mapped[datetime] = mapped_column(default=now)
    placed_by: Mapped[UUID]
    placed_name: Mapped[str] = mapped_column(String(40))
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None]
    lifted_name: Mapped[str] = mapped_column(String(40), default="", server_default="")
    lifted_why: Mapped[str] = mapped_column(String(200), default="", server_default="")


class DisposalList(Base):
    """销毁清单: proposed by the system, reviewed by one person, approved by a second, confirmed by a third."""

    __tablename__ = "disposal_lists"
    __table_args__ = (
        UniqueConstraint("number"),
        Index("ix_disposal_lists_proposed_at", "proposed_at", "id"),
        CheckConstraint(STATES, name="state"),
        CheckConstraint("state IN ('proposed', 'void') OR reviewed_by IS NOT NULL", name="reviewed"),
        CheckConstraint(APPROVED, name="approved"),
        CheckConstraint(CONFIRMED, name="confirmed"),
    )

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(20))
    """`XH20291124-001`."""
    state: Mapped[str] = mapped_column(String(12))
    """A `rules.Standing`."""
    version: Mapped[int] = mapped_column(default=1)
    """Counts the acts; what a page shows, it sends back."""
    proposed_at: Mapped[datetime] = mapped_column(default=now)
    reviewed_by: Mapped[UUID | None]
    reviewed_name: Mapped[str] = mapped_column(String(40), default="", server_default="")
    reviewed_at: Mapped[datetime | None]
    approved_by: Mapped[UUID | None]
    approved_name: Mapped[str] = mapped_column(String(40), default="", server_default="")
    approved_at: Mapped[datetime | None]
    confirmed_by: Mapped[UUID | None]
    confirmed_name: Mapped[str] = mapped_column(String(40), default="", server_default="")
    confirmed_at: Mapped[datetime | None]
    ordered_by: Mapped[UUID | None]
    ordered_name: Mapped[str] = mapped_column(String(40), default="", server_default="")
    ordered_at: Mapped[datetime | None]
    returned_why: Mapped[str] = mapped_column(String(200), default="", server_default="")
    """Why an approver sent it back to review, and who; empty once it was reviewed again."""
    returned_name: Mapped[str] = mapped_column(String(40), default="", server_default="")
    ended_at: Mapped[datetime | None]


class DisposalItem(Base):
    """One object of a list, a recording or an attachment; an object stands on one list at a time."""

    __tablename__ = "disposal_items"
    __table_args__ = (
        CheckConstraint("state IN ('listed', 'taken-off', 'stopped', 'destroyed')", name="state"),
        Index("uq_disposal_items_listed", "object_id", unique=True, postgresql_where=text("state = 'listed'")),
        Index("ix_disposal_items_at", "list_id", "at", "object_id"),
    )

    list_id: Mapped[UUID] = mapped_column(ForeignKey("disposal_lists.id"), primary_key=True)
    object_id: Mapped[UUID] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(String(12))
    """Of which kind (`recordings.archived`)."""
    at: Mapped[datetime]
    """When it was recorded or added: lists are read in this order."""
    state: Mapped[str] = mapped_column(String(12), default="listed")
    """`taken-off` by a person; `stopped` by a hold or a longer protection that came meanwhile."""
    why: Mapped[str] = mapped_column(String(300), default="", server_default="")
    by_name: Mapped[str] = mapped_column(String(40), default="", server_default="")
    request_id: Mapped[UUID | None] = mapped_column(ForeignKey("data_requests.id"), index=True)
    """The citizen's granted request that asks for its end, if any does."""
