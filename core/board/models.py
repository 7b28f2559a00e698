"""Table of the health board."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.db import Base


class PartHealth(Base):
    """The last word of one part of one process."""

    __tablename__ = "part_health"

    process: Mapped[str] = mapped_column(String(60), primary_key=True)
    part: Mapped[str] = mapped_column(String(60), primary_key=True)
    ok: Mapped[bool]
    detail: Mapped[str]
    mend: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=clock.now)
