"""Files that people put to an order 附件; the bytes lie in the store of recordings."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base
from core.digest import sha256_hex
from recordings.archived import Archived, catalogued, instant


@catalogued
class Attachment(Archived, Base):
    """One file; never changed, sealed with its order, and kept as long as the order's class says after its end."""

    what, called, since_called = "attachment", "附件", "添加之日"

    __tablename__ = "ticket_attachments"
    __table_args__ = (
        Index("ix_ticket_attachments_to_check", "checked_at", "id"),
        Index("ix_ticket_attachments_found_wrong", "id", postgresql_where=text("finding <> ''")),
        Index(
            "ix_ticket_attachments_protected", "protected_until", "id", postgresql_where=text("destroyed_at IS NULL")
        ),
        Index(None, "store_key"),
        Index(None, "added_at"),
    )

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), index=True)
    unit_id: Mapped[UUID | None]
    """The unit that put it there; None: the centre."""
    name: Mapped[str]
    salt: Mapped[UUID] = mapped_column(default=uuid4, server_default=text("gen_random_uuid()"))
    """What its name is digested with for the seal; no proof and no package gives it away."""
    media_type: Mapped[str]
    added_at: Mapped[datetime] = mapped_column(default=now)
    added_by: Mapped[UUID | None]

    @classmethod
    def came(cls) -> ColumnElement[datetime]:
        """See `Archived.came`."""
        return cls.added_at.expression

    @property
    def since(self) -> datetime:
        """See `Archived.since`."""
        return self.added_at

    def facts(self) -> dict[str, object]:
        """See `Archived.facts`. The name may hold a person's, and a plain digest of it would be found by trying names;
        salted it tells nobody anything, and still holds the name as it was."""
        return {
            "added_at": instant(self.added_at),
            "added_by": str(self.added_by) if self.added_by else None,
            "id": str(self.id),
            "media_type": self.media_type,
            "name": sha256_hex(f"{self.salt} {self.name}"),
            "sha256": self.digest,
            "size": self.size,
            "sm3": self.sm3,
            "ticket": str(self.ticket_id),
            "unit": str(self.unit_id) if self.unit_id else None,
            "what": self.what,
        }

    def described(self) -> dict[str, object]:
        """See `Archived.described`: the name stays out of it, it may hold a person's."""
        return {"ticket": str(self.ticket_id), "media_type": self.media_type, "added_at": instant(self.added_at)}
