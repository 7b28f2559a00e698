"""Table of the ledger: rows commit unchained and are chained afterwards by one sealer."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from core import clock
from core.db import Base


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction number."""

    cache_ok = True

    def get_col_spec(self, **kw: Any) -> str:
        """The type's name in SQL."""
        return "xid8"


class LedgerEntry(Base):
    """One act or one look: who, when, what, why."""

    __tablename__ = "ledger"
    __table_args__ = (
        Index("ix_ledger_unsealed", "id", postgresql_where=text("seal IS NULL")),
        Index("ix_ledger_subject", "subject", "subject_id"),
        Index("ix_ledger_at", "at", "id"),
        Index("ix_ledger_actor", "actor_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(String(40))
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str | None] = mapped_column(Text)
    detail: Mapped[dict[str, Any]]
    xid: Mapped[int] = mapped_column(Xid8, server_default=text("pg_current_xact_id()"))
    seal: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    """Place in the chain, from 1 without gaps."""
    digest: Mapped[str | None] = mapped_column(String(64))
