"""Table of what a channel knows of an order that it opened."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base


class ChannelOrder(Base):
    """An order's other end: the number that it has at the channel, and what only such orders carry."""

    __tablename__ = "channel_orders"

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    account_id: Mapped[UUID]
    """The service account that opened it."""
    reference: Mapped[str] = mapped_column(String(64))
    """渠道编号: the order's number at the channel; one account never opens two orders under one."""
    received_at: Mapped[datetime | None]
    """When the citizen handed it in there; a letter's date of receipt."""
    incident_number: Mapped[str | None] = mapped_column(String(40))
    """警情编号 of a matter that 110 handed over."""
    incident_at: Mapped[datetime | None]
    """报警时间."""
    attachments: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    """Name, media type, size and SHA-256 of each file that the channel keeps."""
    created_at: Mapped[datetime] = mapped_column(default=now)

    __table_args__ = (UniqueConstraint("account_id", "reference"),)
