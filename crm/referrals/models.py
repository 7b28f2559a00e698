"""Table of the referral directory 转接去向."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id


class Referral(Base):
    """Somebody whom citizens are sent or put through to: another hotline, a court's window, a utility.

    Rows are retired, never deleted: orders name them.
    """

    __tablename__ = "referrals"
    __table_args__ = (
        Index("uq_referrals_name", "name", unique=True, postgresql_where=text("retired_at IS NULL")),
        Index("ix_referrals_checked_on", "checked_on", postgresql_where=text("retired_at IS NULL")),
    )

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(40))
    number: Mapped[str] = mapped_column(String(20), default="")
    """As it is dialled; empty where one must go there."""
    matters: Mapped[str] = mapped_column(String(400))
    """What it is there for, in a citizen's words."""
    hours: Mapped[str] = mapped_column(String(80), default="")
    address: Mapped[str] = mapped_column(String(120), default="")
    owner: Mapped[str] = mapped_column(String(40))
    """维护责任: the unit or post that keeps this entry right."""
    checked_on: Mapped[date | None]
    """核对日期: the day on which somebody last made sure; None since it was never checked."""
    checked_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    checked_by_name: Mapped[str] = mapped_column(String(40), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    retired_at: Mapped[datetime | None]
    retired_by_name: Mapped[str] = mapped_column(String(40), default="")
    retired_reason: Mapped[str] = mapped_column(String(200), default="")
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    """Counts the changes; what a page shows, it sends back."""

    @property
    def said(self) -> str:
        """As it is told: `12315市场监管` where the number leads the name already, else name and number."""
        return self.name if not self.number or self.number in self.name else f"{self.name} {self.number}"
