"""Rows of the database as a package keeps them: every column under its name, instants in UTC. Pure."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import inspect

from core.db import Base
from crm.dossiers.manifest import Need, instant

LEFT_OUT: dict[str, frozenset[str]] = {
    "tickets": frozenset({"query_failures", "query_failed_at", "updated_at", "proposals"}),
    "calls": frozenset({"evidence", "citizen_channel", "agent_channel", "announced", "changed_at"}),
    "recordings": frozenset({"store_key", "transcribed_at", "checked_at", "finding", "indexed_at", "words_ended_at"}),
    "ticket_attachments": frozenset({"store_key", "salt", "checked_at", "finding"}),
    "notices": frozenset({"read_at"}),
    "ledger": frozenset({"xid"}),
}
"""What tells of the machine and not of the matter (its proposals quote words that end with their recording), and what
every look changes; and the salt, without which nobody finds a masked name by trying."""


@dataclass(frozen=True)
class Document:
    """One entry that is made of rows; `needs` as in the manifest."""

    path: str
    title: str
    data: bytes
    needs: tuple[Need, ...] = ()


def row(one: Base) -> dict[str, Any]:
    """All columns of a row, but what is left out."""
    left = LEFT_OUT.get(type(one).__tablename__, frozenset())
    columns = inspect(type(one)).column_attrs
    return {column.key: plain(getattr(one, column.key)) for column in columns if column.key not in left}


def rows(several: Any) -> list[dict[str, Any]]:
    """The same of several."""
    return [row(one) for one in several]


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def written(value: Any) -> bytes:
    """A document's bytes: the same of the same content, and legible in any editor."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"


def salted(salt: str, path: str, value: dict[str, Any]) -> bytes:
    """A document with personal data: with a salt, so that nobody finds a number by trying digests; the same salt for
    the same content, so that what did not change is seen not to."""
    drawn = hmac.digest(salt.encode(), path.encode() + written(value), hashlib.sha256).hex()[:32]
    return written({"salt": drawn, **value})
