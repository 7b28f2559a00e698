"""Tables of SMS: what was to be sent, what became of it, what came back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import Base, Id
from core.personal import Personal, index_for


class Sms(Base):
    """One message to one citizen; `state` is one of `crm.sms.rules.SmsState`."""

    __tablename__ = "sms"

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(unique=True)
    """What it is for, e.g. `receipt:<ticket id>`: asking twice makes one message (第十三条, D31)."""
    ticket_id: Mapped[UUID | None]
    to: Mapped[str | None] = mapped_column(Personal)
    text: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    """Why it is in this state, as a Chinese sentence for the person who reads the log."""
    gateway: Mapped[str | None]
    gateway_id: Mapped[str | None]
    """The gateway's message id, by which its report is found."""
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    submitting_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    person_asked_at: Mapped[datetime | None]
    """Since when a person has to decide what became of it."""
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)

    __table_args__ = (
        Index("ix_sms_gateway_id", "gateway_id"),
        Index("ix_sms_ticket", "ticket_id"),
        Index("ix_sms_created", "created_at", "id"),
        Index(
            "ix_sms_open",
            "state",
            "updated_at",
            postgresql_where=sql("state IN ('queued', 'submitting', 'unknown')"),
        ),
    )


index_for("ix_sms_to", Sms.to)


class SmsEvent(Base):
    """One thing that happened to a message, in order; never changed."""

    __tablename__ = "sms_events"

    id: Mapped[Id]
    sms_id: Mapped[UUID] = mapped_column(ForeignKey("sms.id"), index=True)
    sms: Mapped[Sms] = relationship(lazy="raise")
    """Set where both are new: the message is written first."""
    at: Mapped[datetime] = mapped_column(default=now)
    kind: Mapped[str]
    detail: Mapped[str] = mapped_column(default="")
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(default="系统")


class SmsReceipt(Base):
    """A delivery report as the gateway sent it; kept also when its message is not (yet) known."""

    __tablename__ = "sms_receipts"

    id: Mapped[Id]
    gateway: Mapped[str]
    gateway_id: Mapped[str]
    phone: Mapped[str | None] = mapped_column(Personal)
    status: Mapped[str]
    error: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(default=now)
    sms_id: Mapped[UUID | None]

    __table_args__ = (UniqueConstraint("gateway", "gateway_id", "status"),)


class SmsReply(Base):
    """What a citizen wrote back (上行短信); belongs to the last message to that number, if there is one."""

    __tablename__ = "sms_replies"

    id: Mapped[Id]
    gateway: Mapped[str]
    phone: Mapped[str] = mapped_column(Personal)
    text: Mapped[str] = mapped_column(Personal)
    at: Mapped[datetime] = mapped_column(default=now)
    sms_id: Mapped[UUID | None]
    ticket_id: Mapped[UUID | None] = mapped_column(index=True)
