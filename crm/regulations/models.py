"""Further versions of the documents behind the rules; the county's folder brings the first."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.event import listens_for
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from core import clock
from core.db import Base, Id


class RegulationVersion(Base):
    """One version of one document, as somebody of the bureau put it there. Never changed: a correction is a version."""

    __tablename__ = "regulation_versions"
    __table_args__ = (UniqueConstraint("code", "n"),)

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(String(40))
    n: Mapped[int]
    """2, 3 …; 1 is the county's file."""
    title: Mapped[str] = mapped_column(String(120))
    number: Mapped[str] = mapped_column(String(60))
    issuer: Mapped[str] = mapped_column(String(60))
    level: Mapped[str] = mapped_column(String(4))
    issued: Mapped[date | None]
    effective_from: Mapped[date | None]
    text: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(String(500))
    added_at: Mapped[datetime] = mapped_column(default=clock.now)
    added_by: Mapped[UUID | None]
    added_name: Mapped[str] = mapped_column(String(40))


def _kept(mapper: Mapper[Any], connection: Any, target: RegulationVersion) -> None:
    raise RuntimeError("a version of a document is never changed or deleted; add another one")


for _moment in ("before_update", "before_delete"):
    listens_for(RegulationVersion, _moment)(_kept)
