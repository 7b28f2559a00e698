"""Table of rule versions: texts that two persons decided about."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, Text, inspect, text
from sqlalchemy.event import listens_for
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from core import clock
from core.db import Base, Id


class RuleVersion(Base):
    """One version of the policy, the calendar or a list, from proposal to its end. Its text and its date never change.

    `kind` is one of `core.rules.kinds.Kind`, `state` of `core.rules.kinds.Standing`.
    """

    __tablename__ = "rule_versions"
    __table_args__ = (
        Index("ix_rule_versions_kind_since", "kind", "since"),
        Index(
            "uq_rule_versions_in_the_chain",
            "kind",
            "based_on",
            unique=True,
            postgresql_where=text("state = 'confirmed'"),
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(20))
    version: Mapped[str] = mapped_column(String(16))
    """Digest of the text: what rounds keep."""
    text: Mapped[str] = mapped_column(Text)
    based_on: Mapped[UUID | None]
    """The version that the proposer changed; None for the first. One confirmed version follows each."""
    since: Mapped[datetime | None]
    """In force from this instant: a policy's is decided, any other's is its confirmation."""
    document: Mapped[str] = mapped_column(String(120), default="")
    """文号 of the decision, or the notice."""
    note: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(20), default="proposed")
    proposed_at: Mapped[datetime] = mapped_column(default=clock.now)
    proposed_by: Mapped[UUID | None]
    proposed_name: Mapped[str] = mapped_column(String(40))
    settled_at: Mapped[datetime | None]
    """When it was confirmed, or confirmed and then withdrawn."""
    settled_by: Mapped[UUID | None]
    settled_name: Mapped[str] = mapped_column(String(40), default="")


FIXED = ("kind", "version", "text", "based_on", "document", "proposed_at", "proposed_by", "proposed_name")


def _immutable(mapper: Mapper[Any], connection: Any, target: RuleVersion) -> None:
    changed = [name for name in FIXED if inspect(target).attrs[name].history.has_changes()]
    if changed:
        raise RuntimeError(f"a version of the rules is never changed; propose another one ({', '.join(changed)})")


def _kept(mapper: Mapper[Any], connection: Any, target: RuleVersion) -> None:
    raise RuntimeError("a version of the rules is never deleted; withdraw it")


listens_for(RuleVersion, "before_update")(_immutable)
listens_for(RuleVersion, "before_delete")(_kept)
