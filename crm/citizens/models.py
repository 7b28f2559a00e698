"""Table of citizens (诉求人): found again by their number, never readable without the keys."""

from datetime import datetime

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
