"""What all tables of archived objects have in common, whatever the objects are: where each lies, what it was when it
came, until when nobody may destroy it, and how it ended. Check, seals, replicas and disposal know no more."""

from datetime import UTC, date, datetime
from typing import ClassVar, TypeVar

from sqlalchemy import ColumnElement, String, literal
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Id


class Archived:
    """The columns of such a table. Triggers keep its rows, and let none end but by a certificate."""

    what: ClassVar[str]
    """Names the kind in lists, certificates and the ledger."""
    called: ClassVar[str]
    """The same as people say it: 录音."""
    since_called: ClassVar[str]
    """What `since` is the day of, as people say it."""

    id: Mapped[Id]
    digest: Mapped[str]
    """SHA-256 of the file (as it was before the store encrypted it), hexadecimal; empty where nothing is stored."""
    sm3: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """SM3 (GB/T 32905) of the same; empty too where it was archived before there was one."""
    store_key: Mapped[str]
    size: Mapped[int]
    protected_until: Mapped[date]
    """Last day on which nobody may delete it (民法典 第二百零二条); a trigger refuses an earlier one."""
    protection: Mapped[str] = mapped_column(String(300), default="", server_default="")
    """Why that day is later than for others, in Chinese; empty where it is not."""
    checked_at: Mapped[datetime | None]
    """When the stored file was last read as a whole and compared with the digests."""
    finding: Mapped[str] = mapped_column(String(300), default="", server_default="")
    """What was wrong then, in Chinese; empty when nothing was."""
    destroyed_at: Mapped[datetime | None]
    """依法销毁: since when its key is destroyed. The row stays, and says that this was a lawful end …"""
    certificate: Mapped[str] = mapped_column(String(20), default="", server_default="")
    """… by this certificate."""

    @classmethod
    def came(cls) -> ColumnElement[datetime]:
        """When it was archived."""
        raise NotImplementedError

    @classmethod
    def amiss(cls) -> ColumnElement[str]:
        """What of a row contradicts that to which it belongs, in Chinese, for a query to say; empty: nothing."""
        return literal("")

    @property
    def since(self) -> datetime:
        """From when at the earliest the years of its protection count."""
        raise NotImplementedError

    def facts(self) -> dict[str, object]:
        """What a seal says of it: everything of its row that never changes, and nothing that names a person. It says
        `what` it is, so that none passes for one of another kind; recordings alone, sealed before there were others,
        do not, and never may."""
        raise NotImplementedError

    def described(self) -> dict[str, object]:
        """What a certificate says of it beside its digests; nothing that names a person."""
        raise NotImplementedError


def instant(at: datetime) -> str:
    """As it is said in what is hashed and signed."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


Table = TypeVar("Table", bound=Archived)
CATALOGUES: dict[str, type[Archived]] = {}
"""All of them by `what`; a table is there once its module is imported."""


def catalogued(table: type[Table]) -> type[Table]:
    """A table of archived objects."""
    CATALOGUES[table.what] = table
    return table


def catalogues() -> list[type[Archived]]:
    """All of them, recordings first, whatever was imported first."""
    return [CATALOGUES[what] for what in sorted(CATALOGUES, reverse=True)]
