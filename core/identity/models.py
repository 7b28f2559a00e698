"""Tables of units 单位, users and their sessions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.db import Base, Id
from core.permissions import Role
from core.personal import Personal


class Unit(Base):
    """成员单位: a township, department, or public-service enterprise (第五条, 第八条)."""

    __tablename__ = "units"

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    competent_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    """主管部门 of an enterprise (第五条)."""
    parent_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"), index=True)
    """上级单位 of a 站所, a village or another body below a member unit, which hands orders on to it (第八条(六))."""
    office: Mapped[str] = mapped_column(String(80), default="", server_default="")
    """承办热线事项的工作部门 (第八条(一))."""
    leader_name: Mapped[str | None] = mapped_column(Personal)
    """分管领导 (第八条(一)): one."""
    leader_phone: Mapped[str | None] = mapped_column(Personal)
    duty_phone: Mapped[str | None] = mapped_column(Personal)
    lacks: Mapped[list[str]] = mapped_column(ARRAY(String(20)), default=list, server_default="{}")
    """What the profile lacks: each a `core.identity.profiles.Lack`; judged whenever profile or staff change."""
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    """Counts the changes; what a page shows, it sends back."""


class User(Base):
    """A person who signs in."""

    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_login_lower", text("lower(login)"), unique=True),
        CheckConstraint("cardinality(roles) > 0", name="has_role"),
    )

    id: Mapped[Id]
    login: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(40))
    roles: Mapped[list[str]] = mapped_column(ARRAY(String(20)))
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    phone: Mapped[str | None] = mapped_column(Personal)
    """Mobile for messages that concern this person's office (通知矩阵); E.164."""
    password_hash: Mapped[str]
    must_change_password: Mapped[bool] = mapped_column(default=False)
    totp_secret: Mapped[str | None] = mapped_column(Personal)
    totp_enrolled: Mapped[bool] = mapped_column(default=False)
    totp_last_step: Mapped[int | None]
    """The last accepted time step: a code serves once (RFC 6238 5.2)."""
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    active: Mapped[bool] = mapped_column(default=True)
    stand_in_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    """B角: who acts for this person of a unit until `away_until`."""
    away_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    """Counts the changes; what a page shows, it sends back."""

    @property
    def role_set(self) -> frozenset[Role]:
        """The roles as roles."""
        return frozenset(Role(role) for role in self.roles)


class WebSession(Base):
    """One sign-in in one browser; the cookie's token is stored as its SHA-256 only."""

    __tablename__ = "web_sessions"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    csrf: Mapped[str] = mapped_column(String(64))
    second_factor: Mapped[bool]
    """False while a privileged user has yet to enrol or give the second factor."""
    address: Mapped[str] = mapped_column(String(45))
    agent: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    seen_at: Mapped[datetime] = mapped_column(default=clock.now)
    revoked_at: Mapped[datetime | None]
