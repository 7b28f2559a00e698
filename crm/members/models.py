"""What a unit was called and who led it until a change, and the details that it decided for itself."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id
from core.personal import Personal


class FormerProfile(Base):
    """A unit's profile as it stood until `until`; one row for each change, never changed itself."""

    __tablename__ = "unit_former_profiles"

    id: Mapped[Id]
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    until: Mapped[datetime] = mapped_column(default=now)
    name: Mapped[str] = mapped_column(String(80))
    office: Mapped[str] = mapped_column(String(80), default="")
    leader_name: Mapped[str | None] = mapped_column(Personal)
    leader_phone: Mapped[str | None] = mapped_column(Personal)
    changed_by: Mapped[UUID | None]

    __table_args__ = (Index("ix_unit_former_profiles_unit", "unit_id", "until"),)


class UnitDetails(Base):
    """One version of a unit's own details 实施细则 (第三十条); the newest holds for what is signed from then on."""

    __tablename__ = "unit_details"

    id: Mapped[Id]
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    n: Mapped[int]
    content: Mapped[dict[str, Any]]
    """As `crm.members.details.Details` writes itself."""
    made_at: Mapped[datetime] = mapped_column(default=now)
    made_by: Mapped[UUID | None]
    made_name: Mapped[str] = mapped_column(String(40))

    __table_args__ = (UniqueConstraint("unit_id", "n"),)
