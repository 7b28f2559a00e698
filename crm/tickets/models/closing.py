"""After the close: follow-up 回访, rating 评价, verification 责任核实, and candidates for supervision 督办."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class FollowUp(Base):
    """One attempt to call the citizen back (D21)."""

    __tablename__ = "follow_ups"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), index=True)
    round_id: Mapped[UUID | None] = mapped_column(ForeignKey("rounds.id"))
    n: Mapped[int]
    """Attempt within the round."""
    at: Mapped[datetime]
    by: Mapped[UUID | None]
    result: Mapped[str]
    """`rated` 接通评价, `unreached` 未接通, `declined` 拒访, `wrong-number` 号码错误, `not-wanted` 诉求人要求不回访."""
    contacted: Mapped[bool | None]
    """Whether the unit was in touch, says the citizen."""
    words: Mapped[str] = mapped_column(default="")
    call_id: Mapped[UUID | None]

    __table_args__ = (
        UniqueConstraint("ticket_id", "round_id", "n"),
        Index("ix_follow_ups_call_id", "call_id", postgresql_where=text("call_id IS NOT NULL")),
    )


class Rating(Base):
    """评价 of one round; a later one of the same round supersedes it, both are kept (第十二条(八))."""

    __tablename__ = "ratings"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), index=True)
    round_id: Mapped[UUID | None] = mapped_column(ForeignKey("rounds.id"))
    unit_id: Mapped[UUID | None]
    follow_up_id: Mapped[UUID | None] = mapped_column(ForeignKey("follow_ups.id"))
    at: Mapped[datetime]
    grade: Mapped[str]
    """One of `crm.tickets.acts.closing.Grade`."""
    solved: Mapped[bool | None]
    reason: Mapped[str | None]
    """Why unsatisfied: one of `crm.tickets.acts.closing.Why`."""
    source: Mapped[str]
    """`phone` or `sms`; the phone prevails."""
    excluded: Mapped[str | None]
    """`item-1` or `item-2` of 第二十六条, once confirmed: kept and shown, counted nowhere (D25)."""
    superseded_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_ratings_unit_at", "unit_id", "at"),
        Index(
            "uq_ratings_present", "ticket_id", "round_id", unique=True, postgresql_where=text("superseded_at IS NULL")
        ),
    )


class Verification(Base):
    """责任核实 of an unsatisfied rating: a named person says whose responsibility it is (第十二条(七))."""

    __tablename__ = "verifications"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), index=True)
    round_id: Mapped[UUID | None] = mapped_column(ForeignKey("rounds.id"))
    rating_id: Mapped[UUID] = mapped_column(ForeignKey("ratings.id"))
    verdict: Mapped[str]
    """`unit` 属承办责任, `not-unit` 非承办责任, `article-26` 第二十六条."""
    basis: Mapped[str]
    at: Mapped[datetime]
    by: Mapped[UUID | None]


class SupervisionCandidate(Base):
    """督办候选 (D23, D24): opened by an event, never a finding; a named person confirms or dismisses it."""

    __tablename__ = "supervision_candidates"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), index=True)
    round_id: Mapped[UUID | None] = mapped_column(ForeignKey("rounds.id"))
    unit_id: Mapped[UUID]
    level: Mapped[int]
    ground: Mapped[str]
    """`overdue` or `unsatisfied`."""
    opened_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="open")
    """`open`, `confirmed` 立案, `dismissed`, `rectified` 销号, `void` (a later due made its mark untrue)."""
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(default="")

    __table_args__ = (
        UniqueConstraint("ticket_id", "round_id", "level", "ground"),
        Index("ix_supervision_candidates_open", "level", "opened_at", postgresql_where=text("state = 'open'")),
    )
