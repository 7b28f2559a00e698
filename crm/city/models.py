"""Tables of the exchange with the city: files that came in with their rows, orders that came down, what went back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id
from core.personal import Personal


class CityImport(Base):
    """One file of the city's: uploaded, looked at, and imported by somebody or left."""

    __tablename__ = "city_imports"

    id: Mapped[Id]
    file_name: Mapped[str] = mapped_column(String(120))
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the file."""
    titles: Mapped[list[Any]] = mapped_column(JSONB)
    """Its header, so that bad rows go back as they came."""
    uploaded_at: Mapped[datetime] = mapped_column(default=now, index=True)
    uploaded_by: Mapped[UUID | None]
    uploaded_name: Mapped[str] = mapped_column(String(40))
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """Verdict -> rows, as last judged."""
    imported_at: Mapped[datetime | None]
    imported_by: Mapped[UUID | None]
    imported_name: Mapped[str] = mapped_column(String(40), default="", server_default="")


class CityRow(Base):
    """One row of a file, and what was found about it."""

    __tablename__ = "city_rows"

    id: Mapped[Id]
    import_id: Mapped[UUID] = mapped_column(ForeignKey("city_imports.id", ondelete="CASCADE"))
    n: Mapped[int]
    """As Excel counts it."""
    cells: Mapped[str | None] = mapped_column(Personal)
    """The row's cells as JSON; gone once its order is made."""
    number: Mapped[str] = mapped_column(String(64))
    verdict: Mapped[str] = mapped_column(String(10))
    """One of `crm.city.judging.Verdict`."""
    reason: Mapped[str] = mapped_column(default="")
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"))

    __table_args__ = (UniqueConstraint("import_id", "n"), Index("ix_city_rows_ticket", "ticket_id"))


class CityOrder(Base):
    """What the city says of an order that came down, as of its newest file."""

    __tablename__ = "city_orders"

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    import_id: Mapped[UUID | None] = mapped_column(ForeignKey("city_imports.id"))
    """The file that it came with."""
    upstream_type: Mapped[str] = mapped_column(String(40), default="")
    handed_at: Mapped[datetime | None]
    state_word: Mapped[str] = mapped_column(String(40), default="")
    fingerprint: Mapped[str] = mapped_column(String(64))
    """SHA-256 over what the city wrote of it, so that a change shows."""
    written_seq: Mapped[int] = mapped_column(default=0)
    """Up to this event of its history, everything that the city must know was written back."""


class CityExport(Base):
    """One sheet that was written back."""

    __tablename__ = "city_exports"

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(40), unique=True)
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    by: Mapped[UUID | None]
    by_name: Mapped[str] = mapped_column(String(40))
    count: Mapped[int]


class CityReport(Base):
    """回写: one act that the city is told of, and whether its own table shows it."""

    __tablename__ = "city_reports"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"))
    seq: Mapped[int]
    """The act's place in the order's history: nothing is written back twice."""
    export_id: Mapped[UUID] = mapped_column(ForeignKey("city_exports.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    """One of `crm.county.city.Kind`."""
    at: Mapped[datetime]
    values: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """Field -> what stands in the sheet."""
    subject_id: Mapped[UUID | None]
    """The reply, the application to return or the extension."""
    due_before: Mapped[datetime | None]
    """The city's due when this was written back: an extension that it grants moves it."""
    state: Mapped[str] = mapped_column(String(10))
    """One of `crm.city.writing.Written`."""
    checked_at: Mapped[datetime | None]
    difference: Mapped[str] = mapped_column(default="", server_default="")

    __table_args__ = (UniqueConstraint("ticket_id", "seq"), Index("ix_city_reports_state", "state", "at", "id"))
