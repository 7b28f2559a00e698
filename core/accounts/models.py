"""Tables of service accounts and of their access tokens."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.accounts.channels import Channel
from core.db import Base, Id
from core.permissions import Permission


class ServiceAccount(Base):
    """A program that acts in its own name: a counter's system, the web form, a unit's own office system."""

    __tablename__ = "service_accounts"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(40), unique=True)
    channel: Mapped[str] = mapped_column(String(20))
    """One of `core.accounts.channels.Channel`; it never changes, since the account's orders carry it."""
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    """The unit whose system this is; only for the channel `unit`."""
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    """Counts the changes; what a page shows, it sends back."""

    __table_args__ = (CheckConstraint("(channel = 'unit') = (unit_id IS NOT NULL)", name="unit_where_due"),)

    @property
    def channel_label(self) -> str:
        """The channel as staff read it."""
        return Channel(self.channel).label


class AccessToken(Base):
    """访问令牌: shown once, kept as its SHA-256; a lost one is revoked and another is made."""

    __tablename__ = "access_tokens"

    id: Mapped[Id]
    account_id: Mapped[UUID] = mapped_column(ForeignKey("service_accounts.id"), index=True)
    prefix: Mapped[str] = mapped_column(String(12), unique=True)
    """The part by which people tell tokens apart, and by which a row is found; no secret."""
    digest: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(40)))
    networks: Mapped[list[str]] = mapped_column(ARRAY(String(45)))
    """CIDR networks from which it may be used; empty: from anywhere."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    created_by: Mapped[UUID | None]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    last_used_from: Mapped[str | None] = mapped_column(String(45))

    __table_args__ = (CheckConstraint("cardinality(scopes) > 0", name="has_scope"),)

    @property
    def permissions(self) -> frozenset[Permission]:
        """The scopes as permissions."""
        return frozenset(Permission(one) for one in self.scopes)

    def over(self, at: datetime) -> bool:
        """Whether it opens nothing any more."""
        return self.revoked_at is not None or at >= self.expires_at
