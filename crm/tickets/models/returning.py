"""Returns 退回, disputes 争议协调 and refusals 不予受理: where an order does not simply go on."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class ReturnRequest(Base):
    """申请退回 (第十二条(三), D8): one open request for each part."""

    __tablename__ = "return_requests"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), index=True)
    round_id: Mapped[UUID] = mapped_column(ForeignKey("rounds.id"))
    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignments.id"))
    unit_id: Mapped[UUID]
    requested_at: Mapped[datetime]
    requested_by: Mapped[UUID | None]
    window_ends_at: Mapped[datetime]
    late: Mapped[bool] = mapped_column(default=False)
    """超时退单: after the window, with the bureau's approval."""
    ground: Mapped[str]
    """`item-1` … `item-7` of 第十条, `not-ours` 不属于本部门职责, `competence-changed` in a rework (D20)."""
    basis: Mapped[str]
    """依据."""
    suggested_unit_id: Mapped[UUID | None]
    """改派意见."""
    attachments: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    document: Mapped[str] = mapped_column(default="")
    review_due_at: Mapped[datetime | None]
    state: Mapped[str]
    """`open`, `forwarded` (the city decides), `accepted`, `refused`, `disputed`, `void`."""
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(default="")
    compensation_days: Mapped[int] = mapped_column(default=0)
    city_consents: Mapped[bool | None]
    """Of an upstream order's application that was sent up: the city's answer; None until it is registered (D33)."""
    city_answer: Mapped[str] = mapped_column(default="", server_default="")

    __table_args__ = (
        Index(
            "uq_return_requests_open",
            "assignment_id",
            unique=True,
            postgresql_where=text("state IN ('open', 'forwarded', 'disputed')"),
        ),
    )


class Dispute(Base):
    """争议协调: 政数局 convenes the units' leaders in person, the centre decides (第十二条(三), D11)."""

    __tablename__ = "disputes"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), index=True)
    round_id: Mapped[UUID] = mapped_column(ForeignKey("rounds.id"))
    return_request_id: Mapped[UUID | None] = mapped_column(ForeignKey("return_requests.id"))
    opened_at: Mapped[datetime]
    opened_by: Mapped[UUID | None]
    trigger: Mapped[str]
    """`second-return`, `ping-pong` (the suggested unit returned it itself), `person`."""
    convene_due_at: Mapped[datetime]
    held_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    """`refuse` 不予受理, `same` 原单位承办, `dispatch` 再次派发."""
    place: Mapped[str] = mapped_column(default="", server_default="")
    chair: Mapped[str] = mapped_column(default="", server_default="")
    """主持人."""
    minutes: Mapped[str] = mapped_column(default="", server_default="")
    recorded_by: Mapped[UUID | None]
    """Who put the meeting on record."""
    attachments: Mapped[list[Any]] = mapped_column(JSONB, default=list, server_default="[]")
    """The scan of the minutes with their signatures."""
    decision: Mapped[str] = mapped_column(default="")
    """Of the centre; `closed_by` signs it."""
    document: Mapped[str] = mapped_column(default="")
    lead_unit_id: Mapped[UUID | None]
    assist_unit_ids: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None]

    __table_args__ = (Index("uq_disputes_open", "ticket_id", unique=True, postgresql_where=text("closed_at IS NULL")),)


class DisputeAttendee(Base):
    """Who sat at the meeting for which unit (分管领导)."""

    __tablename__ = "dispute_attendees"

    id: Mapped[Id]
    dispute_id: Mapped[UUID] = mapped_column(ForeignKey("disputes.id"), index=True)
    unit_id: Mapped[UUID]
    name: Mapped[str]
    position: Mapped[str] = mapped_column(default="")
    signed: Mapped[bool] = mapped_column(default=False, server_default="false")
    """签字 on the minutes."""
    unsigned_reason: Mapped[str] = mapped_column(default="", server_default="")


class Refusal(Base):
    """不予受理 (第十条, D37): item, basis, explanation, referral, told; a second person where policy asks for one."""

    __tablename__ = "refusals"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), index=True)
    item: Mapped[int]
    """1–7 of 第十条."""
    basis: Mapped[str]
    explanation: Mapped[str]
    """What was said to the citizen (第十一条)."""
    referral: Mapped[str]
    """Where the citizen was sent: body and its contact."""
    told: Mapped[bool]
    not_told_reason: Mapped[str] = mapped_column(default="")
    origin: Mapped[str]
    """`intake`, `return`, `dispute`."""
    state: Mapped[str]
    """`proposed`, `final`, `rejected`, `reopened`, `void` (the order ended in another way first)."""
    proposed_at: Mapped[datetime]
    proposed_by: Mapped[UUID | None]
    second_at: Mapped[datetime | None]
    second_by: Mapped[UUID | None]
    second_reason: Mapped[str] = mapped_column(default="")
    reopened_at: Mapped[datetime | None]
    reopened_by: Mapped[UUID | None]
    reopened_reason: Mapped[str] = mapped_column(default="")

    __table_args__ = (
        Index("uq_refusals_proposed", "ticket_id", unique=True, postgresql_where=text("state = 'proposed'")),
        Index("ix_refusals_item", "item", "proposed_at"),
        Index("ix_refusals_at", text("coalesce(second_at, proposed_at)"), "id"),
    )
