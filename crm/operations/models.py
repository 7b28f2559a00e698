"""Table of the operations dashboard."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id


class BackupReport(Base):
    """A backup that the bureau's own script reported as done."""

    __tablename__ = "backup_reports"

    id: Mapped[Id]
    at: Mapped[datetime] = mapped_column(index=True)
    """When it was done."""
    reported_at: Mapped[datetime] = mapped_column(default=now)
    note: Mapped[str] = mapped_column(default="", server_default="")
    """What the script says of it: where to, how much."""
