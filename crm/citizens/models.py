"""Tables of citizens (诉求人): found again by their number, never readable without the keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id
from core.personal import Personal, index_for


class Citizen(Base):
    """A person or enterprise that calls from one number.

    One row per number: several people may share a telephone, so the name is the one last given and only a
    proposal for the next order.
    """

    __tablename__ = "citizens"

    id: Mapped[Id]
    phone: Mapped[str] = mapped_column(Personal)
    name: Mapped[str | None] = mapped_column(Personal)
    address: Mapped[str | None] = mapped_column(Personal)
    kind: Mapped[str] = mapped_column(default="person")
    """`person` 个人 or `enterprise` 企业 (第九条: 企业和群众)."""
    no_callback: Mapped[bool] = mapped_column(default=False)
    """The citizen asked not to be called back."""
    note: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


index_for("uq_citizens_phone", Citizen.phone).unique = True


class Restriction(Base):
    """限制处理 of one number, for one request of its citizen; of a number it may be several."""

    __tablename__ = "citizen_restrictions"

    id: Mapped[Id]
    phone: Mapped[str] = mapped_column(Personal)
    request_id: Mapped[UUID] = mapped_column(unique=True)
    """The `DataRequest` that says why."""
    placed_at: Mapped[datetime] = mapped_column(default=now)
    placed_by_name: Mapped[str] = mapped_column(String(40))
    lifted_at: Mapped[datetime | None]
    lifted_by_name: Mapped[str] = mapped_column(String(40), default="")


index_for("ix_citizen_restrictions_phone", Restriction.phone)
